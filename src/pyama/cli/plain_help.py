"""Help texts without the notation of the library that parses the command line."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand

F = TypeVar("F", bound=Callable[..., Any])
ARGUMENT = "argument"
BOUNDS = (
    (re.compile(r"(-?[\d.]+)<=x<=(-?[\d.]+)"), r"\1 to \2"),
    (re.compile(r"x>=(-?[\d.]+)"), r"at least \1"),
    (re.compile(r"x<=(-?[\d.]+)"), r"at most \1"),
)
"""Bounds as the library writes them, and in words."""


class PlainCommand(TyperCommand):
    """A command whose help names arguments by their names only."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words of the usage after the name of the command."""
        arguments = [p for p in self.get_params(ctx) if p.param_type_name == ARGUMENT]
        names = [p.metavar or str(p.name).upper() for p in arguments]
        shown = [
            name if p.required else f"[{name}]"
            for p, name in zip(arguments, names, strict=True)
        ]
        return ["[OPTIONS]", *shown]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then the options."""
        for title, rows in help_rows(self, ctx).items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def help_rows(command: Any, ctx: Any) -> dict[str, list[tuple[str, str]]]:
    """Return name and meaning of all arguments and options of a command, by the titles."""
    rows: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is None:
            continue
        is_argument = parameter.param_type_name == ARGUMENT
        name = (parameter.metavar or str(parameter.name).upper()) if is_argument else record[0]
        name = re.sub(r"<(\S+\|\S+)>", r"\1", name)
        meaning = record[1]
        for pattern, words in BOUNDS:
            meaning = pattern.sub(words, meaning)
        rows["Arguments" if is_argument else "Options"].append((name, meaning))
    return rows


class Commands(typer.Typer):
    """A group of commands with plain help."""

    def command(self, name: str | None = None, **how: Any) -> Callable[[F], F]:
        """Add a command; see `typer.Typer.command`."""
        return super().command(name, **{"cls": PlainCommand, **how})
