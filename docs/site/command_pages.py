"""The pages of all commands, from the application of the command line."""

from collections.abc import Iterator
from typing import Any

import typer

from pyama.cli.app import app
from pyama.cli.plain_help import help_rows

HEAD = """# Commands

Every command with its arguments and options, as `pyama COMMAND --help` prints them.

"""


def command_pages() -> Iterator[tuple[str, str]]:
    """Yield name and text of a page with all commands."""
    top = typer.main.get_command(app)
    sections = [
        _section(command, context) for command, context in _commands(top, "pyama", None)
    ]
    yield "commands", HEAD + "\n".join(sections)


def _commands(command: Any, name: str, parent: Any) -> Iterator[tuple[Any, Any]]:
    context = command.context_class(command, info_name=name, parent=parent)
    if not hasattr(command, "list_commands"):
        yield command, context
        return
    for inside in command.list_commands(context):
        yield from _commands(command.get_command(context, inside), inside, context)


def _section(command: Any, context: Any) -> str:
    rows = [row for group in help_rows(command, context).values() for row in group]
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = [f"## {context.command_path}", "", "```text", usage, "```", ""]
    lines += [_paragraphs(command.help), "", *_table(rows)]
    if command.epilog:
        lines += ["", _epilog(command.epilog)]
    return "\n".join(lines) + "\n"


def _paragraphs(text: str | None) -> str:
    return "\n\n".join(" ".join(part.split()) for part in (text or "").split("\n\n"))


def _table(records: list[tuple[str, str]]) -> Iterator[str]:
    yield from ("| argument or option | meaning |", "|---|---|")
    for name, meaning in records:
        yield f"| `{_cell(name)}` | {_escaped(_cell(meaning))} |"


def _escaped(text: str) -> str:
    return text.replace("*", r"\*")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|").replace("<", r"\<")


def _epilog(text: str) -> str:
    """Return an epilog with its examples, which are not wrapped, as a block."""
    parts = []
    for part in text.split("\n\n"):
        literal = part.startswith("\b\n")
        body = "\n".join(line.strip() for line in part.removeprefix("\b\n").splitlines())
        parts.append(f"```console\n{body}\n```" if literal else body)
    return "\n\n".join(parts)
