"""Names of temporary files, by which it is known that a killed process has left one."""

import os
import re
import secrets
import socket
import time
import zlib
from pathlib import Path

from pyama.store.lock_owner import process_exists

TEMPORARY = ".tmp"
"""Suffix of files while they are written."""
_END = re.escape(TEMPORARY)
_ANY = re.compile(rf"(.+[.-][0-9a-f]+(-\w+)?|tmp[a-z0-9_]+){_END}")
_OWNED = re.compile(rf".+[.-]([0-9a-f]{{8}})([0-9a-f]{{8}})[0-9a-f]{{8}}(-\w+)?{_END}")


def owned_token() -> str:
    """Return hexadecimal digits for the name of a file: computer, process, a random number."""
    return f"{_host()}{os.getpid():08x}{secrets.token_hex(4)}"


def temporary_beside(path: Path) -> Path:
    """Return a new name for a file that will be moved to `path`."""
    return path.with_name(f"{path.name}.{owned_token()}{TEMPORARY}")


def is_temporary(path: Path) -> bool:
    """Whether pyama has given a file or a folder its name while it was written."""
    return bool((_OWNED if path.is_dir() else _ANY).fullmatch(path.name))


def is_left(path: Path, older_than_seconds: float) -> bool:
    """Whether nobody writes a temporary file.

    Args:
        path: The file.
        older_than_seconds: Where the name does not tell it, an older file was left.

    Raises:
        FileNotFoundError: It was removed meanwhile.
    """
    owner = _OWNED.fullmatch(path.name)
    if owner and owner[1] == _host() and process_exists(int(owner[2], 16)) is False:
        return True
    return older_than_seconds == 0 or path.stat().st_mtime < time.time() - older_than_seconds


def _host() -> str:
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"
