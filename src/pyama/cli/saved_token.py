"""The token of the page, kept for a day, so that open pages go on after a restart.

Only for a port that was chosen: on another port, a browser takes the server for another one.
The token lies in the home folder, readable by its user only, a file for each folder and port.
"""

import hashlib
import os
import secrets
import sys
import time
from contextlib import suppress
from pathlib import Path

MAX_AGE_S = 24 * 3600
"""A token is used again if the server was started in these last seconds."""
N_BYTES = 24


def token_for(root: Path, port: int) -> str:
    """Return the token of the last server for this folder and port, or a new one.

    Args:
        root: The folder that is served.
        port: The port that was chosen; 0 for any.
    """
    if port == 0:
        return secrets.token_urlsafe(N_BYTES)
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
    path = _state_folder() / f"token_{digest}_{port}"
    token = _read(path) or secrets.token_urlsafe(N_BYTES)
    with suppress(OSError):  # without a home folder, open pages have to be opened again
        _write(path, token)
    return token


def _state_folder() -> Path:
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return Path(base or Path.home() / "AppData/Local") / "pyama"
    base = os.environ.get("XDG_STATE_HOME")
    return Path(base or Path.home() / ".local/state") / "pyama"


def _read(path: Path) -> str:
    """Return a token that nobody else could read or write; empty if there is none."""
    try:
        status = path.lstat()
        is_private = sys.platform == "win32" or (
            status.st_uid == os.getuid() and not status.st_mode & 0o077
        )
        if not is_private or path.is_symlink() or time.time() - status.st_mtime > MAX_AGE_S:
            return ""
        token = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
    return token if len(token) >= N_BYTES else ""


def _write(path: Path, token: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w", encoding="ascii") as stream:
        stream.write(token)
