"""The recipes of a field of view, from all its steps: known before anything runs."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock

from pyama import older_pyama
from pyama.config import ProcessingConfig
from pyama.errors import ReaderError
from pyama.metadata import MicroscopyMetadata
from pyama.processing.fov import FovContext, FovFacts
from pyama.processing.steps import STEPS
from pyama.processing.steps.step import RECORDING
from pyama.readers import Reader
from pyama.readers.frame_selection import select_frames, with_frames
from pyama.store import Recipe
from pyama.traces.corrected_labels import checksums

Recipes = Mapping[str, Recipe]
"""The recipe of every output of a field of view, by name."""
NONE_CORRECTED: Mapping[int, str] = {}


def recipes(
    metadata: MicroscopyMetadata,
    config: ProcessingConfig,
    fov: int,
    corrected: Mapping[int, str] = NONE_CORRECTED,
) -> dict[str, Recipe]:
    """Return the recipe of every output that a run would make, by name, in order.

    Args:
        metadata: Of the recording.
        config: Of the run.
        fov: 0-based index.
        corrected: See `FovFacts`.

    Raises:
        ConfigError: A file that the configuration names is missing or wrong.
    """
    facts = FovFacts(fov, metadata, config, corrected=corrected)
    digests = {RECORDING: metadata.identity}
    made: dict[str, Recipe] = {}
    for step in STEPS:
        for name, recipe in step.recipes_of(facts, digests):
            made[name], digests[name] = recipe, recipe.digest
    return made


def no_reader() -> Reader:
    """Open nothing: only copying reads the recording.

    Raises:
        ReaderError: Always.
    """
    raise ReaderError("The recording is not open.")


class FovContexts:
    """The fields of view of one run. The recipes of each are computed once, when first used.

    Args:
        metadata: Of the recording, or of the frames that the configuration selects.
        config: Of the run.
        output_dir: The output folder.
        reader: Opens the recording.
        known: Recipes that were computed before, by field of view.
        scratch: See `FovContext`.

    Raises:
        ConfigError: The output folder holds results of the older PyAMA, or there are no such
            frames.
    """

    def __init__(
        self,
        metadata: MicroscopyMetadata,
        config: ProcessingConfig,
        output_dir: Path,
        reader: Callable[[], Reader] = no_reader,
        known: Mapping[int, Recipes] | None = None,
        scratch: Path | None = None,
    ) -> None:
        self.metadata = select_frames(metadata, config.params.frames)
        self.config, self.output_dir = config, Path(output_dir)
        older_pyama.refuse_results(self.output_dir)
        self._reader, self._scratch = reader, scratch
        self._recipes = dict(known or {})
        self._lock = Lock()

    def __getitem__(self, fov: int) -> FovContext:
        """Return a field of view.

        Raises:
            ConfigError: A file that the configuration names is missing or wrong.
        """
        facts = fov, self.metadata, self.config
        recipes = self.recipes(fov)
        return FovContext(*facts, self.output_dir, recipes, self._selected, self._scratch)

    def _selected(self) -> Reader:
        return with_frames(self._reader(), self.config.params.frames)

    def recipes(self, fov: int) -> Recipes:
        """Return the recipes of a field of view; see `recipes`.

        Raises:
            StoreError: Labels that a person has corrected are damaged.
        """
        with self._lock:
            if fov not in self._recipes:
                corrected = checksums(self.output_dir, self.metadata, self.config, fov)
                self._recipes[fov] = recipes(self.metadata, self.config, fov, corrected)
            return self._recipes[fov]

    def fits(self, metadata: MicroscopyMetadata, config: ProcessingConfig) -> bool:
        """Whether the recipes are those of this recording and configuration."""
        return (self.metadata, self.config) == (metadata, config)

    def compute_recipes(self, fovs: Sequence[int]) -> dict[int, Recipes]:
        """Compute the recipes of fields of view that are not known yet, and return them."""
        return {fov: self.recipes(fov) for fov in fovs}
