"""Workers of a Dask cluster, on this machine or on others that share the output folder.

A worker needs the output folder and the same version of pyama. The recording is read by the
run itself.
"""

import logging
import pickle
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pyama.background_thread import background_thread
from pyama.errors import ConfigError, PyamaError, message_of
from pyama.processing.cancelling import CancelEvent, call_when_set
from pyama.processing.executors import Work, dask_worker
from pyama.processing.executors.dask_worker import TOPIC, Run, work_on
from pyama.processing.executors.messages import DIED, handle_messages
from pyama.processing.executors.pickled_plugins import Plugin
from pyama.processing.fov import FovContext
from pyama.processing.runner import Watcher
from pyama.processing.step_reports import StepReports
from pyama.version import __version__

if TYPE_CHECKING:
    from distributed import Client

POLL_SECONDS = 2.0
"""Interval at which a run renews its temporary files and checks that there are workers."""
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
    run = Run(uuid4().hex, output_dir.absolute(), plugins, level, __version__)
    messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with ExitStack() as stack:
        stack.callback(run.clean_up)  # last: until then no call may begin
        client = _connected(stack, address, n)
        run.flag.path.touch()
        client.subscribe_topic(TOPIC, partial(_receive, run.name, messages))
        stack.enter_context(handle_messages(messages, watch))
        cluster = _Cluster(client, run)
        stack.enter_context(_looking_after(client, run, address))
        stack.enter_context(call_when_set(cancel_event, cluster.stop))
        try:
            yield cluster
        finally:
            cluster.wait()


def _connected(stack: ExitStack, address: str | None, n: int) -> "Client":
    """Connect for the length of the stack, to a new local cluster if there is no address."""
    from distributed import Client

    stack.enter_context(_quiet())
    try:
        target = address or stack.enter_context(_local_cluster(n))
        client = Client(target, set_as_default=False)
    except (OSError, RuntimeError, ValueError) as error:
        what = f"No Dask scheduler answers at {address}" if address else "Dask does not start"
        raise ConfigError(f"{what}: {message_of(error)}") from error
    stack.enter_context(client)
    return client


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide tracebacks of a lost connection, which is reported by the run."""
    client = logging.getLogger("distributed.client")
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


@contextmanager
def _looking_after(client: "Client", run: Run, address: str | None) -> Iterator[None]:
    """Warn while there are no workers, which a job queue may start later.

    A local cluster restarts its workers itself.
    """

    def look(ended: threading.Event) -> None:
        waiting = False
        while not ended.wait(POLL_SECONDS):
            run.keep()
            try:
                before, waiting = waiting, address is not None and not client.nthreads()
            except (OSError, RuntimeError):  # reported with the results
                return
            if waiting and not before:
                logger.warning(
                    "The Dask cluster has no workers now. Waiting for one: 'dask worker %s' "
                    "starts one, Ctrl-C stops.",
                    address,
                )

    with background_thread("pyama dask workers", look):
        yield


class _Cluster:
    """Runs functions on the workers of a Dask cluster."""

    def __init__(self, client: "Client", run: Run) -> None:
        self._executor, self._run = client.get_executor(), run
        self._asked: dict[int, Future[Any]] = {}
        self._given: list[Future[Any]] = []

    def submit(self, function: Work, context: FovContext) -> Future[StepReports]:
        # A worker may have another working directory.
        context = replace(context, output_dir=context.output_dir.absolute())
        given: Future[StepReports] = Future()
        self._given.append(given)
        number = len(self._given)
        try:
            asked = self._executor.submit(work_on, self._run, number, function, context)
        except (OSError, RuntimeError) as error:
            given.set_exception(_explained(error))
            return given
        self._asked[number] = asked
        work = partial(function, context)
        asked.add_done_callback(partial(self._hand_on, given, number, work))
        if self._run.flag.is_set():
            self.stop()
        return given

    def stop(self) -> None:
        """Stop running calls and withdraw those that no worker has begun."""
        self._run.flag.set()
        for number, asked in list(self._asked.items()):
            if not asked.done() and self._run.claim(number):
                asked.cancel()

    def wait(self) -> None:
        """Wait until no call is running."""
        for given in self._given:
            given.exception()

    def _hand_on(
        self, given: Future[Any], number: int, work: Callable[..., Any], asked: Future[Any]
    ) -> None:
        """Set the result in any case; a call stopped before it began reports that itself."""
        try:
            error = BrokenExecutor(GONE) if asked.cancelled() else asked.exception()
            if error is None:
                given.set_result(asked.result())
            elif self._run.flag.is_set():
                given.set_result(work(self._run.flag, None))
            else:
                given.set_exception(_explained(error))
        finally:
            self._asked.pop(number, None)  # lets Dask release the result
            if not given.done():
                given.set_exception(BrokenExecutor(GONE))


def _explained(error: BaseException) -> BaseException:
    from distributed import KilledWorker

    if isinstance(error, PyamaError | BrokenExecutor):
        return error
    if isinstance(error, KilledWorker):
        return BrokenExecutor(DIED)
    return BrokenExecutor(
        f"The Dask cluster could not run this: {message_of(error)}. Scheduler and workers "
        "need the same packages as this run."
    )
