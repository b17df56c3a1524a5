"""Locks: one run at a time works on a field of view.

The operating system holds the lock and releases it when the process ends, for any reason.
The file contains process id and host, and its date is a heartbeat, for people and for other
computers that share the folder through a file system without such locks.

Worker processes of a run join its lock. When the run is killed they end by themselves, and
until then they may still write: the next run waits for the last of them.
"""

import errno
import json
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import FileIO
from pathlib import Path

from pyama import layout, older_pyama
from pyama.background_thread import background_thread
from pyama.errors import LockedError, StoreError
from pyama.store.files import TEMPORARY
from pyama.store.marks import MARKS

LOCK_FILE = ".lock"
HEARTBEAT_SECONDS = 10.0
DEAD_AFTER_SECONDS = 60.0
"""A lock of another host is abandoned if its heartbeat is older than this."""
ORPHAN_SECONDS = 10.0
"""How long a run waits for the workers of a run that was killed."""
POLL_SECONDS = 0.01


@contextmanager
def lock_fovs(output_dir: Path, fovs: Iterable[int]) -> Iterator[list[str]]:
    """Hold the locks of fields of view during the block.

    Yields:
        One sentence for each lock that was taken over from a process that was killed.

    Raises:
        LockedError: Another run holds one of them.
        ConfigError: The folder holds results of the older PyAMA.
    """
    older_pyama.refuse_results(output_dir)
    taken_over: list[str] = []
    with ExitStack() as stack:
        folders = [output_dir / layout.fov_dir(fov) for fov in dict.fromkeys(fovs)]
        paths = [folder / LOCK_FILE for folder in folders]
        for path in paths:
            _refuse_links(path.parent)
            path.parent.mkdir(parents=True, exist_ok=True)
            owner = stack.enter_context(_lock(path))
            if owner:
                taken_over.append(
                    f"{path.parent.name} was still locked by {owner}, which was killed. What "
                    "it has not finished is made again."
                )
        stack.enter_context(_heartbeat(paths))
        yield taken_over


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, for reading and writing files that all its runs share."""
    with ExitStack() as stack:
        if sys.platform != "win32":  # where folders cannot be locked
            place = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, place)
            with suppress(OSError):  # some file systems have no locks
                fcntl.flock(place, fcntl.LOCK_EX)
        yield


@contextmanager
def locks_joined(output_dir: Path, fovs: Iterable[int]) -> Iterator[None]:
    """Join the locks of a run during the block, so that no other run can take them.

    For worker processes of a run. Inside the block they must check whether that run is alive,
    and leave if it is not.

    Raises:
        LockedError: Another run holds one of them.
    """
    with ExitStack() as stack:
        for fov in fovs:
            path = output_dir / layout.fov_dir(fov) / LOCK_FILE
            file = stack.enter_context(FileIO(path, "a+", opener=_not_through_a_link))
            if _try(_join, file) is False:
                raise _in_use(path, {})
        yield


def _in_use(path: Path, owner: dict[str, object]) -> LockedError:
    return LockedError(
        f"{path.parent} is in use by {_name(owner) or 'another run'}. Wait until it has "
        "ended, stop it, or choose other fields of view."
    )


@contextmanager
def _lock(path: Path) -> Iterator[str]:
    """Hold one lock; yield the name of an owner that was killed, or an empty string."""
    with FileIO(path, "a+", opener=_not_through_a_link) as file:
        held = _try_for_a_while(file)
        owner = _owner(file)  # after locking: before, its owner could still release it
        if held is False or _lives_elsewhere(owner, path, seen=held is True):
            raise _in_use(path, owner)
        try:
            _write(file, json.dumps(_this_process()))
        except OSError as error:
            if not held or error.errno != errno.ENOSPC:  # the system holds the lock
                raise
        if held and _try(_let_workers_join, file) is False:
            raise _in_use(path, {})
        try:
            yield _name(owner)
        finally:
            _write(file, "")


def _refuse_links(fov_path: Path) -> None:
    """Refuse symbolic links, since files behind them may not belong to the output folder.

    Raises:
        StoreError: The folder of the field of view, or a folder in it that is kept from run
            to run, is a link. Links deeper inside are removed before anything is written.
    """
    images = fov_path / layout.IMAGES
    folders = (fov_path, fov_path / MARKS, images, images / "OME", *images.glob("*"))
    for folder in (*folders, fov_path / layout.CELLS):
        if folder.is_symlink() and folder.is_dir():
            raise StoreError(
                f"{folder} is a link to {folder.readlink()}. pyama does not write through "
                "links: replace it by a folder, or choose another output folder."
            )


def _not_through_a_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


@contextmanager
def _heartbeat(paths: list[Path]) -> Iterator[None]:
    def beat(ended: threading.Event) -> None:
        while not ended.wait(HEARTBEAT_SECONDS):
            for path in paths:
                with suppress(OSError):  # a late heartbeat is no reason to stop
                    os.utime(path)

    with background_thread("pyama heartbeat", beat):
        yield


def _this_process() -> dict[str, object]:
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": int(time.time())}


def _owner(file: FileIO) -> dict[str, object]:
    file.seek(0)
    try:
        owner = json.loads(file.read() or b"{}")
    except ValueError:
        return {}
    return owner if isinstance(owner, dict) else {}


def _name(owner: dict[str, object]) -> str:
    return f"process {owner.get('pid')} on {owner.get('host')}" if owner else ""


def _lives_elsewhere(owner: dict[str, object], path: Path, *, seen: bool) -> bool:
    """Whether the owner may be alive on another host, although the system shows no lock.

    Args:
        owner: Content of the file.
        path: The file.
        seen: Whether the system would show a lock of this host.
    """
    if not owner or (seen and owner.get("host") == socket.gethostname()):
        return False
    # A heartbeat far in the future dates from before the clock was set back: it is old.
    return abs(_now(path.parent) - path.stat().st_mtime) < DEAD_AFTER_SECONDS


def _now(folder: Path) -> float:
    """Return the time by the clock of the file system; a file server has its own."""
    with tempfile.TemporaryFile(dir=folder, suffix=TEMPORARY) as file:
        return os.fstat(file.fileno()).st_mtime


def _write(file: FileIO, text: str) -> None:
    file.seek(0)
    file.truncate()
    file.write(text.encode())


def _try_for_a_while(file: FileIO) -> bool | None:
    """Take the lock of a file, see `_try`; wait while only workers of a killed run hold it."""
    until = time.monotonic() + ORPHAN_SECONDS
    while (held := _try(_take, file)) is False and time.monotonic() < until:
        if not _only_orphans(file, _owner(file)):
            break
        time.sleep(POLL_SECONDS)
    return held


def try_lock(file: FileIO) -> bool | None:
    """Lock a file for this process alone, until it is closed.

    Returns:
        True if it is held now, False if another process holds it, None if the file system has
        no locks.
    """
    return _try(_take, file)


def _try(lock: Callable[[FileIO], None], file: FileIO) -> bool | None:
    """Lock a file: True if it is held now, False if another process holds it.

    None if the file system has no locks: then only the heartbeat shows whether it is held.
    """
    try:
        lock(file)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return None
    return True


if sys.platform == "win32":
    import msvcrt

    _RUN, _WORKER = 2**30, 2**30 + 1
    """Bytes beyond the text that are locked: by a run, and by its workers."""

    def _lock_byte(file: FileIO, place: int, mode: int = msvcrt.LK_NBLCK) -> None:
        file.seek(place)
        msvcrt.locking(file.fileno(), mode, 1)

    def _take(file: FileIO) -> None:
        _lock_byte(file, _RUN)
        try:
            _lock_byte(file, _WORKER)
        except OSError:
            _lock_byte(file, _RUN, msvcrt.LK_UNLCK)
            raise

    def _let_workers_join(file: FileIO) -> None:
        _lock_byte(file, _WORKER, msvcrt.LK_UNLCK)

    def _join(file: FileIO) -> None:
        _lock_byte(file, _WORKER)

    def _only_orphans(file: FileIO, owner: dict[str, object]) -> bool:
        """Whether no run holds the lock, so that only workers of a killed one can."""
        try:
            _lock_byte(file, _RUN)
        except OSError:
            return False
        _lock_byte(file, _RUN, msvcrt.LK_UNLCK)
        return True

else:
    import fcntl

    def _take(file: FileIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _join(file: FileIO) -> None:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)

    _let_workers_join = _join

    def _only_orphans(file: FileIO, owner: dict[str, object]) -> bool:
        """Whether the run that holds the lock was killed, so that only its workers can."""
        pid = owner.get("pid")
        if owner.get("host") != socket.gethostname() or not isinstance(pid, int) or pid < 1:
            return False
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, OverflowError):
            return True
        except PermissionError:
            pass
        return False
