"""Sentences on cells that express, and on those whose trace does not show it."""

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from pyama.analysis.common_window import Window

EXPRESSING = "expressing"
"""Column of features: 1 for cells that begin to express, 0 for others, NaN if not known."""
SHARES = (EXPRESSING,)
"""Features whose mean over cells is a share, by which replicates are compared."""
OF_WHOLE_WINDOW = {"mean", "maximum", "auc", EXPRESSING}
"""Features of cells that are seen over the whole window."""
NOT_EXPRESSING = "not expressing"
"""Class of fits to traces in which no rise or fall was found: parameters mean nothing."""


def flat_fits(table: pd.DataFrame) -> "pd.Series[bool]":
    """Return the rows of fits to traces without a rise or fall, whose parameters mean nothing.

    Those of the model `constant` describe such a trace.
    """
    if "class" not in table:
        return pd.Series(False, table.index)
    flat = table["class"] == NOT_EXPRESSING
    return flat & (table["model_type"] != "constant") if "model_type" in table else flat


def without_flat_fits(table: pd.DataFrame, features: Sequence[str]) -> pd.DataFrame:
    """Return a table of fits whose numbers are NaN where a cell does not express.

    Args:
        table: One row per cell; without a column `class` of fits, it is returned as it is.
        features: Columns of numbers.
    """
    if not (flat := flat_fits(table)).any():
        return table
    return table.assign(**{name: table[name].where(~flat) for name in features})


def flat_fits_note(table: pd.DataFrame, samples: Sequence[str]) -> Iterator[str]:
    """Yield in how many cells of each sample of a table of fits nothing is expressed."""
    if "class" not in table:
        return
    left_out = flat_fits(table)
    described = (table["class"] == NOT_EXPRESSING) & ~left_out
    marked = table.assign(
        left_out=table["class"].where(left_out), described=table["class"].where(described)
    )
    cells = [marked[marked["sample"] == name] for name in samples]
    if left_out.any():
        yield (
            "Cells in whose trace no rise was found do not count: "
            f"{_counts(cells, 'left_out')}. Their fits have the class not expressing."
        )
    if described.any() and (table["model_type"] != "constant").any():
        yield (
            "Traces without a rise that the model constant describes count in offset only: "
            f"{_counts(cells, 'described')}. Their fits have the class not expressing, too."
        )


def expression_sentence(table: pd.DataFrame, samples: Sequence[str]) -> str:
    """Return the share of expressing cells in every sample; empty without such a column.

    Args:
        table: One row per cell, as from `pyama.analysis.statistics.trace_features`.
        samples: Names of the samples, in their order.
    """
    if EXPRESSING not in table or not samples:
        return ""
    parts = []
    for name in samples:
        column = table.loc[table["sample"] == name, EXPRESSING]
        judged = int(column.notna().sum())
        share = f", {100 * column.mean():.0f} %" if judged else ""
        parts.append(f"{name} {int(column.sum())} of {judged}{share}")
    return f"Expressing cells, of those that can be judged: {'; '.join(parts)}."


def feature_notes(
    table: pd.DataFrame,
    window: Window,
    samples: Sequence[str],
    features: Sequence[str] | None = None,
) -> Iterator[str]:
    """Yield what has to be known to compare features of traces of samples.

    Args:
        table: Features, see `pyama.analysis.statistics.trace_features`.
        window: Over which they were computed.
        samples: Names of the samples, in their order.
        features: Those that are used; by default all.
    """
    yield from window.notes()
    used = set(table if features is None else features)
    cells = [table[table["sample"] == name] for name in samples]
    some = used & OF_WHOLE_WINDOW and window.start <= window.end
    if some and any(rows["mean"].isna().any() for rows in cells):
        yield (
            "Mean, maximum and area under the curve are those of cells that are seen over the "
            f"whole window, {window.text}: {_counts(cells, 'mean')}. A shorter window has "
            "more cells: `--window START-END`."
        )
    if "onset" not in used:
        return
    late = [rows.assign(late=rows["n_points"].where(rows["onset_censored"])) for rows in cells]
    if any(rows["late"].any() for rows in late):
        yield (
            "Cells that rose already when they were first seen have no onset: "
            f"{_counts(late, 'late')}."
        )


def _counts(samples: Iterable[pd.DataFrame], column: str) -> str:
    """Return in how many cells of each sample a column has a value; without empty samples."""
    parts = [
        f"{rows[column].count()} of {len(rows)} of {rows['sample'].iloc[0]}"
        for rows in samples
        if len(rows)
    ]
    return ", ".join(parts)
