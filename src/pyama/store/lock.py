"""Locks: one run at a time works on a field of view.

The operating system holds the lock and releases it when the process ends, for any reason.
The file contains process id and host, and its date is a heartbeat, for people and for other
computers that share the folder through a file system without such locks.

Worker processes of a run join its lock. When the run is killed they end by themselves, and
until then they may still write: the next run waits for the last of them.
"""

import errno
import logging
import os
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
from pyama.store.file_locks import (
    LOCK_FILE,
    attempt,
    join,
    let_workers_join,
    only_orphans,
    take,
)
from pyama.store.lock_owner import LockOwner
from pyama.store.marks import MARKS
from pyama.store.temporaries import TEMPORARY

HEARTBEAT_SECONDS = 10.0
DEAD_AFTER_SECONDS = 60.0
"""A lock of another host is abandoned if its heartbeat is older than this."""
WAIT_SECONDS = 2 * DEAD_AFTER_SECONDS
"""How long a run waits for an owner that was killed, or may have been. File servers keep the
locks of a computer that crashed for up to 90 s."""
POLL_SECONDS = 0.1

logger = logging.getLogger(__name__)


@contextmanager
def lock_fovs(
    output_dir: Path, fovs: Iterable[int], is_cancelled: Callable[[], bool] | None = None
) -> Iterator[list[str]]:
    """Hold the locks of fields of view during the block.

    Args:
        output_dir: The output folder.
        fovs: 0-based indices.
        is_cancelled: Ends waiting. With it, an owner on another computer is waited for until
            it gives a sign of life, or is known to be dead.

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
            owner = stack.enter_context(_lock(path, is_cancelled))
            if owner:
                taken_over.append(
                    f"{path.parent.name} was still locked by {owner}, which was killed. What "
                    "it has not finished is made again."
                )
        stack.enter_context(_heartbeat(paths))
        yield taken_over


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
            if attempt(join, file) is False:
                raise _in_use(path, None)
        yield


def _in_use(path: Path, owner: LockOwner | None) -> LockedError:
    return LockedError(
        f"{path.parent} is in use by {owner or 'another run'}. Wait until it has "
        "ended, stop it, or choose other fields of view."
    )


@contextmanager
def _lock(path: Path, is_cancelled: Callable[[], bool] | None) -> Iterator[str]:
    """Hold one lock; yield the name of an owner that was killed, or an empty string."""
    with FileIO(path, "a+", opener=_not_through_a_link) as file:
        held = _take_or_wait(file, path, is_cancelled)
        owner = _owner(file)  # after locking: before, its owner could still release it
        if held is False or _lives_elsewhere(owner, path, seen=held is True):
            raise _in_use(path, owner)
        try:
            _write(file, LockOwner.this_process().to_bytes())
        except OSError as error:
            if not held or error.errno != errno.ENOSPC:  # the system holds the lock
                raise
        if held and attempt(let_workers_join, file) is False:
            raise _in_use(path, None)
        try:
            yield "" if owner is None else owner.name
        finally:
            _write(file, b"")


def _refuse_links(fov_path: Path) -> None:
    """Refuse symbolic links, since files behind them may not belong to the output folder.

    Raises:
        StoreError: The folder of the field of view, or a folder in it that is kept from run
            to run, is a link. Links deeper inside are removed before anything is written.
    """
    images = fov_path / layout.IMAGES
    folders = (fov_path, fov_path / MARKS, images, images / "OME", *images.glob("*"))
    corrected = fov_path.glob(layout.corrected_dir("*"))
    for folder in (*folders, fov_path / layout.CELLS, *corrected):
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


def _owner(file: FileIO) -> LockOwner | None:
    file.seek(0)
    return LockOwner.parse(file.read())


def _lives_elsewhere(owner: LockOwner | None, path: Path, *, seen: bool) -> bool:
    """Whether the owner may be alive on another host, although the system shows no lock.

    Args:
        owner: Content of the file.
        path: The file.
        seen: Whether the system would show a lock of this host.
    """
    if owner is None or (seen and owner.is_here):
        return False
    # A heartbeat far in the future dates from before the clock was set back: it is old.
    return abs(_now(path.parent) - _last_beat(path)) < DEAD_AFTER_SECONDS


def _last_beat(path: Path) -> float:
    """Return the date of a file that is opened for it, so that no cache answers."""
    with FileIO(path, opener=_not_through_a_link) as file:
        return os.fstat(file.fileno()).st_mtime


def _now(folder: Path) -> float:
    """Return the time by the clock of the file system; a file server has its own."""
    with tempfile.TemporaryFile(dir=folder, suffix=TEMPORARY) as file:
        return os.fstat(file.fileno()).st_mtime


def _write(file: FileIO, text: bytes) -> None:
    file.seek(0)
    file.truncate()
    file.write(text)


def _take_or_wait(
    file: FileIO, path: Path, is_cancelled: Callable[[], bool] | None
) -> bool | None:
    """Take a lock, see `attempt`; wait while its owner was killed, or may have been."""
    until, first_beat, is_told = time.monotonic() + WAIT_SECONDS, _last_beat(path), False
    held: bool | None = None
    while True:
        held = held or attempt(take, file)  # on Windows, a second attempt would fail
        owner = _owner(file)
        is_silent = is_cancelled is not None and _last_beat(path) == first_beat
        if held is False:
            waits = only_orphans(file, owner) or (is_silent and _is_elsewhere(owner))
        else:
            waits = is_silent and _lives_elsewhere(owner, path, seen=held is True)
        is_stopped = is_cancelled is not None and is_cancelled()
        if not waits or is_stopped or time.monotonic() > until:
            return held
        if not is_told:
            said = "Waiting for %s, which has locked %s and was perhaps killed. Ctrl-C stops."
            logger.warning(said, owner, path.parent.name)
            is_told = True
        time.sleep(POLL_SECONDS)


def _is_elsewhere(owner: LockOwner | None) -> bool:
    return owner is not None and not owner.is_here
