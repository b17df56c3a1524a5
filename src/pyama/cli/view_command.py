"""The command `pyama view`."""

from pathlib import Path
from typing import Annotated

import typer

from pyama.cli.options import Debug, Plugins
from pyama.cli.terminal import report_errors

EPILOG = (
    "Examples:\n\n\b\n  pyama view results\n"
    "  pyama view results --port 8000 --no-browser\n\n"
    "For results on a server, run there\n\n\b\n"
    "  pyama view DIR --port 8000 --no-browser\n\n"
    "and here the following command, and open the address that the first one prints:\n\n\b\n"
    "  ssh -L 8000:localhost:8000 SERVER"
)


@report_errors
def view(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR",
            help="The output folder of `pyama run`, or a folder of several. [default: none]",
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, metavar="N", help="Port of the server; 0 selects a free one."
        ),
    ] = 0,
    root: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder that the page may read and write; nothing outside it. [default: DIR, "
            "else the current folder]",
            show_default=False,
        ),
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
    host: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="Address at which the server can be reached."),
    ] = "127.0.0.1",
    allow_remote: Annotated[
        bool,
        typer.Option("--allow-remote", help="Let --host be reachable from other machines."),
    ] = False,
    plugins: Plugins = None,
    debug: Debug = False,
) -> None:
    """View results, correct them and start runs in a browser.

    Serves a page on this machine. Its address contains a token: everybody who has it can see
    and change the files below the root. Every change is saved at once.
    """
    from pyama.cli.server import serve

    loaded = plugins or ()
    raise typer.Exit(
        serve(folder, root, host, port, public=allow_remote, browser=browser, plugins=loaded)
    )


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=EPILOG)(view)
