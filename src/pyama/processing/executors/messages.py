"""Messages from workers in other processes to their run: log records and progress."""

import logging
import logging.handlers
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pyama.processing.runner import Watcher

DIED = (
    "A worker process exited without an error message: the system stopped it, mostly for lack "
    "of memory, or a library crashed. Run again with fewer workers."
)

logger = logging.getLogger("pyama")


@contextmanager
def handle_messages(messages: Any, watch: Watcher | None) -> Iterator[None]:
    """Handle the log records and the progress of workers, for the length of the block.

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
