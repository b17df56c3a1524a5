"""Who holds the locks of fields of view: read from the files, without taking a lock."""

import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pyama import layout
from pyama.store.file_locks import LOCK_FILE
from pyama.store.lock import DEAD_AFTER_SECONDS
from pyama.store.lock_owner import LockOwner, local_time
from pyama.symlinks import refuse_link_out


@dataclass(frozen=True)
class LockHolder:
    """A process that has locked a field of view and has not released it.

    Attributes:
        fov: 0-based index of the field of view.
        name: Of the process, such as `process 4711 on lab-pc`.
        last_sign: Time of its last heartbeat in seconds since 1970.
        since: When it took the lock, in seconds since 1970; None if that is not known.
        is_alive: False if it was killed; None if it exists but gives no sign of life, as a
            process that is stopped, or on a computer that sleeps.
    """

    fov: int
    name: str
    last_sign: float
    is_alive: bool | None
    since: float | None = None

    @property
    def since_text(self) -> str:
        """When it took the lock, in local time; empty if that is not known."""
        return "" if self.since is None else local_time(self.since)


def lock_holders(output_dir: Path, fovs: list[int]) -> list[LockHolder]:
    """Return who holds the locks of fields of view.

    Args:
        output_dir: The output folder.
        fovs: 0-based indices.
    """
    found = []
    for fov in fovs:
        with suppress(OSError):  # no lock, or it is being removed
            path = output_dir / layout.fov_dir(fov) / LOCK_FILE
            status = path.stat()
            if status.st_size:
                found.append(_holder(fov, path, status.st_mtime))
    return found


def _holder(fov: int, path: Path, last_sign: float) -> LockHolder:
    refuse_link_out(path)
    owner = LockOwner.parse(path.read_bytes()[:4096])
    if owner is None:  # being written at this moment
        return LockHolder(fov, "another process", last_sign, None)
    is_fresh = abs(time.time() - last_sign) < DEAD_AFTER_SECONDS
    is_alive: bool | None = is_fresh
    if owner.is_here and sys.platform != "win32":
        # Of a process of this computer, the system knows more than the file.
        is_alive = False if owner.is_killed else (is_fresh or None)
    return LockHolder(fov, owner.name, last_sign, is_alive, owner.since)
