"""Help texts that list the parameters of plugins."""

from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import typer

from pyama.cli.plain_help import PlainCommand

ONE_FILE = (
    "One recording is processed at a time: give each file an --output of its own. To analyse "
    "them together, describe them in a file, which `pyama experiment init` with these folders "
    "writes."
)
"""What helps where somebody gives several files."""
TYPED = "pyama.typed"
"""Key under which the arguments of the command line are kept."""


class PluginCommand(PlainCommand):
    """A command whose help lists the parameters of plugins that are installed or named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep the arguments: the help is written before the options are parsed."""
        ctx.meta[TYPED] = list(args)
        ctx.allow_extra_args = True  # to say more about them than the parser does
        extra = super().parse_args(ctx, args)
        if extra and not ctx.resilient_parsing:
            raise typer.BadParameter(f"unexpected argument {' '.join(extra)}. {ONE_FILE}")
        return extra

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options, then the parameters of plugins."""
        super().format_options(ctx, formatter)
        rows = _rows(_folders(ctx.meta.get(TYPED, ())))
        if rows:
            with formatter.section("Parameters of plugins, for --set"):
                formatter.write_dl(rows)


def _folders(typed: Sequence[str]) -> list[Path]:
    """Return the values of `--plugins DIR` and `--plugins=DIR`."""
    folders = []
    for word, following in zip(typed, [*typed, ""][1:], strict=True):
        name, equals, value = word.partition("=")
        if name == "--plugins" and (equals or following):
            folders.append(Path(value if equals else following))
    return folders


def _rows(folders: Sequence[Path]) -> list[tuple[str, str]]:
    """Return name and description of every parameter of a plugin.

    Without plugins no slow module is imported.
    """
    if not folders and not any(name.startswith("pyama.") for name in entry_points().groups):
        return []
    from pyama.errors import ConfigError
    from pyama.runs.plugin_catalog import catalog

    try:
        available = catalog(folders)["available"]
    except ConfigError as missing:
        raise typer.BadParameter(str(missing)) from missing
    return [
        (f"{entry['name']}.{name}", description)
        for entries in available.values()
        for entry in entries
        if entry["source"] != "built in"
        for name, description in entry["parameters"].items()
    ]
