"""A run under the eyes of its user: progress, Ctrl-C, log, summary."""

import logging
import os
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyama import layout
from pyama.cli.plan_command import plan_fov
from pyama.cli.progress_bar import Tally, shown
from pyama.cli.screen import CANCELLED, FAILED, note, result, result_json
from pyama.processing import compiling
from pyama.processing.executors import dask
from pyama.processing.plugin_digest import steady_fingerprints
from pyama.processing.steps import made_in_passing
from pyama.processing.workflow.run import RunReport, process
from pyama.runs.request import Prepared, Request, prepare
from pyama.runs.summary import summary, summary_lines
from pyama.version import __version__

logger = logging.getLogger(__name__)
LOOKS_PER_SECOND = 8
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def run(request: Request, executor: str = "threads", *, as_json: bool, verbose: bool) -> int:
    """Process a recording and say how it went.

    Returns:
        The exit code.
    """
    prepared = prepare(request)
    before = [_heading(prepared), *(f"Note: {text}" for text in prepared.notes)]
    for text in before:
        note(text)
    tally, started = _tally(prepared, request), time.monotonic()
    request.output.mkdir(parents=True, exist_ok=True)
    with _logging(request.output / layout.LOG_FILE, tally, verbose=verbose):
        logger.info("%s", "\n".join([f"pyama {__version__}", *before]))
        report = _watched(prepared, request, executor, tally)
        found = summary(report, prepared.config, time.monotonic() - started)
        lines = summary_lines(found)
        logger.info("%s", "\n".join(lines))
    if as_json:
        result_json(found)
    else:
        result("\n".join(lines))
    return {"finished": 0, "failed": FAILED, "cancelled": CANCELLED}[found["status"]]


def _heading(prepared: Prepared) -> str:
    metadata, channels = prepared.metadata, prepared.config.channels
    names = metadata.channel_names
    pc = "none" if channels.pc is None else _named(names, channels.pc.channel)
    fl = ", ".join(_named(names, entry.channel) for entry in channels.fl) or "none"
    frames = "1 frame" if metadata.n_frames == 1 else f"{metadata.n_frames} frames"
    return (
        f"{metadata.path.name}: {len(prepared.fovs)} of {metadata.n_fovs} FOVs, "
        f"{frames} each. Phase contrast: {pc}. Fluorescence: {fl}."
    )


def _named(names: tuple[str, ...], channel: int) -> str:
    return f"{channel} {names[channel]}"


@steady_fingerprints()
def _tally(prepared: Prepared, request: Request) -> Tally:
    pending = {}
    for fov in prepared.fovs:
        steps = plan_fov(
            prepared.metadata,
            prepared.config,
            request.output,
            fov,
            from_scratch=request.overwrite,
            with_files=False,
        )
        pending[fov] = {step.step: step.pending for step in steps}
        if pending[fov].get("cropping"):
            passing = made_in_passing(prepared.config)
            names = pending[fov].get("caching", [])
            pending[fov]["caching"] = [name for name in names if name not in passing]
    return Tally(pending, prepared.metadata.n_frames)


@contextmanager
def _logging(path: Path, screen: Tally, *, verbose: bool) -> Iterator[None]:
    """Write what pyama logs to a file, and to the screen what a user waits for, or all."""
    if path.is_symlink():  # the log is ours, what the link leads to is not
        path.unlink()
    file = logging.FileHandler(path, encoding="utf-8", delay=True)
    file.setFormatter(logging.Formatter(LOG_FORMAT))
    handlers = [file, _Screen(screen, verbose=verbose)]
    package = logging.getLogger("pyama")
    before = package.level
    package.setLevel(logging.INFO)
    for handler in handlers:
        package.addHandler(handler)
    try:
        yield
    finally:
        package.setLevel(before)
        for handler in handlers:
            package.removeHandler(handler)
            handler.close()


class _Screen(logging.Handler):
    """Lines above the progress, without tracebacks: those are in the log."""

    def __init__(self, tally: Tally, *, verbose: bool) -> None:
        super().__init__()
        self._tally = tally
        self._verbose = verbose

    def emit(self, record: logging.LogRecord) -> None:
        if record.name in (compiling.__name__, dask.__name__):
            self._tally.say(record.getMessage())
        elif self._verbose and record.name != logger.name:
            self._tally.say(f"{record.levelname.lower()}: {record.getMessage()}")


def _watched(prepared: Prepared, request: Request, executor: str, tally: Tally) -> RunReport:
    """Run in a thread of its own, so that this one can show progress and hear Ctrl-C."""
    cancel = threading.Event()

    def work() -> RunReport:
        return process(
            request.file,
            prepared.config,
            request.output,
            prepared.fovs,
            cancel_event=cancel,
            overwrite=request.overwrite,
            watch=tally.watch,
            update=tally.update,
            executor=executor,
        )

    with _stop_signals() as asked, _warnings_above(tally):
        future = ThreadPoolExecutor(1, "pyama run").submit(work)
        try:
            with shown() as show:
                while not wait([future], timeout=1 / LOOKS_PER_SECOND).done and len(asked) < 2:
                    if asked and not cancel.is_set():
                        tally.say("Stopping within a frame ... (Ctrl-C again stops at once)")
                        cancel.set()
                    show(tally.snapshot())
                show(tally.snapshot())
        finally:
            cancel.set()
        if len(asked) > 1 and not future.done():
            note("Stopped at once. The same command makes again what was left unfinished.")
            os._exit(CANCELLED)
        return future.result()


@contextmanager
def _warnings_above(tally: Tally) -> Iterator[None]:
    """Show warnings above the progress, each in one line."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        tally.say(f"Warning: {message}")

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM in a list instead of letting them end the process."""
    asked: list[int] = []

    def hear(number: int, frame: Any) -> None:
        asked.append(number)

    before = {
        number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
