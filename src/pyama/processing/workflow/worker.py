"""Steps 2 to 6 on a few fields of view: what one worker does."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from pyama.config import ProcessingConfig
from pyama.errors import PyamaError
from pyama.metadata import MicroscopyMetadata
from pyama.processing.plugin_digest import steady_fingerprints
from pyama.processing.runner import CancelEvent, Watcher
from pyama.processing.step_reports import FovReport, Status
from pyama.processing.workflow.services import (
    BackgroundEstimationService,
    CroppingService,
    ExtractionService,
    SegmentationService,
    Service,
    TrackingService,
)


class WorkerResult(tuple[Sequence[int], int, int, str]):
    """`(fovs, successful, failed, message)`, with the reports of every step.

    Attributes:
        reports: One per step and field of view.
    """

    reports: tuple[FovReport, ...]

    def __new__(
        cls,
        result: tuple[Sequence[int], int, int, str],
        reports: Sequence[FovReport] = (),
    ) -> Self:
        """Return the tuple with `reports` attached."""
        made = super().__new__(cls, result)
        made.reports = tuple(reports)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (tuple(self), self.reports)


@steady_fingerprints()
def run_single_worker(
    fovs: Sequence[int],
    metadata: MicroscopyMetadata,
    config: ProcessingConfig,
    output_dir: Path,
    cancel_event: CancelEvent | None = None,
    watch: Watcher | None = None,
) -> WorkerResult:
    """Run steps 2 to 6 on fields of view, one step after the other. Never raises.

    A field of view that fails in one step is left out of the next ones.

    Args:
        fovs: 0-based indices; exactly these are processed.
        metadata: Of the recording.
        config: Of the run.
        output_dir: The output folder, into which the fields of view were copied.
        cancel_event: Stops the work within a frame.
        watch: Called after every item.

    Returns:
        `(fovs, successful, failed, message)`: how many fields of view ended well, how many
        did not, and `Completed`, `Cancelled` or what went wrong.
    """
    reports: list[FovReport] = []
    failed: dict[int, str] = {}
    try:
        services: tuple[Service, ...] = (
            SegmentationService(config.params.segmentation_method, watch=watch),
            TrackingService(config.params.tracking_method, watch=watch),
            BackgroundEstimationService(watch=watch),
            CroppingService(watch=watch),
            ExtractionService(watch=watch),
        )
        for service in services:
            sound = [fov for fov in fovs if fov not in failed]
            found = service.process(metadata, config, output_dir, sound, cancel_event)
            reports += found
            if found.cancelled:
                return WorkerResult((fovs, 0, len(fovs), "Cancelled"), reports)
            failed |= {bad.fov: str(bad) for bad in found.having(Status.FAILED)}
    except (PyamaError, TypeError, ValueError, AttributeError) as error:
        # All but the first: an argument that is none.
        kind = "" if isinstance(error, PyamaError) else f"{type(error).__name__}: "
        reports += [FovReport("start", fov, Status.FAILED, f"{kind}{error}") for fov in fovs]
        return WorkerResult((fovs, 0, len(fovs), f"{kind}{error}"), reports)
    message = "; ".join(failed.values()) or "Completed"
    return WorkerResult((fovs, len(fovs) - len(failed), len(failed), message), reports)
