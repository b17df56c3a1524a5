"""The command `demo`. Slow modules are imported inside."""

from pathlib import Path
from typing import Annotated

import typer

from pyama.cli.options import Debug, DemoFormat, Fl, Pc
from pyama.cli.terminal import report_errors


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog="Examples:\n\n\b\n  pyama demo\n"
        "  pyama demo --fovs 8 --format nd2 --no-browser\n"
        "  pyama demo --real recording.nd2"
    )(demo)


@report_errors
def demo(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR", help="Folder of recording and results."),
    ] = Path("pyama_demo"),
    fovs: Annotated[
        int, typer.Option(min=1, max=1000, metavar="N", help="Fields of view.")
    ] = 4,
    frames: Annotated[
        int, typer.Option(min=1, max=10_000, metavar="N", help="Frames of 512 x 512 px each.")
    ] = 40,
    kind: Annotated[
        DemoFormat, typer.Option("--format", help="Format of the recording.")
    ] = DemoFormat.CZI,
    real: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A recording to use instead of a drawn one: at most --frames frames of its "
            "first field of view. [default: none]",
            show_default=False,
        ),
    ] = None,
    pc: Pc = None,
    fl: Fl = None,
    browser: Annotated[bool, typer.Option(help="Open the page on the results.")] = True,
    debug: Debug = False,
) -> None:
    """Take a tour of the whole workflow, on a synthetic recording.

    Draws cells in phase contrast and fluorescence, writes them as a microscope would, runs
    `pyama run` on the file, then merges, fits, writes a report, and, on a terminal, opens the
    page on the results until Ctrl-C. It says what it does and with which command. Takes about
    a minute.
    """
    from pyama.cli import demo_command

    code = demo_command.demo(
        output, fovs, frames, kind.value, real, pc, fl or (), browser=browser
    )
    raise typer.Exit(code)
