"""Help that knows the parameters of plugins."""

from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

TYPED = "pyama.typed"
"""Key under which the words of the command line are kept."""


class PluginCommand(TyperCommand):
    """A command whose help lists the parameters of plugins that are installed or named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep what was typed: help is written before the options are read."""
        ctx.meta[TYPED] = list(args)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options, then the parameters of plugins."""
        super().format_options(ctx, formatter)
        rows = _rows(_folders(ctx.meta.get(TYPED, ())))
        if rows:
            with formatter.section("Parameters of plugins, for --set"):
                formatter.write_dl(rows)


def _folders(typed: Sequence[str]) -> list[Path]:
    """What stands after `--plugins` and `--plugins=`."""
    found = []
    for word, following in zip(typed, [*typed[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name == "--plugins" and (equals or following):
            found.append(Path(value if equals else following))
    return found


def _rows(folders: Sequence[Path]) -> list[tuple[str, str]]:
    """Name and meaning of every parameter; nothing heavy is imported if there is no plugin."""
    if not folders and not any(name.startswith("pyama.") for name in entry_points().groups):
        return []
    from pyama.cli.plugin_kinds import described
    from pyama.errors import ConfigError

    try:
        available = described(folders)["available"]
    except ConfigError as missing:
        raise typer.BadParameter(str(missing)) from missing
    return [
        (f"{entry['name']}.{name}", told)
        for entries in available.values()
        for entry in entries
        if entry["source"] != "built in"
        for name, told in entry["parameters"].items()
    ]
