"""Commands that list, check and begin plugins, and the option that loads them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pyama.cli.options import Debug, Json, Plugins
from pyama.cli.screen import FAILED, USAGE, error, reported, result, result_json, warning

app = typer.Typer(
    help="List, check and begin plugins.", rich_markup_mode=None, no_args_is_help=True
)


def load(folders: Sequence[Path]) -> list[Any]:
    """Load installed plugins and those of folders; what is refused is said in a line.

    Returns:
        A `pyama.plugins.loading.Loaded` for every one.
    """
    from pyama.cli.plugin_kinds import DOORS
    from pyama.errors import ConfigError
    from pyama.plugins.loading import load_folder, load_installed

    reports = load_installed(DOORS)
    for folder in folders:
        try:
            reports += load_folder(folder, DOORS)
        except ConfigError as missing:
            raise typer.BadParameter(str(missing)) from missing
    for report in reports:
        if report.problem:
            warning(f"Plugin {report.source} was refused: {report.problem}")
    return reports


@app.command(
    "list",
    epilog="Examples:\n\n\b\n  pyama plugins list\n  pyama plugins list --plugins my_plugins",
)
@reported
def list_all(plugins: Plugins = None, as_json: Json = False, debug: Debug = False) -> None:
    """List what can be chosen by name, where it comes from, and its parameters.

    What was refused is named with the reason.
    """
    from pyama.cli.plugin_kinds import described

    found = described(plugins or ())
    if as_json:
        result_json(found)
        return
    for line in _lines(found):
        result(line)


def _lines(found: dict[str, Any]) -> Iterator[str]:
    for kind, entries in found["available"].items():
        yield f"{kind}:"
        for entry in entries:
            yield f"  {entry['name']}  ({entry['source']})"
            for name, told in entry["parameters"].items():
                yield f"      {name}: {told}"
    for entry in found["refused"]:
        yield f"refused: {entry['source']}: {entry['problem']}"


@app.command(epilog="Example:\n\n\b\n  pyama plugins check my_plugins/spots.py")
@reported
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A plugin file.")],
    debug: Debug = False,
) -> None:
    """Load a plugin file and try what it adds.

    Every function is called with ordinary and with odd input: empty, constant and saturated
    images, a single pixel, no cells. The exit code is 1 if one breaks its contract.
    """
    from pyama.cli.plugin_kinds import tried

    entries, problems = tried(file)
    for kind, name in entries:
        if (kind, name) not in problems:
            result(f"{kind} {name}: fine")
    for (kind, name), problem in problems.items():
        error(f"{kind} {name}: {problem}" if name else problem)
    if problems:
        raise typer.Exit(FAILED)


@app.command(
    epilog="Examples:\n\n\b\n  pyama plugins new feature roundness\n"
    "  pyama plugins new segmenter bright --into my_plugins"
)
@reported
def new(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="feature, segmenter, tracker, preprocessor, model or reader.",
        ),
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="By which it will be chosen.")],
    into: Annotated[
        Path, typer.Option(metavar="DIR", help="Where to; made if it is not there.")
    ] = Path("plugins"),
    debug: Debug = False,
) -> None:
    """Write a plugin that works, with a test, to begin from.

    Files that are there already are not overwritten.
    """
    from pyama.cli.plugin_kinds import is_taken
    from pyama.cli.skeletons import write_skeleton

    if is_taken(kind, name):
        error(f"There is a {kind} {name!r} already. Choose another name.")
        raise typer.Exit(USAGE)
    try:
        plugin, test = write_skeleton(kind, name, into)
    except FileExistsError as there:
        error(f"{there.filename} exists and is not overwritten. Choose another name.")
        raise typer.Exit(USAGE) from there
    result(f"Wrote {plugin} and {test}. What to do next:")
    result(f"  pyama plugins check {plugin}")
    result(f"  python -m pytest {test}")
    result(f"  pyama plugins list --plugins {into}")
