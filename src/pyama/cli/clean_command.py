"""The command `clean`. Slow modules are imported inside."""

import sys
from typing import Annotated

import typer

from pyama.cli.options import Debug, Folder, Json, Plugins
from pyama.cli.terminal import report_errors, result, result_json

EPILOG = (
    "Examples:\n\n\b\n"
    "  pyama clean results\n"
    "  pyama clean results --also previews,crops\n"
    "  pyama clean results --also all --yes\n\n"
    "Without a terminal, or with --json, nothing is removed unless --yes is given."
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=EPILOG)(clean)


@report_errors
def clean(
    folder: Folder,
    also: Annotated[
        list[str] | None,
        typer.Option(
            "--also",
            metavar="KINDS",
            help="Also remove finished outputs that a run can make again: previews, crops, "
            "backgrounds, labels (of single frames), frames (copied from the recording), "
            "separated by commas, or all.",
            show_default=False,
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Remove without a question.")
    ] = False,
    plugins: Plugins = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Free disk space after a question.

    Shows what can be removed from results and how large it is, asks, and removes it.
    By default only left-overs are removed: unfinished outputs and temporary files of killed
    runs. Traces, corrections, tracked labels, tables, reports, configuration and logs always
    stay, as does all that pyama has not written. The next `pyama run` makes again what --also
    removes, with the same bytes; `pyama verify` and `pyama plan` tell what that is. Frames can
    be removed only if the recording is there and unchanged.
    """
    from pyama.runs import cleaning

    kinds = cleaning.parse_kinds(also or ())
    listing = cleaning.list_removable(folder)
    if not as_json:
        for line in cleaning.listing_lines(listing):
            result(line)
    wanted = cleaning.removed_text(listing, kinds)
    if wanted and not yes and sys.stdin.isatty() and not as_json:
        yes = typer.confirm(f"Remove {wanted}?", err=True)
    if wanted and yes:
        listing = cleaning.clean(folder, kinds)
    removed = cleaning.removed_text(listing, kinds) if yes else ""
    if as_json:
        freed = listing.size(kinds) if removed else 0
        result_json("clean", listing.entries() | {"freed": freed})
    else:
        result(f"Removed {removed}." if removed else cleaning.nothing_text(listing, wanted))
