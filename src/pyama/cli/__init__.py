"""The command `pyama`. Nothing heavy is imported before a command needs it."""

import sys


def main() -> None:
    """Run the command line; the entry point of `pyama` and `python -m pyama`."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot spell must not end a run.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    from pyama.cli.app import app

    app(prog_name="pyama")
