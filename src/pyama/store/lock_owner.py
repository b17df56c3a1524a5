"""The process that a lock file names."""

import json
import os
import socket
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime

YEAR_3000 = 32_503_680_000
"""In seconds since 1970; later times are damage."""


@dataclass(frozen=True)
class LockOwner:
    """A process, as a lock file names it.

    Attributes:
        pid: Its number.
        host: Its computer.
        since: When it took the lock, in seconds since 1970; None if that is not known.
    """

    pid: int
    host: str
    since: float | None = None

    @classmethod
    def this_process(cls) -> "LockOwner":
        """Return the owner of a lock that is taken now."""
        return cls(os.getpid(), socket.gethostname(), int(time.time()))

    @classmethod
    def parse(cls, data: bytes) -> "LockOwner | None":
        """Read the content of a lock file; None if it names nobody."""
        try:
            entries = json.loads(data)
            pid, host, since = int(entries["pid"]), str(entries["host"]), entries.get("since")
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        is_time = isinstance(since, int | float) and 0 < since < YEAR_3000
        return cls(pid, host, since if is_time else None)

    def to_bytes(self) -> bytes:
        """Return the content of a lock file."""
        return json.dumps({"pid": self.pid, "host": self.host, "since": self.since}).encode()

    @property
    def name(self) -> str:
        """The process for people, such as `process 4711 on lab-pc`."""
        return f"process {self.pid} on {self.host}"

    @property
    def is_here(self) -> bool:
        """Whether it runs, or ran, on this computer."""
        return self.host == socket.gethostname()

    @property
    def is_killed(self) -> bool:
        """Whether the system knows that it has ended; False on other computers."""
        return self.is_here and process_exists(self.pid) is False

    def __str__(self) -> str:
        since = "" if self.since is None else f" since {local_time(self.since)}"
        return f"{self.name}{since}"


def local_time(seconds: float) -> str:
    """Return a time in seconds since 1970 as local date and time."""
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def process_exists(pid: int) -> bool | None:
    """Whether this computer has a process; None on Windows, which is not asked."""
    if sys.platform == "win32":  # there, `os.kill` would end it
        return None
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return pid > 0
