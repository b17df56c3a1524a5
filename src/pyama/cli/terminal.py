"""Output to the terminal: results on stdout, notes, warnings and errors on stderr."""

import json
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import typer

from pyama.errors import ConfigError, PyamaError, message_of

FAILED, USAGE, CANCELLED = 1, 2, 130
"""Exit codes; 0 is success."""

P = ParamSpec("P")
R = TypeVar("R")


def make_printable(text: str) -> str:
    """Replace control characters, which names in files may hold."""
    return "".join(
        c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def result(text: str = "") -> None:
    """Write a line to stdout."""
    typer.echo(make_printable(text))


def result_json(name: str, value: Mapping[str, Any], version: int = 1) -> None:
    """Write one JSON object to stdout, whose `schema` says what it is: docs/json.md.

    Args:
        name: Of the command.
        value: What it has to tell. Further entries may be added at any time.
        version: Raised when an entry goes or changes its meaning.
    """
    content = {"schema": f"pyama/{name}/{version}", **value}
    typer.echo(json.dumps(content, indent=1, allow_nan=False, default=str))


def is_attended() -> bool:
    """Whether somebody sees the output and can answer, unlike in a script."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def note(text: str) -> None:
    """Write a line to stderr."""
    typer.echo(make_printable(text), err=True)


def warning(text: str) -> None:
    """Write a warning to stderr."""
    typer.echo(f"{typer.style('Warning:', fg='yellow')} {make_printable(text)}", err=True)


def error(text: str) -> None:
    """Write an error to stderr."""
    typer.echo(f"{typer.style('Error:', fg='red')} {make_printable(text)}", err=True)


def report_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Report the errors of a command on stderr and by its exit code.

    With `debug=True` among the arguments of the command, the traceback comes first.
    """

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with _warnings_in_one_line():
                return command(*args, **kwargs)
        except (BrokenPipeError, typer.Exit, typer.Abort, typer.BadParameter):
            raise  # Typer handles these; a broken pipe is `pyama ... | head`
        except (PyamaError, OSError) as caught:
            if kwargs.get("debug"):
                traceback.print_exc(file=sys.stderr)
            error(str(caught) if isinstance(caught, PyamaError) else message_of(caught))
            code = USAGE if isinstance(caught, ConfigError) else FAILED
            raise typer.Exit(code) from caught
        except Exception as caught:
            if kwargs.get("debug"):
                traceback.print_exc(file=sys.stderr)
            error(
                f"{message_of(caught)}. This is a bug in pyama, please report it; what is "
                "finished is kept. --debug shows where it happened."
            )
            raise typer.Exit(FAILED) from caught

    return run


@contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        warning(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = show
        yield
