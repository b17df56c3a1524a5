"""The commands `pyama plot ...`: one figure each. Slow modules are imported inside."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pyama.cli.fit_options import FrameInterval, Lineages, Unit
from pyama.cli.options import Debug
from pyama.cli.plain_help import Commands
from pyama.cli.terminal import report_errors, result, warning

app = Commands(
    help="Draw figures for publications as PNG, SVG or PDF.",
    rich_markup_mode=None,
    no_args_is_help=True,
)

Output = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="File of the figure; ends in .png, .svg or .pdf.",
        show_default=False,
    ),
]
Merged = Annotated[
    list[Path],
    typer.Argument(
        metavar="CSV...", help="Merged tables, or traces; or the file of an experiment."
    ),
]
Fitted = Annotated[
    list[Path],
    typer.Argument(
        metavar="CSV...", help="Tables that `pyama fit` wrote; or the file of an experiment."
    ),
]
MinRSquared = Annotated[
    float | None,
    typer.Option(
        metavar="LIMIT",
        help="Only cells whose fit has an R² above this; good fits are above 0.9. "
        "[default: all cells]",
        show_default=False,
    ),
]
Width = Annotated[float, typer.Option(min=20, max=2000, help="Width of the figure in mm.")]
Dpi = Annotated[int, typer.Option(min=30, max=2400, help="Pixels per inch of a PNG.")]


@app.command(epilog="Example:\n\n\b\n  pyama plot traces results/*_merged.csv -o traces.pdf")
@report_errors
def traces(
    tables: Merged,
    output: Output,
    column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Column to show. [default: intensity_total, if there is one]",
        ),
    ] = None,
    time_unit: Unit = None,
    frame_interval: FrameInterval = None,
    lineages: Lineages = False,
    width: Width = 180,
    dpi: Dpi = 300,
    debug: Debug = False,
) -> None:
    """Plot the traces of every sample.

    With the mean and the middle half of the cells.
    """
    from pyama.analysis.experiments.experiment_tables import merged_tables
    from pyama.analysis.figures import plots
    from pyama.analysis.joined_tables import join_traces
    from pyama.analysis.table_columns import chosen_column, unit_of, with_unit
    from pyama.analysis.table_times import TableTime

    plots.check_format(output)
    tables = merged_tables(tables)
    _say_remarks(tables)
    joined = join_traces(tables, TableTime(time_unit, frame_interval), lineages=lineages)
    column = chosen_column(joined, column)
    figure = plots.traces(joined, column, with_unit(column, unit_of(column)), width)
    result(str(plots.save(figure, output, dpi)))


@app.command(
    epilog="Example:\n\n\b\n"
    "  pyama plot fits results/control_merged_fitted_maturation.csv -o fits.svg"
)
@report_errors
def fits(
    table: Annotated[
        Path,
        typer.Argument(
            metavar="CSV",
            help="A table that `pyama fit` wrote; or the file of an experiment of one sample.",
        ),
    ],
    output: Output,
    width: Width = 180,
    dpi: Dpi = 300,
    debug: Debug = False,
) -> None:
    """Plot the best, the median and the worst fit with their data."""
    from pyama.analysis.experiments.experiment_tables import fitted_table
    from pyama.analysis.figures import plots
    from pyama.analysis.fitting.fit_files import load_fit_with_traces
    from pyama.analysis.table_columns import unit_of, with_unit

    plots.check_format(output)
    table = fitted_table(table)
    _say_remarks([table])
    fitted, measured, header = load_fit_with_traces(table)
    column = str(header["column"])
    label = with_unit(column, unit_of(column))
    figure = plots.fits(fitted, measured, column, label, width)
    result(str(plots.save(figure, output, dpi)))


@app.command(
    epilog="Example:\n\n\b\n"
    "  pyama plot parameters results/*_fitted_maturation.csv -o parameters.pdf --names t0,ktl"
)
@report_errors
def parameters(
    tables: Fitted,
    output: Output,
    names: Annotated[
        str, typer.Option(metavar="NAMES", help="Columns. [default: the fitted parameters]")
    ] = "",
    min_r_squared: MinRSquared = None,
    width: Width = 180,
    dpi: Dpi = 300,
    debug: Debug = False,
) -> None:
    """Plot histograms of the parameters of every sample."""
    from pyama.analysis.figures import plots

    chosen = [name for name in names.split(",") if name]
    table, labels = _read_fits(tables, output, chosen, min_r_squared)
    figure = plots.histograms(table, list(labels), list(labels.values()), width)
    result(str(plots.save(figure, output, dpi)))


@app.command(
    epilog="Example:\n\n\b\n"
    "  pyama plot scatter results/*_fitted_maturation.csv -o scatter.pdf --x t0 --y ktl"
)
@report_errors
def scatter(
    tables: Fitted,
    output: Output,
    x: Annotated[str, typer.Option(metavar="NAME", help="Column of the x axis.")],
    y: Annotated[str, typer.Option(metavar="NAME", help="Column of the y axis.")],
    log_x: Annotated[bool, typer.Option("--log-x", help="Logarithmic x axis.")] = False,
    log_y: Annotated[bool, typer.Option("--log-y", help="Logarithmic y axis.")] = False,
    min_r_squared: MinRSquared = None,
    width: Width = 85,
    dpi: Dpi = 300,
    debug: Debug = False,
) -> None:
    """Plot two parameters of every cell against each other."""
    from pyama.analysis.figures import plots

    table, labels = _read_fits(tables, output, [x, y], min_r_squared)
    is_log = log_x, log_y
    figure = plots.scatter(table, x, y, (labels[x], labels[y]), width, is_log)
    result(str(plots.save(figure, output, dpi)))


@app.command(
    epilog="Example:\n\n\b\n"
    "  pyama plot samples results/*_fitted_maturation.csv -o samples.pdf --name ktl"
)
@report_errors
def samples(
    tables: Fitted,
    output: Output,
    name: Annotated[str, typer.Option(metavar="NAME", help="Column that is compared.")],
    min_r_squared: MinRSquared = None,
    width: Width = 85,
    dpi: Dpi = 300,
    debug: Debug = False,
) -> None:
    """Plot a parameter in every sample, one point per cell.

    With median and quartiles.
    """
    from pyama.analysis.figures import plots

    table, labels = _read_fits(tables, output, [name], min_r_squared)
    figure = plots.samples(table, name, labels[name], width)
    result(str(plots.save(figure, output, dpi)))


def _read_fits(
    tables: list[Path], output: Path, names: list[str], min_r_squared: float | None
) -> tuple[Any, dict[str, str]]:
    """Read tables of fits, and the labels of some columns, or of all fitted parameters."""
    from pyama.analysis.experiments.experiment_tables import fitted_tables
    from pyama.analysis.figures.plots import check_format
    from pyama.analysis.joined_tables import (
        axis_labels,
        fits_above,
        join_fits,
        parameters_to_show,
    )

    check_format(output)  # before the tables are read
    tables = fitted_tables(tables)
    _say_remarks(tables)
    table, units = join_fits(tables)
    labels = axis_labels(table, units, names or parameters_to_show(table))
    return fits_above(table, min_r_squared), labels


def _say_remarks(tables: list[Path]) -> None:
    """Show what is to be known about the tables of a figure."""
    from pyama.analysis.result_notes import table_remarks

    for text in table_remarks(tables):
        warning(text)
