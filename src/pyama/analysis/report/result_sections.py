"""Sections on what was measured: traces, fits, samples compared."""

import math
from collections.abc import Iterator, Mapping

import pandas as pd

from pyama.analysis.report import markup, plotly_figures
from pyama.analysis.report.distributions import classes, histogram, scatter
from pyama.analysis.report.report_data import Fits, Material
from pyama.analysis.statistics import compare, summarize, trace_features
from pyama.analysis.table_columns import unit_of

MOST_FEATURES = 6
"""Columns of which traces are shown."""
MOST_PAIRS = 10
"""With more pairs of samples, all are compared with the first one only."""
OF_A_TRACE = {
    "mean": ("mean", "{}"),
    "maximum": ("maximum", "{}"),
    "auc": ("area under the curve", "{} h"),
    "onset": ("onset", "h"),
}
"""What is told of every trace without a model: in words, and its unit by that of the trace."""
R_SQUARED = "r_squared"
"""Says how good a fit is; samples are not compared by it."""
AXES = "<label>x <select></select></label><label>y <select></select></label>"


def traces_section(material: Material) -> str:
    """Traces of every sample with their mean and spread."""
    samples, table = material.samples, material.traces
    features = [name for name in material.features if table[name].notna().any()]
    features = features[:MOST_FEATURES]
    if not features:
        text = "There are no traces: no cell was found, or none is left after the filters."
        return markup.section("traces", "Traces", markup.paragraph(text))
    most = plotly_figures.traces_to_draw(table, len(features), len(samples))
    parts = []
    for column in features:
        label = material.label(column)
        whole = markup.plot(plotly_figures.overview(table, column, samples, label), wide=True)
        each = [
            markup.plot(
                plotly_figures.single_traces(
                    table[table["sample"] == sample], column, sample, i, label=label, most=most
                )
            )
            for i, sample in enumerate(samples)
        ]
        parts.append(markup.choice("traces", label, whole + markup.grid(each)))
    text = (
        "Lines are means over the cells of a sample, bands hold the middle half of them. "
        "Below, single cells are drawn in grey."
    )
    chooser = markup.chooser("traces", "Show")
    return markup.section("traces", "Traces", markup.paragraph(text), chooser, *parts)


def fits_sections(material: Material) -> Iterator[tuple[str, str, str]]:
    """Key, title and section of every model that was fitted."""
    for k, fits in enumerate(material.fits):
        title = f"Fits: {fits.model}"
        if sum(other.model == fits.model for other in material.fits) > 1:
            title += f", {material.label(fits.column)}"
        yield f"fits{k}", title, _fits(material, fits, f"fits{k}", title)


def _fits(material: Material, fits: Fits, key: str, title: str) -> str:
    samples = material.samples
    labels = {name: _with_unit(name, fits.units, name) for name in fits.parameters}
    content = [
        markup.paragraph(
            f"Fitted to: {material.label(fits.column)}. Classes by R²: good above 0.9, fair "
            "above 0.7; failed have no fit."
        ),
        markup.plot(classes(fits.table, samples)),
        "<h3>Best, median and worst cell</h3>",
        *_examples(material, fits, samples),
        "<h3>Parameters</h3>",
        markup.grid(
            markup.plot(histogram(fits.table, name, samples, label))
            for name, label in {**labels, R_SQUARED: "R²"}.items()
        ),
    ]
    if labels:
        axes = scatter(fits.table, {**labels, R_SQUARED: "R²"}, samples)
        content += [
            "<h3>Parameters against each other</h3>",
            markup.plot(axes, wide=True, before=AXES),
        ]
    return markup.section(key, title, *content)


def _examples(material: Material, fits: Fits, samples: list[str]) -> Iterator[str]:
    for i, sample in enumerate(samples):
        traces = material.traces[material.traces["sample"] == sample]
        cells = fits.table[fits.table["sample"] == sample]
        if fits.column in traces and cells["r_squared"].notna().any():
            label = material.label(fits.column)
            if len(samples) > 1:
                yield f'<p class="soft">{markup.escaped(sample)}</p>'
            yield markup.plot(
                plotly_figures.fit_examples(cells, traces, fits.column, i, label)
            )


def _with_unit(words: str, units: Mapping[str, str], name: str) -> str:
    unit = units.get(name, "")
    return f"{words} ({unit})" if unit else words


def _told(
    table: pd.DataFrame, first: list[str], last: list[str], units: Mapping[str, str]
) -> pd.DataFrame:
    """Put columns first and last, and the unit of every feature behind the first ones."""
    between = [name for name in table if name not in (*first, *last)]
    told = table[[*first, *between, *last]]
    told.insert(len(first), "unit", [units.get(name, "") for name in table["feature"]])
    return told


def statistics_section(material: Material) -> str:
    """Numbers per sample, and of the differences between samples."""
    totals = [name for name in material.features if name.startswith("intensity_total")]
    content = [
        markup.paragraph(
            "One value per cell: their number n, median, mean, coefficient of variation (cv) "
            "and quantiles. Samples are compared by the Mann-Whitney test; difference is the "
            "median of b minus that of a, low and high its 95 % bootstrap interval; the "
            "effect is the chance that a cell of b exceeds one of a, minus the reverse; "
            "p_adjusted is corrected for the number of comparisons in its table (Holm). Cells "
            "are taken as independent, and every fit counts, also a poor one."
        )
    ]
    for column in (totals or material.features)[:3]:
        table = trace_features(material.traces, column)
        units = _units(unit_of(column))
        content += [
            f"<h3>{markup.escaped(material.label(column))}</h3>",
            markup.grid(
                markup.plot(
                    histogram(table, name, material.samples, _with_unit(words, units, name))
                )
                for name, (words, _) in OF_A_TRACE.items()
            ),
            _compared(material, table, list(OF_A_TRACE), units, column),
        ]
    for fits in material.fits:
        content.append(f"<h3>{markup.escaped(fits.model)}, {markup.escaped(fits.column)}</h3>")
        name = f"{fits.model}_{fits.column}"
        features = [*fits.parameters, R_SQUARED]
        content.append(_compared(material, fits.table, features, fits.units, name))
    return markup.section("statistics", "Statistics", *content)


def _units(unit: str) -> dict[str, str]:
    """Units of what is told of a trace; empty where that of the trace is not known."""
    return {
        name: own.format(unit) if unit or name == "onset" else ""
        for name, (_, own) in OF_A_TRACE.items()
    }


def _compared(
    material: Material,
    table: pd.DataFrame,
    features: list[str],
    units: Mapping[str, str],
    name: str,
) -> str:
    """Tables of the numbers of every sample, and of every pair of samples."""
    kinds = dict.fromkeys(("sample", "feature", "unit", "a", "b"), "text")
    samples = [name for name in material.samples if (table["sample"] == name).any()]
    numbers = summarize(table, features)
    order = numbers["feature"].map(features.index) * len(samples)
    order += numbers["sample"].astype(str).map(samples.index)
    numbers = _told(numbers.iloc[order.argsort()], ["feature"], [], units)
    summary = markup.table(numbers, kinds, f"{name}_summary.csv")
    if len(samples) < 2:
        return summary
    many = math.comb(len(samples), 2) > MOST_PAIRS
    tested = [feature for feature in features if feature != R_SQUARED]
    pairs = compare(table, tested, reference=samples[0] if many else None)
    # The medians stand in the table above, so the others come before them.
    pairs = _told(pairs, ["feature"], ["median_a", "median_b"], units)
    title = f"Compared with {samples[0]}" if many else "Samples compared"
    shown = markup.table(pairs, kinds, f"{name}_comparison.csv")
    return f"{summary}<h3>{markup.escaped(title)}</h3>{shown}"
