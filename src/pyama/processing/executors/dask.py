"""Workers of a Dask cluster, on this machine or on others that share the output folder.

A worker needs the output folder and the same version of pyama. The recording is read by the
run itself.
"""

import logging
import pickle
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from pickle import PicklingError
from typing import TYPE_CHECKING, Any

from pyama.background_thread import background_thread
from pyama.errors import ConfigError, PyamaError, message_of
from pyama.processing.cancelling import CancelEvent
from pyama.processing.executors import Work, dask_worker
from pyama.processing.executors.dask_worker import TOPIC, Run, own_versions, work_on
from pyama.processing.executors.messages import DIED, handle_messages
from pyama.processing.executors.pickled_plugins import Plugin
from pyama.processing.fov import FovContext
from pyama.processing.runner import Watcher
from pyama.processing.step_reports import StepReports
from pyama.store import owned_token

if TYPE_CHECKING:
    from distributed import Client

POLL_SECONDS = 0.1
"""Interval at which results are taken."""
LOOK_SECONDS = 2.0
"""Interval at which the scheduler is asked how many workers there are."""
ANSWER_SECONDS = 3.0
"""How long one answer, or one attempt to connect, may take."""
PATIENCE, CANCELLED_PATIENCE = 30.0, 5.0
"""A scheduler that has not answered for so many seconds is lost; the second after Ctrl-C."""
GONE = (
    "The connection to the Dask scheduler was lost. Finished outputs are kept: start the "
    "cluster again and repeat the command."
)

logger = logging.getLogger(__name__)


@contextmanager
def open_cluster(
    address: str | None,
    n: int,
    plugins: list[Plugin],
    output_dir: Path,
    cancel_event: CancelEvent,
    watch: Watcher | None,
) -> Iterator["_Cluster"]:
    """Open the workers of a Dask cluster for the length of the block.

    Args:
        address: Of the scheduler; None starts a cluster of `n` processes on this machine.
        n: Number of processes.
        plugins: Custom parts that the workers need.
        output_dir: The output folder; the workers see it under the same path.
        cancel_event: Stops the workers within a frame.
        watch: Called after every item, in this process.

    Raises:
        ConfigError: No scheduler answers, or the cluster does not start.
    """
    level = logging.getLogger("pyama").getEffectiveLevel()
    run = Run(owned_token(), output_dir.absolute(), plugins, level, own_versions())
    messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with ExitStack() as stack:
        stack.callback(run.clean_up)  # last: until then no call may begin
        client = _connected(stack, address, n, cancel_event)
        run.flag.path.touch()
        client.subscribe_topic(TOPIC, partial(_receive, run.name, messages))
        stack.enter_context(handle_messages(messages, watch))
        cluster = _Cluster(client, run, address, cancel_event)
        stack.enter_context(background_thread("pyama dask", cluster.attend))
        try:
            yield cluster
        finally:
            cluster.wait()


def _connected(
    stack: ExitStack, address: str | None, n: int, cancel_event: CancelEvent
) -> "Client":
    """Connect for the length of the stack, to a new local cluster if there is no address."""
    import dask

    stack.enter_context(_quiet())
    # A local cluster would give up a worker whose process dies twice within 15 s.
    stack.enter_context(dask.config.set({"distributed.deploy.lost-worker-timeout": "1 day"}))
    try:
        client = _connect(address or stack.enter_context(_local_cluster(n)), cancel_event)
    except (OSError, RuntimeError, ValueError) as error:
        what = f"No Dask scheduler answers at {address}" if address else "Dask does not start"
        raise ConfigError(f"{what}: {message_of(error)}") from error
    stack.callback(_close, client)
    return client


def _connect(target: Any, cancel_event: CancelEvent) -> "Client":
    """Try as long as Dask is configured to, or until the run is cancelled."""
    import dask
    from distributed import Client

    patience = dask.utils.parse_timedelta(dask.config.get("distributed.comm.timeouts.connect"))
    until = time.monotonic() + patience
    while True:
        try:
            return Client(target, set_as_default=False, timeout=min(patience, ANSWER_SECONDS))
        except OSError:
            if cancel_event.is_set() or time.monotonic() > until:
                raise


def _close(client: "Client") -> None:
    with suppress(OSError, RuntimeError):  # of a scheduler that does not answer
        client.close(timeout=ANSWER_SECONDS)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide tracebacks of a lost connection, which is reported by the run."""
    from distributed.client import logger as client  # its level is set by the import

    before = client.level
    client.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        client.setLevel(before)


def _local_cluster(n: int) -> Any:
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=n,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",  # any port: the usual one may be taken
        scheduler_kwargs={"dashboard": False},
        memory_limit=0,  # as for threads and processes
        silence_logs=logging.CRITICAL,
        preload=[dask_worker.__name__],  # its dask_setup
    )


def _receive(name: str, messages: queue.SimpleQueue[Any], event: tuple[float, Any]) -> None:
    run, packed = event[1]
    if run == name:
        for message in pickle.loads(packed):  # noqa: S301 (from our own worker)
            messages.put(message)


@dataclass(frozen=True)
class _Call:
    """One field of view: what was given to Dask, and what the run waits for."""

    number: int
    asked: Any  # a future of Dask
    given: Future[StepReports]
    work: Callable[..., StepReports]


class _Cluster:
    """Runs functions on the workers of a Dask cluster.

    One thread takes all results. It never waits for the scheduler longer than
    `ANSWER_SECONDS`, and when the scheduler is lost it ends every call.
    """

    def __init__(
        self, client: "Client", run: Run, address: str | None, cancel_event: CancelEvent
    ) -> None:
        self._client, self._run, self._address = client, run, address
        self._cancel_event = cancel_event
        self._given: list[Future[StepReports]] = []
        self._open: dict[int, _Call] = {}
        self._answered = self._looked = time.monotonic()
        self._has_workers, self._is_lost = True, False
        self._lock = threading.Lock()  # no call is added once it is lost

    def submit(self, function: Work, context: FovContext) -> Future[StepReports]:
        context = replace(context, output_dir=context.output_dir.absolute())  # as on workers
        given: Future[StepReports] = Future()
        number = len(self._given) + 1
        arguments = self._run, number, function, context
        key = f"pyama-{self._run.name}-{number}"
        try:
            asked = self._client.submit(work_on, *arguments, key=key, pure=False)
            with self._lock:
                if self._is_lost:
                    raise BrokenExecutor(GONE)
                self._open[number] = _Call(number, asked, given, partial(function, context))
        except _no_answer(TypeError, PicklingError) as error:
            given.set_exception(_explained(error))
        self._given.append(given)
        return given

    def wait(self) -> None:
        """Wait until no call is running."""
        for given in self._given:
            given.exception()

    def attend(self, ended: threading.Event) -> None:
        """Take results, pass on a request to stop, and notice if the scheduler is lost."""
        try:
            while not self._is_lost and not ended.wait(POLL_SECONDS):
                if self._cancel_event.is_set() and not self._run.flag.is_set():
                    self._run.flag.set()
                for call in list(self._open.values()):
                    self._take(call)
                self._look()
        finally:
            with self._lock:
                self._is_lost = True
            for call in list(self._open.values()):
                self._end(call, BrokenExecutor(GONE))

    def _take(self, call: _Call) -> None:
        """Take the result of a call that has ended, or why there is none."""
        status = call.asked.status
        if status in {"finished", "error"}:
            take = call.asked.result if status == "finished" else call.asked.exception
            with suppress(*_no_answer()):  # the next attempt answers, or it is lost
                answer = take(timeout=ANSWER_SECONDS)
                self._end(call, answer if status == "finished" else _explained(answer))
        elif status == "cancelled":
            self._end(call, BrokenExecutor(GONE))
        elif self._cancel_event.is_set() and self._run.withdraw(call.number):
            call.asked.cancel()
            self._end(call, BrokenExecutor(GONE))

    def _end(self, call: _Call, result: StepReports | BaseException) -> None:
        """Set the result; after a request to stop, a call without one reports that itself."""
        del self._open[call.number]  # lets Dask release the result
        if not isinstance(result, BaseException):
            call.given.set_result(result)
        elif self._run.flag.is_set():
            call.given.set_result(call.work(self._run.flag, None))
        else:
            call.given.set_exception(result)

    def _look(self) -> None:
        """Ask for the number of workers, and warn once while there are none.

        A job queue may start some later; a local cluster restarts its own.
        """
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._run.keep()
        try:
            count = self._client.scheduler.ncores  # type: ignore[union-attr]
            n = len(self._client.sync(count, callback_timeout=ANSWER_SECONDS))
        except _no_answer(ValueError, AttributeError):  # the latter without a scheduler
            n = None
        self._looked = time.monotonic()
        if n is None:
            patience = CANCELLED_PATIENCE if self._cancel_event.is_set() else PATIENCE
            self._is_lost = self._looked - self._answered > patience
            return
        self._answered, before = self._looked, self._has_workers
        self._has_workers = bool(n)
        if before and not n and self._address is not None:
            logger.warning(
                "The Dask cluster has no workers now. Waiting for one: 'dask worker %s' "
                "starts one, Ctrl-C stops.",
                self._address,
            )


def _no_answer(*others: type[BaseException]) -> tuple[type[BaseException], ...]:
    """Return what Dask raises without an answer of the scheduler or its client, and others."""
    from distributed.client import ClosedClientError

    return OSError, RuntimeError, CancelledError, ClosedClientError, *others


def _explained(error: BaseException) -> BaseException:
    from distributed import KilledWorker
    from distributed.client import ClosedClientError

    if isinstance(error, PyamaError | BrokenExecutor):
        return error
    if isinstance(error, ClosedClientError | KilledWorker):
        return BrokenExecutor(DIED if isinstance(error, KilledWorker) else GONE)
    return BrokenExecutor(
        f"The Dask cluster could not run this: {message_of(error)}. Scheduler and workers "
        "need the same packages as this run."
    )
