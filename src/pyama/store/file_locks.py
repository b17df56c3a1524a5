"""Locks of files and folders by the operating system, which ends them with their process."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import FileIO
from pathlib import Path

from pyama.store.lock_owner import LockOwner

LOCK_FILE = ".lock"


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, for reading and writing files that all its runs share."""
    with ExitStack() as stack:
        with suppress(OSError):  # some file systems have no locks
            stack.enter_context(_folder_lock(folder))
        yield


def try_lock(file: FileIO) -> bool | None:
    """Lock a file for this process alone, until it is closed.

    Returns:
        True if it is held now, False if another process holds it, None if the file system has
        no locks.
    """
    return attempt(take, file)


def attempt(lock: Callable[[FileIO], None], file: FileIO) -> bool | None:
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
    import time
    from functools import partial

    POLL_SECONDS = 0.05

    _RUN, _WORKER = 2**30, 2**30 + 1
    """Bytes beyond the text that are locked: by a run, and by its workers."""

    def _lock_byte(file: FileIO, place: int, mode: int = msvcrt.LK_NBLCK) -> None:
        file.seek(place)
        msvcrt.locking(file.fileno(), mode, 1)

    @contextmanager
    def _folder_lock(folder: Path) -> Iterator[None]:
        """Lock a file in the folder, since folders cannot be locked."""
        with FileIO(folder / LOCK_FILE, "a+") as file:
            while attempt(partial(_lock_byte, place=_RUN), file) is False:
                time.sleep(POLL_SECONDS)
            yield

    def take(file: FileIO) -> None:
        """Lock a file for a run alone."""
        _lock_byte(file, _RUN)
        try:
            _lock_byte(file, _WORKER)
        except OSError:
            _lock_byte(file, _RUN, msvcrt.LK_UNLCK)
            raise

    def let_workers_join(file: FileIO) -> None:
        """Let others join the lock of a run."""
        _lock_byte(file, _WORKER, msvcrt.LK_UNLCK)

    def join(file: FileIO) -> None:
        """Lock a file together with others."""
        _lock_byte(file, _WORKER)

    def only_orphans(file: FileIO, owner: LockOwner | None) -> bool:
        """Whether no run holds the lock, so that only workers of a killed one can."""
        try:
            _lock_byte(file, _RUN)
        except OSError:
            return False
        _lock_byte(file, _RUN, msvcrt.LK_UNLCK)
        return True

else:
    import fcntl

    @contextmanager
    def _folder_lock(folder: Path) -> Iterator[None]:
        place = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(place, fcntl.LOCK_EX)
            yield
        finally:
            os.close(place)

    def take(file: FileIO) -> None:
        """Lock a file for a run alone."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def join(file: FileIO) -> None:
        """Lock a file together with others."""
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)

    let_workers_join = join

    def only_orphans(file: FileIO, owner: LockOwner | None) -> bool:
        """Whether the run that holds the lock was killed, so that only its workers can."""
        return owner is not None and owner.is_killed
