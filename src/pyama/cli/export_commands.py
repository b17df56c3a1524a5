"""The commands `pyama export ...`: one format each. Slow modules are imported inside."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyama.cli.options import Debug, Folder, Fovs, Json
from pyama.cli.plain_help import Commands
from pyama.cli.terminal import FAILED, note, report_errors, result, result_json, warning

if TYPE_CHECKING:
    from pyama.exports.export_source import Exported, Selection

app = Commands(
    help="Write results in the formats of other programs. Nothing is replaced.",
    rich_markup_mode=None,
    no_args_is_help=True,
)

NewFolder = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="FOLDER",
        help="Folder of the files; it must not exist, or be empty.",
        show_default=False,
    ),
]
NewFile = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="The file; it must not exist.",
        show_default=False,
    ),
]
WithBad = Annotated[
    bool,
    typer.Option("--with-bad", help="Also export what was marked as bad in an inspection."),
]
WithLeftOut = Annotated[
    bool,
    typer.Option(
        "--with-left-out",
        help="Also export cells that min_frames, border_margin or another filter leaves out.",
    ),
]
Samples = Annotated[
    Path | None,
    typer.Option(
        "--samples",
        metavar="FILE",
        help="A samples.yaml; its samples become the column sample.",
        show_default=False,
    ),
]


class TableFormats(StrEnum):
    """Formats of `pyama export tables`."""

    CSV = "csv"
    PARQUET = "parquet"
    XLSX = "xlsx"


@app.command(
    epilog="Examples:\n\n\b\n  pyama export tables results --output tables\n"
    "  pyama export tables results --samples samples.yaml --format xlsx -o tables.xlsx"
)
@report_errors
def tables(
    folder: Folder,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Folder of the tables; with --format xlsx, the workbook. It must not exist.",
            show_default=False,
        ),
    ],
    form: Annotated[
        TableFormats,
        typer.Option(
            "--format",
            help="Format; parquet and xlsx need pip install 'pyama-traces[parquet,xlsx]'.",
        ),
    ] = TableFormats.CSV,
    fovs: Fovs = None,
    samples: Samples = None,
    with_bad: WithBad = False,
    with_left_out: WithLeftOut = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write tables for R, spreadsheets and pandas, with a codebook.

    `traces` has one row per cell and frame, `cells` one row per cell, and `codebook` says what
    every column means and in which unit it is. Inspected traces replace the others.
    """
    from pyama.exports.table_export import TableFormat, export_tables

    chosen = _selection(fovs, with_bad, with_left_out, samples)
    _show(export_tables(folder, output, chosen, TableFormat(form.value)), as_json)


@app.command(epilog="Example:\n\n\b\n  pyama export labels results --output labels --fovs 0-3")
@report_errors
def labels(
    folder: Folder,
    output: NewFolder,
    fovs: Fovs = None,
    with_bad: WithBad = False,
    with_left_out: WithLeftOut = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write the tracked cells as TIFF files for Fiji and napari.

    One file (time, y, x) per field of view with the size of a pixel and the interval. 0 is
    background; other numbers are those of the cells in the traces, corrected ones after an
    inspection.
    """
    from pyama.exports.label_export import export_labels

    _show(export_labels(folder, output, _selection(fovs, with_bad, with_left_out)), as_json)


@app.command(epilog="Example:\n\n\b\n  pyama export ctc results --output challenge")
@report_errors
def ctc(
    folder: Folder,
    output: NewFolder,
    fovs: Fovs = None,
    with_bad: WithBad = False,
    with_left_out: WithLeftOut = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write masks and tracks as the Cell Tracking Challenge does.

    One folder per field of view, 000_RES and so on, with mask000.tif, ... and res_track.txt.
    A cell gets a new label after a gap; cells.csv tells which cell every label is.
    """
    from pyama.exports.ctc_export import export_ctc

    _show(export_ctc(folder, output, _selection(fovs, with_bad, with_left_out)), as_json)


@app.command(epilog="Example:\n\n\b\n  pyama export geff results --output tracks")
@report_errors
def geff(
    folder: Folder,
    output: NewFolder,
    fovs: Fovs = None,
    with_bad: WithBad = False,
    with_left_out: WithLeftOut = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write tracks as graphs in the Graph Exchange File Format (GEFF).

    One graph per field of view: a node per cell and frame, with time, centroid, area and
    features, and edges to the next frame and from mothers to daughters. Needs
    pip install 'pyama-traces[geff]'.
    """
    from pyama.exports.geff_export import export_geff

    _show(export_geff(folder, output, _selection(fovs, with_bad, with_left_out)), as_json)


@app.command(epilog="Example:\n\n\b\n  pyama export anndata results -o cells.h5ad")
@report_errors
def anndata(
    folder: Folder,
    output: NewFile,
    fovs: Fovs = None,
    samples: Samples = None,
    with_bad: WithBad = False,
    with_left_out: WithLeftOut = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write cells and their features as an AnnData file, for scanpy.

    One row per cell and one column per feature; X holds means over time, and there is one
    layer per frame. Needs pip install 'pyama-traces[anndata]'.
    """
    from pyama.exports.anndata_export import export_anndata

    chosen = _selection(fovs, with_bad, with_left_out, samples)
    _show(export_anndata(folder, output, chosen), as_json)


@app.command(
    epilog="Examples:\n\n\b\n  pyama export movie results --fov 0 --output cells.gif\n"
    "  pyama export movie results --fov 0 --channel GFP --output cells.mp4"
)
@report_errors
def movie(
    folder: Folder,
    output: NewFile,
    fov: Annotated[int, typer.Option(min=0, metavar="N", help="Field of view.")] = 0,
    channel: Annotated[
        str | None,
        typer.Option(
            "--channel",
            metavar="CHANNEL",
            help="Channel that is shown: its index from 0, or its name or a part of it. "
            "[default: phase contrast]",
            show_default=False,
        ),
    ] = None,
    fps: Annotated[
        float, typer.Option(min=0.1, max=60, metavar="N", help="Frames per second.")
    ] = 10,
    with_bad: WithBad = False,
    with_left_out: WithLeftOut = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write a movie of a field of view as MP4 or GIF.

    Shows the outlines and numbers of the cells, the time and a scale bar. MP4 needs
    pip install 'pyama-traces[movie]', GIF nothing.
    """
    from pyama.exports.movie_export import export_movie
    from pyama.runs.channels import find_channel
    from pyama.traces.trace_recording import read_recording

    index = None
    if channel is not None:
        names = read_recording(folder)[0].channel_names
        index = find_channel(channel, names, "--channel")
    chosen = _selection(str(fov), with_bad, with_left_out)
    _show(export_movie(folder, output, chosen, index, fps), as_json)


def _selection(
    fovs: str | None, bad: bool, left_out: bool, samples: Path | None = None
) -> "Selection":
    from pyama.exports.export_source import Selection

    return Selection(fovs, bad, left_out, samples)


def _show(done: "Exported", as_json: bool) -> None:
    """Print what was exported; exit with 1 if fields of view could not be."""
    for text in done.notes:
        note(f"Note: {text}")
    for text in done.problems:
        warning(text)
    if as_json:
        result_json(
            "export",
            {
                "files": [str(path) for path in done.files],
                "fovs": done.fovs,
                "problems": done.problems,
                "notes": done.notes,
            },
        )
    for path in () if as_json else done.files:
        result(str(path))
    if done.problems:
        raise typer.Exit(FAILED)
