"""The seven services of the reference. Each runs one step on fields of view."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from operator import index
from pathlib import Path
from typing import ClassVar

from pyama.config import ProcessingConfig
from pyama.errors import ConfigError, ReaderError
from pyama.metadata import MicroscopyMetadata
from pyama.processing.executors.pickled_plugins import has_plugins
from pyama.processing.fov import Work
from pyama.processing.plugin_digest import steady_fingerprints
from pyama.processing.plugin_targets import load_what_is_named
from pyama.processing.runner import CancelEvent, Watcher, run_plan
from pyama.processing.step_reports import StepReport
from pyama.processing.steps import PLANS
from pyama.readers import Reader
from pyama.readers.steady import SteadyReader


class Service:
    """One step of the workflow.

    Args:
        reader: Gives the recording; without it the file that the metadata name is opened,
            and closed at the end. Only copying reads.
        watch: Called after every item.
    """

    name: ClassVar[str]

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
    ) -> StepReport:
        """Run the step on the fields of view from `fov_start` to `fov_end`, both included.

        Returns:
            One report per field of view; nothing is raised for what goes wrong in one.

        Raises:
            ConfigError: There is no such field of view, or a method or feature is unknown.
        """
        fovs = range(fov_start, fov_end + 1)
        return self.process(metadata, config, output_dir, fovs, cancel_event)

    @steady_fingerprints()
    def process(
        self,
        metadata: MicroscopyMetadata,
        config: ProcessingConfig,
        output_dir: Path,
        fovs: Sequence[int],
        cancel_event: CancelEvent | None = None,
    ) -> StepReport:
        """Run the step on the listed fields of view; see `process_all_fovs`."""
        fovs = [index(fov) for fov in fovs]  # numbers of NumPy would not go into recipes
        check_fovs(metadata, fovs)
        config = self._adapted(config)
        load_what_is_named(config)
        limit = config.params.plugin_timeout if has_plugins(config) else None
        reports = []
        with ExitStack() as stack:
            reader = self._reader or _opened_once(stack, metadata, config)
            for fov in fovs:
                work = Work(fov, metadata, config, Path(output_dir), reader)
                plan = partial(PLANS[self.name], work)
                found = run_plan(self.name, fov, plan, cancel_event, self._watch, limit)
                reports.append(found)
        return StepReport(tuple(reports))

    def _adapted(self, config: ProcessingConfig) -> ProcessingConfig:
        return config


class CopyingService(Service):
    """Step 1: raw frames."""

    name = "copying"


class SegmentationService(Service):
    """Step 2: cells of every frame.

    Args:
        method: Name in `SEGMENTERS`; without it the configuration decides.
        watch: Called after every item.
    """

    name = "segmentation"

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

    name = "tracking"

    def __init__(self, method: str | None = None, *, watch: Watcher | None = None) -> None:
        super().__init__(watch=watch)
        self.method = method

    def _adapted(self, config: ProcessingConfig) -> ProcessingConfig:
        return with_params(config, tracking_method=self.method)


class BackgroundEstimationService(Service):
    """Step 4: fluorescence without cells."""

    name = "background"


class CroppingService(Service):
    """Step 5: every cell cut out."""

    name = "cropping"


class ExtractionService(Service):
    """Step 6: traces."""

    name = "extraction"


class CachingService(Service):
    """Step 7: previews."""

    name = "caching"


def with_params(config: ProcessingConfig, **changes: object) -> ProcessingConfig:
    """Return the configuration with those parameters changed that are not None."""
    changes = {name: value for name, value in changes.items() if value is not None}
    return config.replace(params=config.params.replace(**changes)) if changes else config


def check_fovs(metadata: MicroscopyMetadata, fovs: Sequence[int]) -> None:
    """Refuse fields of view that the recording does not have.

    Raises:
        ConfigError: Names them.
    """
    absent = [fov for fov in fovs if not 0 <= fov < metadata.n_fovs]
    if absent:
        raise ConfigError(
            f"FOV {', '.join(map(str, absent))} does not exist: {metadata.basename} has "
            f"{metadata.n_fovs}, numbered 0 to {metadata.n_fovs - 1}."
        )


def _opened_once(
    stack: ExitStack, metadata: MicroscopyMetadata, config: ProcessingConfig
) -> Callable[[], Reader]:
    """Return what opens the file at the first call and gives the same reader afterwards."""
    opened: list[Reader] = []

    def reader() -> Reader:
        if not opened:
            found = stack.enter_context(SteadyReader(metadata.path, config.params.z))
            if found.metadata.identity != metadata.identity:
                raise ReaderError(
                    f"{metadata.path} is another recording than the one described. Describe "
                    "it anew."
                )
            opened.append(found)
        return opened[0]

    return reader
