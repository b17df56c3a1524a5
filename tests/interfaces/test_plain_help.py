"""No help text has the notation of the library that parses the command line."""

import re

import typer

from pyama.cli.app import app

NOTATION = re.compile(r"\{[A-Z]|<[a-zA-Z]+>|\blist\[|x>=|<=x")


def helps(command, context):
    yield context.command_path, command.get_help(context)
    for name in getattr(command, "commands", ()):
        inside = command.commands[name]
        yield from helps(inside, inside.context_class(inside, info_name=name, parent=context))


def test_no_help_has_the_notation_of_a_library():
    top = typer.main.get_command(app)
    texts = dict(helps(top, top.context_class(top, info_name="pyama")))
    assert len(texts) > 20
    assert {
        n: NOTATION.findall(text) for n, text in texts.items() if NOTATION.search(text)
    } == {}
    cut = {n for n, text in texts.items() if re.search(r"\n  \w.*\.\.\.(?=\n|$)", text)}
    assert cut == set(), "lists of commands show whole sentences"
    assert texts["pyama info"].startswith("Usage: pyama info [OPTIONS] FILE\n")
    assert "\n  FILE  An ND2, CZI" in texts["pyama info"]
