"""Time that goes into compiling kernels, told apart from the time of the steps.

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

    def on_end(self, found: event.Event) -> None:
        if found.kind == "numba:compile":
            return
        self._here.depth -= 1
        if self._here.depth == 0:
            self._here.spent = self.seconds() + time.perf_counter() - self._here.since

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
