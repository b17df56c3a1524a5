"""Time spent compiling kernels, measured separately from the time of the steps.

Kernels are compiled at their first call, once per version of pyama, and kept on disk; later
runs load them.
"""

import logging
import threading
import time

from numba.core import event

logger = logging.getLogger(__name__)


class _Clock(event.Listener):
    """Seconds that each thread has spent compiling, loading, or waiting for another's."""

    def __init__(self) -> None:
        self._here = threading.local()
        self._lock = threading.Lock()
        self._threads = 0  # that compile at this moment
        self._since = 0.0
        self._total = 0.0
        self.has_told = False

    def seconds(self) -> float:
        """Return those of the calling thread."""
        spent: float = getattr(self._here, "spent", 0.0)
        return spent

    def on_start(self, found: event.Event) -> None:
        if found.kind == "numba:compile":
            self._tell()
            return
        self._here.depth = getattr(self._here, "depth", 0) + 1
        if self._here.depth == 1:
            self._here.since = time.perf_counter()
            with self._lock:
                self._since = self._since if self._threads else self._here.since
                self._threads += 1

    def on_end(self, found: event.Event) -> None:
        if found.kind == "numba:compile":
            return
        self._here.depth -= 1
        if self._here.depth == 0:
            now = time.perf_counter()
            self._here.spent = self.seconds() + now - self._here.since
            with self._lock:
                self._threads -= 1
                self._total += 0.0 if self._threads else now - self._since

    def of_process(self) -> tuple[float, float]:
        """Return the seconds in which any thread compiled, and those since it began."""
        with self._lock:
            current = time.perf_counter() - self._since if self._threads else 0.0
            return self._total + current, current

    def _tell(self) -> None:
        if not self.has_told and logger.isEnabledFor(logging.INFO):  # somebody listens
            self.has_told = True
            logger.info("Compiling, once: this takes about half a minute.")


_clock = _Clock()
for _kind in ("numba:compiler_lock", "numba:compile"):
    event.register(_kind, _clock)  # type: ignore[no-untyped-call]


def compiling_seconds() -> float:
    """Seconds that the calling thread has spent with compiling so far."""
    return _clock.seconds()


def compiling_of_process() -> tuple[float, float]:
    """Return how long this process has compiled so far.

    Returns:
        Seconds in which at least one thread compiled, and how many of them belong to the
        compilation under way; 0 if there is none.
    """
    return _clock.of_process()
