"""How much room a run needs on the disk, known before it starts."""

import math
import shutil
from collections.abc import Sequence
from pathlib import Path

from pyama.config import ProcessingConfig
from pyama.errors import StoreError
from pyama.metadata import MicroscopyMetadata
from pyama.processing.recipes import crop_groups, recipes
from pyama.store import CELLS_MARK, FovStore, Recipe

BYTES_PER_PIXEL = {
    "copying": 1.3,
    "segmentation": 0.1,
    "tracking": 0.1,
    "background": 0.6,
    "cropping": 0.5,
    "extraction": 0.0,
    "caching": 0.25,
}
"""What a pixel of a stack takes on the disk, compressed, for typical recordings; for cropping
and for the previews of crops, per group."""
SURELY = 1 / 4
"""Share of the typical need that any recording needs; clean images compress better."""


def check_space(
    metadata: MicroscopyMetadata,
    config: ProcessingConfig,
    output_dir: Path,
    fovs: Sequence[int],
    *,
    overwrite: bool = False,
) -> list[str]:
    """Compare the room a run needs with the room there is.

    Args:
        metadata: Of the recording.
        config: Of the run.
        output_dir: The output folder; it exists.
        fovs: 0-based indices.
        overwrite: Whether what is there is removed first.

    Returns:
        A sentence if the room is probably not enough, else nothing.

    Raises:
        StoreError: The room is surely not enough.
    """
    if overwrite:  # what is removed makes room
        return []
    free = shutil.disk_usage(output_dir).free
    if needed_bytes(metadata, config, output_dir, fovs, from_scratch=True) <= free:
        return []  # without a look at what is finished, which takes a while
    need = needed_bytes(metadata, config, output_dir, fovs)
    if need <= free:
        return []
    found = f"{output_dir} has room for {_told(free)}, and the run needs about {_told(need)}"
    if need * SURELY > free:
        raise StoreError(
            f"{found}. Free some room, choose another output folder, or process fewer fields "
            "of view."
        )
    return [f"{found}: it may stop half-way, and goes on when there is more room."]


def needed_bytes(
    metadata: MicroscopyMetadata,
    config: ProcessingConfig,
    output_dir: Path,
    fovs: Sequence[int],
    *,
    from_scratch: bool = False,
) -> int:
    """Estimate what a run would write, in bytes; see `BYTES_PER_PIXEL`."""
    groups = len(crop_groups(config))
    total = 0.0
    for fov in fovs:
        pixels = metadata.n_frames * math.prod(metadata.shapes[fov])
        store = FovStore(output_dir, fov)
        for name, recipe in recipes(metadata, config, fov).items():
            if from_scratch or not _is_finished(store, name, recipe):
                is_crops = name.startswith(CELLS_MARK.partition("/")[0])
                share = groups if is_crops else 1
                total += share * BYTES_PER_PIXEL[recipe.step] * pixels
    return math.ceil(total)


def _is_finished(store: FovStore, name: str, recipe: Recipe) -> bool:
    mark = store.mark(name)
    return mark is not None and mark.recipe.digest == recipe.digest


def _told(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
