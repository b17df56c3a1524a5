"""Workers of a run: threads of this process, other processes, or a Dask cluster."""

import importlib.util
import logging
import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pyama.config import ProcessingConfig
from pyama.errors import ConfigError
from pyama.processing.cancelling import CancelEvent, FlagFile, call_when_set
from pyama.processing.executors import Work
from pyama.processing.executors.dask import open_cluster
from pyama.processing.executors.messages import Sender, handle_messages
from pyama.processing.executors.pickled_plugins import Plugin, pack_plugins, unpack_plugins
from pyama.processing.fov import FovContext
from pyama.processing.plugin_digest import keep_fingerprints
from pyama.processing.plugin_targets import load_named_plugins
from pyama.processing.runner import Watcher
from pyama.processing.step_reports import StepReports
from pyama.store import locks_joined

EXECUTORS = ("threads", "processes", "dask")
ADDRESSES = ("tcp://", "tls://")
"""Beginnings of the address of a Dask scheduler."""
MAX_PROCESSES = 61
"""Largest number that Windows supports."""

logger = logging.getLogger("pyama")


class Workers(Protocol):
    """Runs functions at the same time."""

    def submit(self, function: Work, context: FovContext) -> Future[StepReports]:
        """Call `function(context, cancel_event, watch)` on a worker."""


def check_executor(name: str) -> None:
    """Refuse an executor that `open_workers` cannot open.

    Raises:
        ConfigError: There is no such executor, or its library is not installed.
    """
    is_address = name.startswith(ADDRESSES)
    if name not in EXECUTORS and not is_address:
        raise ConfigError(
            f"There is no executor {name!r}: it is one of {', '.join(map(repr, EXECUTORS))}, "
            "or the address of a Dask scheduler, such as tcp://node7:8786."
        )
    if (name == "dask" or is_address) and importlib.util.find_spec("distributed") is None:
        raise ConfigError(
            f"The executor {name} needs Dask, which is not installed: "
            "pip install 'pyama-traces[dask]'"
        )


@contextmanager
def open_workers(
    name: str,
    config: ProcessingConfig,
    output_dir: Path,
    cancel_event: CancelEvent,
    watch: Watcher | None,
) -> Iterator[Workers]:
    """Open `config.params.n_workers` workers for the length of the block.

    Args:
        name: `threads`; `processes`, which do not share an interpreter lock, take a second to
            start, and require `if __name__ == "__main__":` in scripts; `dask`, a cluster of
            processes on this machine; or the address of a Dask scheduler, such as
            `tcp://node7:8786`, whose workers see the output folder under the same path.
        config: Of the run. Custom functions must be importable, except for threads.
        output_dir: The output folder.
        cancel_event: Handed to the functions.
        watch: Handed to the functions; called in this process.

    Raises:
        PluginError: A custom function cannot be imported by another process.
        ConfigError: No scheduler answers, or the cluster does not start.
    """
    n = config.params.n_workers
    if name == "threads":
        with ThreadPoolExecutor(n, "pyama worker") as executor:
            yield _Threads(executor, cancel_event, watch)
        return
    plugins = pack_plugins(config)
    if name != "processes":
        address = None if name == "dask" else name
        with open_cluster(address, n, plugins, output_dir, cancel_event, watch) as cluster:
            yield cluster
        return
    with tempfile.TemporaryDirectory(prefix="pyama-") as folder:
        flag = FlagFile(Path(folder) / "stop")
        messages = multiprocessing.get_context("spawn").SimpleQueue()
        with handle_messages(messages, watch), call_when_set(cancel_event, flag.set):
            workers = _Processes(min(n, MAX_PROCESSES), (messages, flag, plugins))
            try:
                yield workers
            finally:
                workers.shutdown()


@dataclass(frozen=True)
class _Threads:
    executor: ThreadPoolExecutor
    cancel_event: CancelEvent
    watch: Watcher | None

    def submit(self, function: Work, context: FovContext) -> Future[StepReports]:
        return self.executor.submit(function, context, self.cancel_event, self.watch)


class _Processes:
    def __init__(self, n: int, start: tuple[Any, ...]) -> None:
        self._n, self._start = n, (*start, logger.getEffectiveLevel())
        self._executor = self._opened()

    def submit(self, function: Work, context: FovContext) -> Future[StepReports]:
        try:
            return self._executor.submit(_call, function, context)
        except BrokenProcessPool:  # by an earlier field of view; this one gets new processes
            self._executor = self._opened()
            return self._executor.submit(_call, function, context)

    def shutdown(self) -> None:
        self._executor.shutdown()

    def _opened(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._n, context, _start, self._start)


_PROCESS: dict[str, Any] = {}
"""What this worker process was given when it started."""


def _start(messages: Any, flag: FlagFile, plugins: list[Plugin], level: int) -> None:
    # Ctrl-C reaches every process of a terminal; only the first one handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="pyama parent", daemon=True).start()
    _PROCESS.update(messages=messages, flag=flag, fingerprints=keep_fingerprints())
    _PROCESS["fingerprints"].__enter__()  # for as long as the process lives: that is one run
    logger.setLevel(level)
    logger.addHandler(Sender(messages.put))
    logger.propagate = False
    unpack_plugins(plugins)


def _end_with_parent() -> None:
    """Exit when the parent was killed, because the next run waits for that."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _call(function: Work, context: FovContext) -> StepReports:
    load_named_plugins(context.config)
    with ExitStack() as stack:
        with suppress(OSError):  # the run itself holds the lock, too
            stack.enter_context(locks_joined(context.output_dir, [context.fov]))
        parent = multiprocessing.parent_process()
        if parent is None or not parent.is_alive():
            os._exit(1)
        return function(context, _PROCESS["flag"], _PROCESS["messages"].put)
