"""The commands `pack` and `unpack`. Slow modules are imported inside."""

from typing import TYPE_CHECKING

import typer

from pyama.cli.options import Debug, Folder, Json
from pyama.cli.terminal import FAILED, note, report_errors, result, result_json

if TYPE_CHECKING:
    from pyama.store import Form


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (pack, unpack):
        app.command(
            epilog=f"Example:\n\n\b\n  pyama {command.__name__} results\n\nExit codes: 0 all "
            "finished cells have this form, 1 some could not be converted, 2 wrong usage."
        )(command)


@report_errors
def pack(folder: Folder, as_json: Json = False, debug: Debug = False) -> None:
    """Keep the cells of each field of view in one file.

    Converts every finished cells.zarr to cells.zarr.zip, an uncompressed ZIP archive that
    holds the same files, for file systems that limit the number of files. Results are not made
    again: all commands read both forms. `pyama unpack` restores the folders, byte for byte.
    Each file is compared with its checksum. A field of view that a run is working on is left
    out. If this command is killed, run it again. `pyama run --set cells=zip` writes archives
    from the start.
    """
    _convert(folder, "zip", as_json=as_json)


@report_errors
def unpack(folder: Folder, as_json: Json = False, debug: Debug = False) -> None:
    """Restore the folders that `pyama pack` has made archives of.

    Converts every cells.zarr.zip to cells.zarr, byte for byte. See `pyama pack --help`.
    """
    _convert(folder, "folder", as_json=as_json)


def _convert(folder: Folder, form: "Form", *, as_json: bool) -> None:
    from pyama.runs.cell_conversion import Outcome, conversion_text, convert

    conversions = []
    for conversion in convert(folder, form):
        conversions.append(conversion)
        if conversion.message and not as_json:
            note(f"FOV {conversion.fov}: {conversion.message}")
    if as_json:
        name = "pack" if form == "zip" else "unpack"
        result_json(name, {"fovs": [vars(conversion) for conversion in conversions]})
    else:
        result(conversion_text(conversions, form))
    if any(conversion.outcome is Outcome.FAILED for conversion in conversions):
        raise typer.Exit(FAILED)
