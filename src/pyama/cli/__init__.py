"""The command `pyama`. Slow modules are imported only when a command needs them."""

import sys


def main() -> None:
    """Run the command line; the entry point of `pyama` and `python -m pyama`."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot encode must not abort a run.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    from pyama.cli.app import app

    app(prog_name="pyama")
