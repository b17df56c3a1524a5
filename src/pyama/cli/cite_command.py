"""The command `cite`. Slow modules are imported inside."""

from dataclasses import asdict

import typer

from pyama.cli.options import Debug, Folder, Json
from pyama.cli.terminal import report_errors, result, result_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog="Examples:\n\n\b\n  pyama cite results\n  pyama cite results > methods.txt"
    )(cite)


@report_errors
def cite(folder: Folder, as_json: Json = False, debug: Debug = False) -> None:
    """Write a paragraph for the methods section of a publication.

    From the settings and versions that are stored with the results, and from the fits of the
    last merge, with the publications of the methods. Read it before you use it: it cannot
    know what was done elsewhere.
    """
    from pyama.runs.methods_text import methods_text

    text = methods_text(folder)
    if as_json:
        result_json("cite", asdict(text))
    else:
        result("\n".join(text.lines()))
