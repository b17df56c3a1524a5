"""What a run and its workers in other processes tell each other."""

import logging
import logging.handlers
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyama.processing.runner import CancelEvent, Watcher

LOOK_SECONDS = 0.05
"""How often the wish to stop is carried over to other processes."""
DIED = (
    "A worker process ended without a word: the system stopped it, mostly for lack of memory, "
    "or a library crashed. Run again with fewer workers."
)

logger = logging.getLogger("pyama")


@dataclass(frozen=True)
class FlagFile:
    """Says that the user wants to stop, to processes that share a file system.

    Attributes:
        path: Once something stands in it, the answer is yes. A file that is there from the
            beginning is opened anew at every look, so that no network file system answers
            from its memory.
    """

    path: Path

    def is_set(self) -> bool:
        """Whether to stop."""
        try:
            return bool(self.path.read_bytes())
        except FileNotFoundError:
            return False

    def set(self) -> None:
        """Ask everyone who looks to stop."""
        self.path.write_bytes(b"stop")


@contextmanager
def carried_over(cancel_event: CancelEvent | None, stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` when the event is set."""
    ended = threading.Event()

    def look() -> None:
        while cancel_event is not None and not ended.wait(LOOK_SECONDS):
            if cancel_event.is_set():
                stop()
                return

    thread = threading.Thread(target=look, name="pyama cancel", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def listening(messages: Any, watch: Watcher | None) -> Iterator[None]:
    """Hand on what workers log and how far they are.

    Args:
        messages: A queue of log records and progress; None ends it.
        watch: Called with the progress.
    """

    def listen() -> None:
        while (message := messages.get()) is not None:
            if not isinstance(message, logging.LogRecord):
                if watch is not None:
                    watch(message)
            elif logger.isEnabledFor(message.levelno):
                logging.getLogger(message.name).handle(message)

    thread = threading.Thread(target=listen, name="pyama messages", daemon=True)
    thread.start()
    try:
        yield
    finally:
        messages.put(None)
        thread.join()


class Sender(logging.handlers.QueueHandler):
    """Sends log records that can be pickled.

    Args:
        send: Called with each.
    """

    def __init__(self, send: Callable[[logging.LogRecord], None]) -> None:
        super().__init__(queue.SimpleQueue())
        self._send = send

    def enqueue(self, record: logging.LogRecord) -> None:
        """Send a record."""
        self._send(record)
