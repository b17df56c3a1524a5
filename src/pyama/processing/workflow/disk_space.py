"""The disk space that a run needs, estimated before it starts."""

import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from pyama.config import ProcessingConfig
from pyama.errors import StoreError
from pyama.metadata import MicroscopyMetadata
from pyama.processing.fov import crop_groups
from pyama.processing.recipes import FovContexts, Recipes
from pyama.processing.steps import STEPS
from pyama.store import CELLS_MARK, FovStore, Recipe
from pyama.units import bytes_text

BYTES_PER_PIXEL = {step.name: step.bytes_per_pixel for step in STEPS}
LEAST_SHARE = 1 / 4
"""Share of the typical size that every recording takes; clean images compress better."""


def check_space(contexts: FovContexts, fovs: Sequence[int], *, overwrite: bool) -> list[str]:
    """Compare the space that a run needs with the space that is free.

    Args:
        contexts: The fields of view of the run; the output folder exists.
        fovs: 0-based indices.
        overwrite: Whether existing results are removed first.

    Returns:
        A sentence if the space is probably not enough, else nothing.

    Raises:
        StoreError: The space cannot be enough.
    """
    if overwrite:  # results that are removed make room
        return []
    free = shutil.disk_usage(contexts.output_dir).free
    known = contexts.compute_recipes(fovs)
    metadata, config = contexts.metadata, contexts.config
    if needed_bytes(metadata, config, known) <= free:
        return []  # without looking for finished outputs, which takes a while
    need = needed_bytes(metadata, config, known, contexts.output_dir)
    if need <= free:
        return []
    message = (
        f"{contexts.output_dir} has room for {bytes_text(free)}, and the run needs about "
        f"{bytes_text(need)}"
    )
    if need * LEAST_SHARE > free:
        raise StoreError(
            f"{message}. Free some disk space, choose another output folder, or process fewer "
            "fields of view."
        )
    return [
        f"{message}: it may stop before the end. Run the same command again when there is "
        "more space."
    ]


def needed_bytes(
    metadata: MicroscopyMetadata,
    config: ProcessingConfig,
    recipes: Mapping[int, Recipes],
    output_dir: Path | None = None,
) -> int:
    """Estimate how much a run writes, in bytes; see `Step.bytes_per_pixel`.

    Args:
        metadata: Of the recording.
        config: Of the run.
        recipes: Recipes of the outputs, by field of view.
        output_dir: The output folder, to leave out what is finished there.
    """
    groups = len(crop_groups(config))
    total = 0.0
    for fov, outputs in recipes.items():
        pixels = metadata.n_frames * math.prod(metadata.shapes[fov])
        store = None if output_dir is None else FovStore(output_dir, fov)
        for name, recipe in outputs.items():
            if store is None or not _is_finished(store, name, recipe):
                is_crops = name.startswith(CELLS_MARK.partition("/")[0])
                share = groups if is_crops else 1
                total += share * BYTES_PER_PIXEL[recipe.step] * pixels
    return math.ceil(total)


def _is_finished(store: FovStore, name: str, recipe: Recipe) -> bool:
    mark = store.mark(name)
    return mark is not None and mark.recipe.digest == recipe.digest
