"""Tutorials as notebooks: their blocks are run in order, and the output stands below each."""

import ast
import re
from collections.abc import Iterator
from functools import partial

BLOCK = re.compile(r"^```(\w+)(?: title=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEAD = """---
file_format: mystnb
kernelspec:
  name: python3
---

"""
SETUP = "from tutorial_shell import begin, run, write\nbegin()"
SHOWN = "```{code-cell} python3\n"
HIDDEN = "```{code-cell} python3\n:tags: [remove-cell]\n\n"
OUTPUT_ONLY = "```{code-cell} python3\n:tags: [remove-input]\n\n"


def as_notebook(text: str, *, show_code: bool = True) -> str:
    """Return a page whose blocks are cells.

    A block `python` is a cell; without `show_code`, only its output is shown. A block
    `console` is shown, and each of its lines is run by a cell of which only the output is
    shown. A block with `title=FILE` is shown and written to the file.
    """
    title, _, rest = text.partition("\n")
    setup = f"{HIDDEN}{SETUP}\n```\n"
    cells = BLOCK.sub(partial(_cell, SHOWN if show_code else OUTPUT_ONLY), rest)
    return f"{HEAD}{title}\n\n{setup}{cells}"


def code_of(text: str) -> str:
    """Return all that a tutorial runs, as one Python script."""
    return "\n".join([SETUP, *_codes(text)]) + "\n"


def _codes(text: str) -> Iterator[str]:
    for kind, title, body in BLOCK.findall(text):
        if title:
            yield f"write({title!r}, {body!r})"
        elif kind == "console":
            yield from (f"run({line!r})" for line in body.splitlines())
        elif kind == "python":
            yield body


def _ends_in_action(body: str) -> bool:
    """Whether the value of a cell is that of a call which is made for its effect."""
    last = ast.parse(body).body[-1]
    call = last.value if isinstance(last, ast.Expr) else None
    function = call.func if isinstance(call, ast.Call) else None
    return isinstance(function, ast.Attribute) and function.attr in ("set", "write")


def _cell(python: str, match: re.Match[str]) -> str:
    kind, title, body = match.groups()
    if title:
        hidden = f"{HIDDEN}write({title!r}, {body!r})\n```"
        return f"```{kind}\n{body}```\n\n{hidden}"
    if kind == "console":
        runs = "\n".join(f"run({line!r})" for line in body.splitlines())
        return f"{match[0]}\n\n{OUTPUT_ONLY}{runs}\n```"
    if kind == "python":
        quiet = ";" if _ends_in_action(body) else ""
        return f"{python}{body.rstrip()}{quiet}\n```"
    return match[0]
