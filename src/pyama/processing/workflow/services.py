"""The seven services of the reference. Each runs one step on fields of view.

Registration is part of the service of segmentation.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from operator import index
from pathlib import Path
from typing import ClassVar

from pyama.config import ProcessingConfig
from pyama.derived_sizes import with_derived
from pyama.metadata import MicroscopyMetadata
from pyama.processing.cancelling import CancelEvent
from pyama.processing.plugin_digest import keep_fingerprints
from pyama.processing.plugin_targets import load_named_plugins
from pyama.processing.recipes import FovContexts
from pyama.processing.runner import Watcher
from pyama.processing.step_reports import StepReports, join_reports
from pyama.processing.steps import (
    Step,
    background,
    copying,
    cropping,
    extraction,
    previews,
    registration,
    segmentation,
    tracking,
)
from pyama.processing.workflow.inspected_results import refuse_to_replace
from pyama.processing.workflow.preconditions import check_fovs
from pyama.processing.workflow.recording import (
    open_once,
    record_steps,
    selected_for,
)
from pyama.processing.workflow.worker import run_steps
from pyama.readers import Reader


class Service:
    """One step of the workflow.

    Args:
        reader: Returns the recording; without it the file named by the metadata is opened,
            and closed at the end. Only copying reads it.
        watch: Called after every item.
    """

    name: ClassVar[str]
    steps: ClassVar[tuple[Step, ...]]

    def __init__(
        self,
        *,
        reader: Callable[[], Reader] | None = None,
        watch: Watcher | None = None,
    ) -> None:
        self._reader = reader
        self._watch = watch

    def process_all_fovs(
        self,
        metadata: MicroscopyMetadata,
        config: ProcessingConfig,
        output_dir: Path,
        fov_start: int,
        fov_end: int,
        cancel_event: CancelEvent | None = None,
        *,
        redo: bool = False,
    ) -> StepReports:
        """Run the step on the fields of view from `fov_start` to `fov_end`, both included.

        Args:
            metadata: Of the recording.
            config: Of the run.
            output_dir: The output folder.
            fov_start: 0-based index of the first field of view.
            fov_end: That of the last one.
            cancel_event: Stops the work within a frame.
            redo: Whether results that a person has inspected may be replaced.

        Returns:
            One report per field of view; nothing is raised for what goes wrong in one.

        Raises:
            ConfigError: There is no such field of view, a method or feature is unknown, or
                the output folder belongs to another recording.
            InspectedError: Inspected results would be replaced, and `redo` is False.
            StoreError: The record of the step cannot be written.
        """
        fovs = range(fov_start, fov_end + 1)
        return self.process(metadata, config, output_dir, fovs, cancel_event, redo=redo)

    @keep_fingerprints()
    def process(
        self,
        metadata: MicroscopyMetadata,
        config: ProcessingConfig,
        output_dir: Path,
        fovs: Sequence[int],
        cancel_event: CancelEvent | None = None,
        *,
        redo: bool = False,
    ) -> StepReports:
        """Run the step on the listed fields of view; see `process_all_fovs`."""
        started, output_dir = datetime.now(UTC), Path(output_dir)
        fovs = [index(fov) for fov in fovs]  # NumPy integers cannot be written to recipes
        check_fovs(metadata, fovs)
        metadata = selected_for(metadata, config, output_dir)
        config = self._adapted(with_derived(config, metadata))
        load_named_plugins(config)
        with ExitStack() as stack:
            reader = self._reader or open_once(stack, metadata, config)
            contexts = FovContexts(metadata, config, output_dir, reader)
            if not redo:
                refuse_to_replace(contexts, fovs, self.steps)
            report = join_reports(
                run_steps(contexts[fov], cancel_event, self._watch, self.steps) for fov in fovs
            )
        record_steps(output_dir, metadata, config, report, started)
        return report

    def _adapted(self, config: ProcessingConfig) -> ProcessingConfig:
        return config


class CopyingService(Service):
    """Step 1: raw frames."""

    name = copying.STEP.name
    steps = (copying.STEP,)


class SegmentationService(Service):
    """Step 2: cells of every frame.

    Args:
        method: Name in `SEGMENTERS`; without it the configuration decides.
        watch: Called after every item.
    """

    name = segmentation.STEP.name
    steps = registration.STEP, segmentation.STEP

    def __init__(self, method: str | None = None, *, watch: Watcher | None = None) -> None:
        super().__init__(watch=watch)
        self.method = method

    def _adapted(self, config: ProcessingConfig) -> ProcessingConfig:
        return with_params(config, segmentation_method=self.method)


class TrackingService(Service):
    """Step 3: one number per cell.

    Args:
        method: Name in `TRACKERS`; without it the configuration decides.
        watch: Called after every item.
    """

    name = tracking.STEP.name
    steps = (tracking.STEP,)

    def __init__(self, method: str | None = None, *, watch: Watcher | None = None) -> None:
        super().__init__(watch=watch)
        self.method = method

    def _adapted(self, config: ProcessingConfig) -> ProcessingConfig:
        return with_params(config, tracking_method=self.method)


class BackgroundEstimationService(Service):
    """Step 4: fluorescence without cells."""

    name = background.STEP.name
    steps = (background.STEP,)


class CroppingService(Service):
    """Step 5: every cell cut out."""

    name = cropping.STEP.name
    steps = (cropping.STEP,)


class ExtractionService(Service):
    """Step 6: traces."""

    name = extraction.STEP.name
    steps = (extraction.STEP,)


class CachingService(Service):
    """The remaining previews."""

    name = previews.STEP.name
    steps = (previews.STEP,)


def with_params(config: ProcessingConfig, **changes: object) -> ProcessingConfig:
    """Return the configuration with those parameters changed that are not None."""
    changes = {name: value for name, value in changes.items() if value is not None}
    return config.replace(params=config.params.replace(**changes)) if changes else config
