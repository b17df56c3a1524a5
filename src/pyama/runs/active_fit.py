"""A fit of several tables in a thread of its own: start, progress, cancellation, result."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextvars import copy_context
from pathlib import Path

from pyama.analysis.fitting.fit import check_options
from pyama.analysis.fitting.fit_files import Fitted, fit_file
from pyama.analysis.fitting.fit_settings import FitSettings
from pyama.errors import PyamaError, message_of

POLL_SECONDS = 0.5
GIVE_UP_SECONDS = 10.0
"""Time after which a fit that was cancelled and does not end is given up."""


class _CancelledError(Exception):
    """A fit was asked to stop."""


class ActiveFit:
    """A fit in a thread of its own. Tables that are finished before it is cancelled are kept.

    Args:
        tables: Merged tables; the fits of each are written beside it.
        settings: The options.

    Raises:
        ConfigError: An option is wrong.
    """

    def __init__(self, tables: Sequence[Path], settings: FitSettings) -> None:
        check_options(settings.model, **settings.options())
        self.tables = tables
        self.settings = settings
        self.fitted: list[Fitted] = []
        self._share = 0.0
        self._cancel = threading.Event()
        self._cancelled = 0.0
        self._started = time.monotonic()
        self._seconds: float | None = None
        self._future: Future[None] | None = None

    def start(self) -> None:
        """Begin. What the caller may read, this thread may read."""
        self._started = time.monotonic()
        pool = ThreadPoolExecutor(1, "pyama fit")
        self._future = pool.submit(copy_context().run, self._work)
        pool.shutdown(wait=False)

    def cancel(self) -> None:
        """Stop after the cells that are being fitted; their table is not written."""
        if not self._cancel.is_set():
            self._cancelled = time.monotonic()
            self._cancel.set()

    def wait(self) -> None:
        """Wait until the fit has ended, or is given up."""
        assert self._future is not None  # noqa: S101 (started)
        while not self.is_given_up and wait_for([self._future], POLL_SECONDS).not_done:
            pass

    @property
    def is_given_up(self) -> bool:
        """Whether it was cancelled and does not end, as where the model of a plugin hangs."""
        is_late = time.monotonic() - self._cancelled > GIVE_UP_SECONDS
        is_open = self._future is not None and not self._future.done()
        return is_open and self._cancel.is_set() and is_late

    @property
    def status(self) -> str:
        """`running`, `finished`, `failed` or `cancelled`."""
        if self.is_given_up:
            return "cancelled"
        if self._future is None or not self._future.done():
            return "running"
        error = self._future.exception()
        if error is None:
            return "finished"
        return "cancelled" if isinstance(error, _CancelledError) else "failed"

    @property
    def message(self) -> str:
        """What went wrong, in a sentence; empty if nothing did."""
        if self.is_given_up:
            return (
                f"It has not ended {GIVE_UP_SECONDS:g} s after it was cancelled: the model "
                f"{self.settings.model!r} may hang. Its table is not written."
            )
        error = self._future.exception() if self.status == "failed" and self._future else None
        if error is None:
            return ""
        if isinstance(error, PyamaError):
            return str(error)
        return message_of(error)

    @property
    def fraction(self) -> float:
        """Part that is done, 0 to 1."""
        return min(1.0, (len(self.fitted) + self._share) / max(1, len(self.tables)))

    @property
    def seconds(self) -> float:
        """Wall time so far, or until the fit ended."""
        return self._seconds or time.monotonic() - self._started

    @property
    def seconds_left(self) -> float | None:
        """Estimated from the part that is done; None while it is not known, and at the end."""
        done = self.fraction
        if self.status != "running" or not done:
            return None
        return self.seconds * (1 - done) / done

    def _work(self) -> None:
        column, options = self.settings.column, self.settings.options()
        try:
            for path in self.tables:
                self._watch(0.0)
                fitted = fit_file(
                    path, self.settings.model, column, watch=self._watch, **options
                )
                self._share = 0.0
                self.fitted.append(fitted)
        finally:
            self._seconds = time.monotonic() - self._started

    def _watch(self, share: float) -> None:
        self._share = share
        if self._cancel.is_set():
            raise _CancelledError
