"""One run at a time on a field of view.

The operating system holds the lock and lets go of it when the process ends, however it ends.
Process id, host and a heartbeat stand in the file for people, and for other machines that
share the folder through a file system on which such locks are not seen.
"""

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import FileIO
from pathlib import Path

from pyama import layout
from pyama.errors import LockedError

LOCK_FILE = ".lock"
HEARTBEAT_SECONDS = 10.0
DEAD_AFTER_SECONDS = 60.0
"""A lock from another host counts as left behind when its heartbeat is older than this."""


@contextmanager
def locked(output_dir: Path, fovs: Iterable[int]) -> Iterator[list[str]]:
    """Hold the locks of fields of view for the length of the block.

    Yields:
        One sentence for each lock that was taken over from a process that died.

    Raises:
        LockedError: Another run holds one of them.
    """
    taken_over: list[str] = []
    with ExitStack() as stack:
        folders = [output_dir / layout.fov_dir(fov) for fov in dict.fromkeys(fovs)]
        paths = [folder / LOCK_FILE for folder in folders]
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            owner = stack.enter_context(_lock(path))
            if owner:
                taken_over.append(
                    f"{path.parent.name} was left locked by {owner}, which died."
                )
        stack.enter_context(_heartbeat(paths))
        yield taken_over


@contextmanager
def _lock(path: Path) -> Iterator[str]:
    """Hold one lock; give the name of an owner that died, or nothing."""
    with FileIO(path, "a+", opener=_not_through_a_link) as file:
        held = _try(file)
        found = _owner(file)  # once it is held: until then its owner may still let go of it
        if held is False or _lives_elsewhere(found, path, seen=held is True):
            raise LockedError(
                f"{path.parent} is in use by {_name(found) or 'another run'}. Wait until it "
                "has ended, stop it, or choose other fields of view."
            )
        _write(file, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
        try:
            yield _name(found)
        finally:
            _write(file, "")


def _not_through_a_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


@contextmanager
def _heartbeat(paths: list[Path]) -> Iterator[None]:
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(HEARTBEAT_SECONDS):
            for path in paths:
                with suppress(OSError):  # a sign of life that is late is no reason to stop
                    os.utime(path)

    thread = threading.Thread(target=beat, name="pyama heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _owner(file: FileIO) -> dict[str, object]:
    file.seek(0)
    try:
        found = json.loads(file.read() or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _name(owner: dict[str, object]) -> str:
    return f"process {owner.get('pid')} on {owner.get('host')}" if owner else ""


def _lives_elsewhere(owner: dict[str, object], path: Path, *, seen: bool) -> bool:
    """Whether the owner may be alive, although the system holds no lock of its own.

    Args:
        owner: What stands in the file.
        path: The file.
        seen: Whether a lock of this host would have been seen.
    """
    if not owner or (seen and owner.get("host") == socket.gethostname()):
        return False
    return time.time() - path.stat().st_mtime < DEAD_AFTER_SECONDS


def _write(file: FileIO, text: str) -> None:
    file.seek(0)
    file.truncate()
    file.write(text.encode())


def _try(file: FileIO) -> bool | None:
    """Take the lock of a file: True if it is held now, False if another process holds it.

    None where the file system knows no locks: then only the heartbeat tells.
    """
    try:
        _system_lock(file)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return None
    return True


if sys.platform == "win32":
    import msvcrt

    _BEYOND_THE_TEXT = 2**30

    def _system_lock(file: FileIO) -> None:
        file.seek(_BEYOND_THE_TEXT)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _system_lock(file: FileIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
