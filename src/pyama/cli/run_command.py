"""A run on the terminal: progress, Ctrl-C, summary."""

import logging
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import typer

from pyama.cli.progress_bar import show_progress
from pyama.cli.terminal import CANCELLED, FAILED, note, result, result_json
from pyama.errors import InspectedError, LockedError
from pyama.processing import compiling
from pyama.processing.executors import dask
from pyama.processing.workflow.inspected_results import QUESTION
from pyama.runs import active_run
from pyama.runs.active_run import ActiveRun
from pyama.runs.progress import ProgressEstimator
from pyama.runs.request import Request, prepare
from pyama.runs.summary import summary_lines
from pyama.store import lock

POLLS_PER_SECOND = 8
STOPPING = "Stopping within a frame ... (Ctrl-C again stops at once)"
SHOWN_LOGGERS = compiling.__name__, dask.__name__, lock.__name__
"""Messages of these loggers are also shown on the screen."""


def run(request: Request, executor: str = "threads", *, as_json: bool, verbose: bool) -> int:
    """Process a recording and print a summary.

    Returns:
        The exit code.
    """
    prepared = prepare(request)
    if not prepared.fovs:
        note(f"Part {request.shard} has no field of view: there are fewer of them than parts.")
        return 0

    def listen(record: logging.LogRecord) -> None:
        _show_record(record, current.estimator, verbose=verbose)

    try:
        current = ActiveRun(prepared, listen, executor)
    except InspectedError as error:
        if as_json or not sys.stdin.isatty():
            raise
        note(str(error))
        if not typer.confirm(QUESTION, err=True):
            return CANCELLED
        current = ActiveRun(replace(prepared, confirmed=error.facts), listen, executor)
    for text in current.opening:
        note(text)
    counts = _run_with_progress(current, request.time_limit_s)
    if as_json:
        result_json("run", counts)
    else:
        result("\n".join(summary_lines(counts)))
    return {"finished": 0, "failed": FAILED, "cancelled": CANCELLED}[counts["status"]]


def _show_record(
    record: logging.LogRecord, estimator: ProgressEstimator, *, verbose: bool
) -> None:
    """Show a log record above the progress, without traceback: that is in the log."""
    if record.name in SHOWN_LOGGERS:
        estimator.say(record.getMessage())
    elif verbose and record.name != active_run.__name__:
        estimator.say(f"{record.levelname.lower()}: {record.getMessage()}")


def _run_with_progress(current: ActiveRun, time_limit_s: int | None) -> dict[str, Any]:
    """Start a run, show its progress, stop it on Ctrl-C or in time; return its summary."""
    estimator = current.estimator
    with _stop_signals() as received, _warnings_above(estimator):
        current.start()
        try:
            with show_progress() as show:
                while not current.wait(1 / POLLS_PER_SECOND) and not _stops_at_once(received):
                    is_late = time_limit_s is not None and current.seconds >= time_limit_s
                    if (received or is_late) and not current.is_cancelled:
                        why = (
                            STOPPING if received else f"The time limit is reached. {STOPPING}"
                        )
                        estimator.say(why)
                        current.cancel()
                    show(estimator.snapshot())
                show(estimator.snapshot())
        finally:
            current.cancel()
        if _stops_at_once(received) and not current.has_ended:
            note("Stopped at once. The same command repeats what was not finished.")
            os._exit(CANCELLED)
        if received and isinstance(error := current.error(), LockedError):
            note(f"Stopped. {error}")
            raise typer.Exit(CANCELLED)
        return current.summary()


def _stops_at_once(received: list[int]) -> bool:
    """Whether Ctrl-C was pressed again; a queue may send several signals before it kills."""
    return received.count(signal.SIGINT) > 1


@contextmanager
def _warnings_above(estimator: ProgressEstimator) -> Iterator[None]:
    """Show warnings above the progress, each in one line."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        estimator.say(f"Warning: {message}")

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Collect signals that ask to stop in a list instead of letting them end the process.

    Queues send SIGTERM or, where it is asked for, SIGUSR1 some time before they kill a job.
    """
    received: list[int] = []

    def receive(number: int, frame: Any) -> None:
        received.append(number)

    names = "SIGINT", "SIGTERM", "SIGUSR1"
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, receive) for number in numbers}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
