"""Where workers run: in threads of this process, or in processes of their own."""

import logging
import logging.handlers
import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from pyama.config import ProcessingConfig
from pyama.processing.fingerprint import steady_fingerprints
from pyama.processing.runner import CancelEvent, Watcher
from pyama.processing.travelling import Plugin, packed, unpack
from pyama.store import joined

ExecutorName = Literal["threads", "processes"]
LOOK_SECONDS = 0.05
"""How often the wish to stop is carried over to other processes."""
MOST_PROCESSES = 61
"""Windows can wait for no more."""
DIED = (
    "A worker process ended without a word: the system stopped it, mostly for lack of memory, "
    "or a library crashed. Run again with fewer workers."
)

logger = logging.getLogger("pyama")


class Workers(Protocol):
    """Runs functions at the same time."""

    def submit(self, function: Callable[..., Any], *arguments: object) -> Future[Any]:
        """Call `function(*arguments, cancel_event, watch)` on a worker.

        The first argument are the fields of view, the last one is the output folder.
        """


@dataclass(frozen=True)
class FlagFile:
    """Says that the user wants to stop, to processes that share a file system.

    Attributes:
        path: While it is there, the answer is yes.
    """

    path: Path

    def is_set(self) -> bool:
        """Whether to stop."""
        return self.path.exists()

    def set(self) -> None:
        """Ask everyone who looks to stop."""
        self.path.touch()


@contextmanager
def open_workers(
    name: ExecutorName,
    config: ProcessingConfig,
    cancel_event: CancelEvent | None,
    watch: Watcher | None,
) -> Iterator[Workers]:
    """Give `config.params.n_workers` workers for the length of the block.

    Args:
        name: `threads`, or `processes`: those need no lock of the interpreter, take a second
            to start, and want scripts to begin with `if __name__ == "__main__":`.
        config: Of the run; custom functions that it names must be importable in processes.
        cancel_event: Handed to the functions.
        watch: Handed to the functions; called in this process.

    Raises:
        PluginError: A custom function cannot travel to another process.
    """
    n = config.params.n_workers
    if name == "threads":
        with ThreadPoolExecutor(n, "pyama worker") as executor:
            yield _Threads(executor, cancel_event, watch)
        return
    plugins = packed(config)
    with tempfile.TemporaryDirectory(prefix="pyama-") as folder:
        flag = FlagFile(Path(folder) / "stop")
        messages = multiprocessing.get_context("spawn").SimpleQueue()
        with _listening(messages, watch), _carried_over(cancel_event, flag):
            workers = _Processes(min(n, MOST_PROCESSES), (messages, flag, plugins))
            try:
                yield workers
            finally:
                workers.shutdown()


@dataclass(frozen=True)
class _Threads:
    executor: ThreadPoolExecutor
    cancel_event: CancelEvent | None
    watch: Watcher | None

    def submit(self, function: Callable[..., Any], *arguments: object) -> Future[Any]:
        return self.executor.submit(function, *arguments, self.cancel_event, self.watch)


class _Processes:
    def __init__(self, n: int, start: tuple[Any, ...]) -> None:
        self._n, self._start = n, (*start, logger.getEffectiveLevel())
        self._executor = self._opened()

    def submit(self, function: Callable[..., Any], *arguments: object) -> Future[Any]:
        try:
            return self._executor.submit(_call, function, *arguments)
        except BrokenProcessPool:  # in an earlier batch; the next ones get fresh processes
            self._executor = self._opened()
            return self._executor.submit(_call, function, *arguments)

    def shutdown(self) -> None:
        self._executor.shutdown()

    def _opened(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._n, context, _start, self._start)


@contextmanager
def _listening(messages: Any, watch: Watcher | None) -> Iterator[None]:
    """Hand on what workers log and how far they are."""

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


@contextmanager
def _carried_over(cancel_event: CancelEvent | None, flag: FlagFile) -> Iterator[None]:
    """Raise the flag when the event is set."""
    ended = threading.Event()

    def look() -> None:
        while cancel_event is not None and not ended.wait(LOOK_SECONDS):
            if cancel_event.is_set():
                flag.set()
                return

    thread = threading.Thread(target=look, name="pyama cancel", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


_OWN: dict[str, Any] = {}
"""What a worker process was given when it started."""


class _Sender(logging.handlers.QueueHandler):
    def enqueue(self, record: logging.LogRecord) -> None:
        _OWN["messages"].put(record)


def _start(messages: Any, flag: FlagFile, plugins: list[Plugin], level: int) -> None:
    # Ctrl-C reaches every process of a terminal; the first one decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="pyama parent", daemon=True).start()
    _OWN.update(messages=messages, flag=flag, steady=steady_fingerprints())
    _OWN["steady"].__enter__()  # for as long as the process lives: that is one run
    logger.setLevel(level)
    logger.addHandler(_Sender(messages))
    logger.propagate = False
    unpack(plugins)


def _end_with_parent() -> None:
    """End at once when the parent was killed: the next run waits for that."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _call(function: Callable[..., Any], fovs: Any, *arguments: Any) -> Any:
    output_dir = arguments[-1]
    with ExitStack() as stack:
        with suppress(OSError):  # the run holds the lock too, as long as it lives
            stack.enter_context(joined(output_dir, fovs))
        parent = multiprocessing.parent_process()
        if parent is None or not parent.is_alive():
            os._exit(1)
        return function(fovs, *arguments, _OWN["flag"], _OWN["messages"].put)
