"""Commands that list, check and create plugins, and loading for the option `--plugins`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pyama.cli.options import Debug, Json, Plugins
from pyama.cli.plain_help import Commands
from pyama.cli.terminal import (
    FAILED,
    USAGE,
    error,
    report_errors,
    result,
    result_json,
    warning,
)

app = Commands(
    help="List, check and create plugins.", rich_markup_mode=None, no_args_is_help=True
)


NO_SAMPLE = ", but read no image: name a recording with --sample"
"""What is added for a reader that was only given files of other formats."""


def load(folders: Sequence[Path]) -> list[Any]:
    """Load plugins of installed packages and folders; warn of those that cannot be loaded.

    Returns:
        A `pyama.plugins.loading.Loaded` for each.
    """
    from pyama.errors import ConfigError
    from pyama.runs.plugin_catalog import load_plugins

    try:
        reports = load_plugins(folders)
    except ConfigError as missing:
        raise typer.BadParameter(str(missing)) from missing
    for report in reports:
        if report.problem:
            warning(f"Plugin {report.source} was not loaded: {report.problem}")
    return reports


@app.command(
    "list",
    epilog="Examples:\n\n\b\n  pyama plugins list\n  pyama plugins list --plugins my_plugins",
)
@report_errors
def list_all(plugins: Plugins = None, as_json: Json = False, debug: Debug = False) -> None:
    """List methods, features, models and readers.

    With their source and parameters. Plugins that cannot be loaded are listed with the reason.
    """
    from pyama.runs.plugin_catalog import catalog

    content = catalog(plugins or ())
    if as_json:
        result_json("plugins", content)
        return
    for line in _lines(content):
        result(line)


def _lines(content: dict[str, Any]) -> Iterator[str]:
    for kind, entries in content["available"].items():
        yield f"{kind}:"
        for entry in entries:
            yield f"  {entry['name']}  ({entry['source']})"
            for name, description in entry["parameters"].items():
                yield f"      {name}: {description}"
    for entry in content["refused"]:
        yield f"not loaded: {entry['source']}: {entry['problem']}"


@app.command(epilog="Example:\n\n\b\n  pyama plugins check my_plugins/spots.py")
@report_errors
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A plugin file.")],
    sample: Annotated[
        Path | None,
        typer.Option(
            "--sample",
            metavar="RECORDING",
            exists=True,
            help="A recording of the format of a reader, of which images are read.",
        ),
    ] = None,
    debug: Debug = False,
) -> None:
    """Load a plugin file and check every plugin that it adds.

    Each function is called with typical input and with edge cases: empty, constant and
    saturated images, a single pixel, no cells. The exit code is 1 if a check fails.
    """
    from pyama.runs.plugin_catalog import check_file

    entries, problems = check_file(file, sample)
    for kind, name in entries:
        if (kind, name) not in problems:
            result(f"{kind} {name}: passed{NO_SAMPLE * (kind == 'readers' and not sample)}")
    for (kind, name), problem in problems.items():
        error(f"{kind} {name}: {problem}" if name else problem)
    if problems:
        raise typer.Exit(FAILED)


@app.command(
    epilog="Examples:\n\n\b\n  pyama plugins new feature roundness\n"
    "  pyama plugins new segmenter bright --into my_plugins"
)
@report_errors
def new(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="feature, segmenter, tracker, preprocessor, model or reader.",
        ),
    ],
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name under which it is registered.")
    ],
    into: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder to write to; created if missing.")
    ] = Path("plugins"),
    debug: Debug = False,
) -> None:
    """Write a working plugin and its test as a starting point.

    Existing files are not overwritten.
    """
    from pyama.plugins.new_plugin import write_plugin
    from pyama.runs.plugin_catalog import name_exists

    if name_exists(kind, name):
        error(f"The {kind} {name!r} exists already. Choose another name.")
        raise typer.Exit(USAGE)
    try:
        plugin, test = write_plugin(kind, name, into)
    except FileExistsError as existing:
        error(f"{existing.filename} exists and is not overwritten. Choose another name.")
        raise typer.Exit(USAGE) from existing
    result(f"Wrote {plugin} and {test}. Next steps:")
    result(f"  pyama plugins check {plugin}")
    result(f"  python -m pytest {test}")
    result(f"  pyama plugins list --plugins {into}")
