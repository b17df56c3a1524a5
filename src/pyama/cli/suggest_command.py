"""The command `suggest`. Slow modules are imported inside."""

from pathlib import Path
from typing import Annotated

import typer

from pyama.cli.options import Debug, File, Json, Pc, Plugins
from pyama.cli.terminal import report_errors, result, result_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog="Examples:\n\n\b\n  pyama suggest recording.nd2\n"
        "  pyama suggest recording.nd2 --output sizes.png\n"
        "  pyama suggest scan.czi --pc Phase --json"
    )(suggest)


@report_errors
def suggest(
    file: File,
    pc: Pc = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="PNG file for outlines that are found with several widths, side by side. "
            "[default: none]",
            show_default=False,
        ),
    ] = None,
    plugins: Plugins = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Propose how to find the cells, and how wide they are.

    Looks at a few phase contrast images and prints a method, a width of cells, how sure it is,
    and the command of a run with them. It knows phase contrast only, and then says so.
    """
    from pyama.runs.suggestion import suggest as find_suggestion
    from pyama.runs.suggestion_text import suggestion_entries, suggestion_lines, write_picture

    suggestion = find_suggestion(file, pc, plugins or ())
    if output is not None:
        write_picture(suggestion, output)
    if as_json:
        result_json("suggest", suggestion_entries(suggestion))
        return
    for line in suggestion_lines(suggestion):
        result(line)
