"""The commands `compare` and `summarize`. Slow modules are imported inside."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pyama.cli.fit_options import FrameInterval, Lineages, Unit
from pyama.cli.options import Debug, Json
from pyama.cli.terminal import note, report_errors, result, result_json, warning

Tables = Annotated[
    list[Path],
    typer.Argument(
        metavar="CSV...",
        help="Tables of fits; or merged tables, whose traces are described; or the file of "
        "an experiment.",
    ),
]
Names = Annotated[
    str,
    typer.Option(
        metavar="NAMES",
        help="Columns. [default: the fitted parameters, or mean, maximum, auc, onset and "
        "expressing of traces]",
    ),
]
Column = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Column of the traces. [default: intensity_total, if there is one]",
    ),
]
TimeWindow = Annotated[
    str,
    typer.Option(
        "--window",
        metavar="START-END",
        help="Hours over which traces are described. [default: the time that all tables have "
        "in common]",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Also write a CSV file."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        epilog="Examples:\n\n\b\n"
        "  pyama compare results/*_fitted_maturation.csv --reference control\n"
        "  pyama compare results/*_merged.csv --names auc,onset -o comparison.csv"
    )(compare)
    app.command(
        epilog="Examples:\n\n\b\n"
        "  pyama summarize results/*_fitted_maturation.csv\n"
        "  pyama summarize results/*_merged.csv -o summary.csv"
    )(summarize)


@report_errors
def compare(
    tables: Tables,
    names: Names = "",
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="SAMPLE", help="Compare the others with it. [default: the first sample]"
        ),
    ] = None,
    column: Column = None,
    time_unit: Unit = None,
    frame_interval: FrameInterval = None,
    window: TimeWindow = "",
    lineages: Lineages = False,
    output: Output = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Compare samples: differences, intervals and p values.

    Samples are in the order in which they were merged, such as that of samples.yaml, and are
    compared with the first one.

    The values of p are corrected for the number of comparisons after Holm. The test uses one
    value per replicate, the median of its cells. Replicates are named in the column replicate;
    without it, recordings or fields of view are used. A comparison of single cells is also
    shown, but cells of one replicate are not independent.
    """
    from pyama.analysis.comparison_text import comparison_lines
    from pyama.analysis.sample_comparison import compare_samples

    chosen = _names(names)
    cells = _read(
        tables, column, time_unit, frame_interval, window, names=chosen, lineages=lineages
    )
    found = compare_samples(cells, chosen, reference)
    for text in found.warnings:
        warning(text)
    if len(cells.samples) > 2 and reference is None and not as_json:
        note(
            f"The samples are compared with {cells.samples[0]}, which is the first one. "
            "--reference SAMPLE chooses another."
        )
    if not as_json:
        note(found.level.reason)
    lines = comparison_lines(found.table, found.units)
    _show("compare", found.table, lines, output, as_json=as_json)


@report_errors
def summarize(
    tables: Tables,
    names: Names = "",
    column: Column = None,
    time_unit: Unit = None,
    frame_interval: FrameInterval = None,
    window: TimeWindow = "",
    lineages: Lineages = False,
    output: Output = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Describe samples by counts, means and quantiles.

    For every number: cells, mean, standard deviation (sd), coefficient of variation (cv) and
    quantiles.
    """
    from pyama.analysis.comparison_text import summary_lines
    from pyama.analysis.expression import expression_sentence, without_flat_fits
    from pyama.analysis.histograms import far_out_note
    from pyama.analysis.replicates import sample_sizes
    from pyama.analysis.statistics import summarize as describe_samples

    chosen = _names(names)
    cells = _read(
        tables, column, time_unit, frame_interval, window, names=chosen, lineages=lineages
    )
    chosen = chosen or cells.features
    table = describe_samples(cells.table, chosen, order=cells.samples)
    if text := far_out_note(without_flat_fits(cells.table, chosen), chosen):
        note(text)
    units = [cells.units.get(name, "") for name in table["feature"]]
    table.insert(2, "unit", units)
    counted = sample_sizes(cells.table, order=cells.samples)
    sizes = counted.to_string(index=False).split("\n") if cells.samples else ["no cells"]
    shares = expression_sentence(cells.table, cells.samples)
    lines = [*sizes, *([shares] if shares else []), "", *summary_lines(table, cells.units)]
    _show("summarize", table, lines, output, as_json=as_json)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _read(
    tables: list[Path],
    column: str | None,
    unit: str | None,
    interval: float | None,
    window: str,
    *,
    names: list[str],
    lineages: bool,
) -> Any:
    from pyama.analysis.cell_numbers import read_cell_numbers
    from pyama.analysis.common_window import parse_window
    from pyama.analysis.experiments.experiment_tables import fitted_or_merged
    from pyama.analysis.result_notes import table_remarks
    from pyama.analysis.table_times import TableTime

    tables = fitted_or_merged(tables)
    for text in table_remarks(tables):
        warning(text)
    times = TableTime(unit, interval)
    cells = read_cell_numbers(
        tables, column, times, parse_window(window), names=names, lineages=lineages
    )
    for text in cells.notes:
        note(text)
    return cells


def _show(
    name: str, table: Any, lines: list[str], output: Path | None, *, as_json: bool
) -> None:
    from pyama.analysis.table_files import write_table

    if output is not None:
        write_table(output, table, {})
    if as_json:
        rows = table.astype(object).where(table.notna(), None).to_dict("records")
        result_json(name, {"rows": rows})
    else:
        result("\n".join(lines))
