"""What the cells of tutorials call: a folder of their own, commands, and files."""

import atexit
import os
import shlex
import subprocess
import sys
import tempfile
from glob import glob
from pathlib import Path


def begin() -> None:
    """Change to an empty folder, which is removed at the end."""
    folder = tempfile.TemporaryDirectory(prefix="pyama_tutorial_", ignore_cleanup_errors=True)
    os.chdir(folder.name)
    atexit.register(_leave, folder)


def _leave(folder: "tempfile.TemporaryDirectory[str]") -> None:
    os.chdir(Path(folder.name).parent)
    folder.cleanup()


def run(line: str) -> None:
    """Run a line as typed in a terminal, and print its output.

    Raises:
        RuntimeError: It failed.
    """
    typed = shlex.split(line)
    words = [found for word in typed for found in sorted(glob(word)) or [word]]
    program = [sys.executable, "-m", "pyama"] if words[0] == "pyama" else words[:1]
    done = subprocess.run(
        [*program, *words[1:]],
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        env=_plain_output(),
    )
    print(done.stdout.rstrip())
    if done.returncode:
        raise RuntimeError(f"{line} ended with {done.returncode}:\n{done.stdout}")


def _plain_output() -> dict[str, str]:
    """Return the environment without what makes a kernel look like a terminal."""
    kept = {name: value for name, value in os.environ.items() if "COLOR" not in name}
    return {**kept, "COLUMNS": "90", "TERM": "dumb", "NO_COLOR": "1"}


def write(name: str, text: str) -> None:
    """Write a file that a tutorial shows."""
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
