"""Where workers run: threads, processes, or a Dask cluster."""

from collections.abc import Callable

from pyama.processing.cancelling import CancelEvent
from pyama.processing.fov import FovContext
from pyama.processing.runner import Watcher
from pyama.processing.step_reports import StepReports

Work = Callable[[FovContext, CancelEvent, Watcher | None], StepReports]
"""The task of a worker: what it does with a field of view."""
