"""Requests to stop; all of them have the method `is_set()`.

A run is stopped by an event of its caller. Worker processes look for a file instead. A step
that was given up after a plugin timed out looks for that.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pyama.background_thread import background_thread
from pyama.processing.plugin_calls import is_abandoned

POLL_SECONDS = 0.05
"""Interval at which a request to stop is passed on to other processes."""


class CancelEvent(Protocol):
    """A request to stop, such as `threading.Event`."""

    def is_set(self) -> bool:
        """Whether to stop."""


@dataclass(frozen=True)
class AnyOf:
    """A request to stop that is made if one of several requests is.

    Attributes:
        events: The requests, asked in this order.
    """

    events: tuple[CancelEvent, ...]

    def is_set(self) -> bool:
        """Whether to stop."""
        return any(event.is_set() for event in self.events)


class StepAbandoned:
    """Stops a step that was given up because a plugin did not answer, in its own thread."""

    def is_set(self) -> bool:
        """Whether to stop."""
        return is_abandoned()


@dataclass(frozen=True)
class FlagFile:
    """A request to stop for processes that share a file system.

    Attributes:
        path: A file that is not empty once the request is made. A file that exists from the
            beginning is opened anew at every check, so that a network file system does not
            answer from its cache.
    """

    path: Path

    def is_set(self) -> bool:
        """Whether to stop."""
        try:
            return bool(self.path.read_bytes())
        except FileNotFoundError:
            return False

    def set(self) -> None:
        """Request all processes that check the file to stop."""
        self.path.write_bytes(b"stop")


@contextmanager
def call_when_set(cancel_event: CancelEvent, stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` when the event is set, for the length of the block."""

    def watch(ended: threading.Event) -> None:
        while not ended.wait(POLL_SECONDS):
            if cancel_event.is_set():
                stop()
                return

    with background_thread("pyama cancel", watch):
        yield
