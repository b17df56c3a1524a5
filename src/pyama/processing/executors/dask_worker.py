"""The part of a run that is executed by a worker of a Dask cluster."""

import logging
import os
import pickle
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyama.processing.cancelling import AnyOf, FlagFile
from pyama.processing.executors import Work
from pyama.processing.executors.messages import DIED, Sender
from pyama.processing.executors.pickled_plugins import Plugin, register_plugins
from pyama.processing.fov import FovContext
from pyama.processing.plugin_digest import keep_fingerprints
from pyama.processing.plugin_targets import load_named_plugins
from pyama.processing.step_reports import StepReports
from pyama.store import TEMPORARY, locks_joined, try_lock
from pyama.version import __version__

if TYPE_CHECKING:
    from distributed import Worker

TOPIC = "pyama"
"""Topic of all messages: one for all runs, as a scheduler keeps the last ones of each."""
LIBRARIES = "numpy", "numba", "scipy"
ATTEMPTS = 2
"""How many workers may begin a call, the second one if the first has died."""
POLL_SECONDS = 0.1
SEND_SECONDS = 0.2
"""Shortest interval at which a worker sends its collected messages."""

logger = logging.getLogger("pyama")


def own_versions() -> dict[str, str]:
    """Return the versions in this process of what results depend on."""
    return {"pyama": __version__, **{name: version(name) for name in LIBRARIES}}


@dataclass(frozen=True)
class Run:
    """A run as its workers know it; sent along with every call.

    Attributes:
        name: Of this run alone.
        folder: The output folder; its temporary files here are removed at the end.
        plugins: Custom parts.
        level: Of what is logged.
        versions: Of pyama and libraries.
    """

    name: str
    folder: Path
    plugins: list[Plugin]
    level: int
    versions: dict[str, str]

    @property
    def flag(self) -> FlagFile:
        """Asks the workers to stop."""
        return FlagFile(self._file("stop"))

    @contextmanager
    def begun(self, number: int, stop: AnyOf, released: "_Released") -> Iterator[bool]:
        """Hold a call, which two workers may begin, one after the other.

        Dask repeats a call whose worker has died. But what has crashed two workers will crash
        the next, and a worker that is only unreachable may still be writing: its lock shows
        that.

        Yields:
            Whether another worker has died with this call.

        Raises:
            BrokenExecutor: It must not be begun.
        """
        path = self._file(str(number))
        with FileIO(path, "a+") as file:
            while try_lock(file) is False:
                if stop.is_set():
                    raise BrokenExecutor(DIED)
                time.sleep(POLL_SECONDS)
            n_begun = _length(file)
            if n_begun >= ATTEMPTS:
                raise BrokenExecutor(DIED)
            file.write(b"x")
            yield bool(n_begun)
            if released.was_set:
                raise BrokenExecutor(DIED)  # not to be taken for a request of the user
        path.unlink(missing_ok=True)  # a result that is lost may be requested again

    def withdraw(self, number: int) -> bool:
        """Prevent that a call begins; False if a worker may be at it."""
        with FileIO(self._file(str(number)), "a+") as file:
            held = try_lock(file)
            is_free = held if held is not None else not _length(file)
            if is_free:
                file.write(b"x" * ATTEMPTS)
        return is_free

    def keep(self) -> None:
        """Show other runs in the folder that the temporary files are in use."""
        for path in self._files():
            with suppress(OSError):  # it was removed, or the file server is away
                os.utime(path)

    def check(self) -> None:
        """Check that this process sees the output folder and has the same versions.

        Raises:
            BrokenExecutor: This process cannot serve the run.
        """
        if not self.flag.path.exists():
            raise BrokenExecutor(
                f"A Dask worker does not see the run in {self.folder}. The output folder must "
                "lie where all workers see it, under the same path."
            )
        found = own_versions()
        differ = [name for name in self.versions if found[name] != self.versions[name]]
        if differ:
            theirs = ", ".join(f"{name} {found[name]}" for name in differ)
            ours = ", ".join(f"{name} {self.versions[name]}" for name in differ)
            raise BrokenExecutor(
                f"A Dask worker on {socket.gethostname()} has {theirs}, and this run {ours}. "
                "Install the same versions for both, then start the cluster again."
            )

    def clean_up(self) -> None:
        """Remove the temporary files."""
        for path in self._files():
            path.unlink(missing_ok=True)

    def _files(self) -> Iterator[Path]:
        return self.folder.glob(f"dask-{self.name}-*{TEMPORARY}")

    def _file(self, name: str) -> Path:
        return self.folder / f"dask-{self.name}-{name}{TEMPORARY}"


def _length(file: FileIO) -> int:
    return os.fstat(file.fileno()).st_size


def dask_setup(worker: "Worker") -> None:
    """Prepare a worker of a local cluster; Dask requires this name.

    Ctrl-C reaches every process of a terminal; only the first one handles it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def work_on(run: Run, number: int, function: Work, context: FovContext) -> StepReports:
    """Call `function(context, cancel_event, watch)`, unless two workers have died with it.

    Raises:
        BrokenExecutor: This worker cannot serve the run, or two have died.
    """
    from distributed import get_worker

    run.check()
    worker = get_worker()
    released = _Released(worker)
    stop = AnyOf((released, run.flag))
    with _SLOT.taken(run, worker) as messages, ExitStack() as stack:
        with suppress(OSError):  # the run itself holds the lock, too
            stack.enter_context(locks_joined(run.folder, [context.fov]))
        has_died = stack.enter_context(run.begun(number, stop, released))
        place = f"worker {worker.name} on {socket.gethostname()}"
        if has_died:
            logger.warning("FOV %d: its worker died. It is repeated by %s", context.fov, place)
        else:
            logger.info("FOV %d: processed by %s", context.fov, place)
        load_named_plugins(context.config)
        return function(context, stop, messages.put)


class _Released:
    """A request to stop: the run released its calls when it was killed, or Dask shuts down."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker
        self.was_set = False
        self._task = worker.state.tasks[worker.get_current_task()]

    def is_set(self) -> bool:
        ends = self._worker.status.name in ("closing", "closed", "failed")
        self.was_set |= ends or self._task.state != "executing"
        return self.was_set


class _Messages:
    """Collects messages and sends them to the run."""

    def __init__(self, run: str, worker: "Worker") -> None:
        self._run, self._worker = run, worker
        self._kept: list[Any] = []
        self._sent = 0.0
        self._lock = threading.Lock()

    def put(self, message: Any) -> None:
        with self._lock:
            self._kept.append(message)
            if time.monotonic() - self._sent > SEND_SECONDS:
                self._send()

    def flush(self) -> None:
        with self._lock:
            self._send()

    def _send(self) -> None:
        if self._kept:
            self._worker.log_event(TOPIC, [self._run, pickle.dumps(self._kept)])
        self._kept, self._sent = [], time.monotonic()


class _Slot:
    """A process that serves one run at a time, because plugins and logging are global.

    Several threads may work for the same run; those of other runs wait.
    """

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._calls: list[str] = []
        self._settled = ExitStack()
        self._messages: _Messages

    @contextmanager
    def taken(self, run: Run, worker: "Worker") -> Iterator[_Messages]:
        with self._turn:
            self._turn.wait_for(lambda: set(self._calls) <= {run.name})
            if not self._calls:
                self._messages = _Messages(run.name, worker)
                self._settled.enter_context(_settled(run, self._messages))
            self._calls.append(run.name)
        try:
            yield self._messages
        finally:
            self._messages.flush()
            with self._turn:
                self._calls.pop()
                if not self._calls:
                    self._settled.close()
                self._turn.notify_all()


_SLOT = _Slot()


@contextmanager
def _settled(run: Run, messages: _Messages) -> Iterator[None]:
    """Register the plugins of a run, and send it the log records."""
    sender, before = Sender(messages.put), (logger.level, logger.propagate)
    with register_plugins(run.plugins), keep_fingerprints():
        logger.setLevel(run.level)
        logger.addHandler(sender)
        logger.propagate = False
        try:
            yield
        finally:
            logger.removeHandler(sender)
            logger.level, logger.propagate = before
