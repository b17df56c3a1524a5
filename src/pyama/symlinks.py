"""Files that must lie below one folder: links that lead out of it are not followed.

The page confines each of its requests to the folder that it serves. Code that reads an output
or a recording calls `refuse_link_out` first; outside such a request it does nothing.
"""

import os
from contextvars import ContextVar
from io import TextIOWrapper
from pathlib import Path

from pyama.errors import NotReadyError

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_root: ContextVar[str | None] = ContextVar("root", default=None)


def confine_reading(root: Path) -> None:
    """From here on, in this context, read only files below a folder.

    Args:
        root: The folder, links resolved.
    """
    _root.set(str(root))


def leads_out(path: Path | str) -> bool:
    """Whether reading is confined to a folder, and a file or folder lies outside of it."""
    root = _root.get()
    if root is None:
        return False
    real = os.path.realpath(path)
    return real != root and not real.startswith(root.rstrip(os.sep) + os.sep)


def refuse_link_out(path: Path | str) -> None:
    """Check a file that is about to be read.

    Raises:
        NotReadyError: Reading is confined to a folder, and the file, or a folder that it
            lies in, is a link that leads out; or it is a pipe or a device, from which
            nothing may ever come.
    """
    if leads_out(path):
        raise NotReadyError(f"{os.path.basename(path)} leads out of the root.")
    if _root.get() is not None and os.path.exists(path) and not _is_file_or_folder(path):
        raise NotReadyError(f"{os.path.basename(path)} is not a file.")


def _is_file_or_folder(path: Path | str) -> bool:
    return os.path.isfile(path) or os.path.isdir(path)


def open_to_append(path: Path) -> TextIOWrapper:
    """Open a text file of ours for appending; a link in its place is replaced by a file."""
    if path.is_symlink():  # pyama writes the file, but not the target of the link
        path.unlink()
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _NO_LINK, 0o666)
    return os.fdopen(file, "a", encoding="utf-8")
