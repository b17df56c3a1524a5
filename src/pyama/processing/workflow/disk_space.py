"""The disk space and the number of files that a run needs, estimated before it starts."""

import math
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyama.config import ProcessingConfig
from pyama.errors import StoreError
from pyama.metadata import MicroscopyMetadata
from pyama.processing.fov import crop_groups
from pyama.processing.recipes import FovContexts, Recipes
from pyama.processing.steps import STEPS
from pyama.store import (
    CELL_PREVIEWS_MARK,
    CELLS_MARK,
    FovStore,
    Recipe,
    crop_files,
    stack_files,
)
from pyama.units import bytes_text

BYTES_PER_PIXEL = {step.name: step.bytes_per_pixel for step in STEPS}
LEAST_SHARE = 1 / 4
"""Share of the typical size that every recording takes; clean images compress better."""
PIXELS_PER_TRACK = 5000
"""Pixels of a frame per track of a typical recording: 876 tracks at 2048 px."""
FILES_PER_OUTPUT = 6
"""Files and folders of an output besides those of frames and cells: documents, marks."""


@dataclass(frozen=True)
class Space:
    """Room on a disk, needed or free.

    Attributes:
        size: In bytes.
        files: Number of files and folders; for free room, None if the file system does not
            limit it, or the platform does not tell.
        cells: Those of `files` that are for the crops of a typical number of cells.
    """

    size: int
    files: int | None
    cells: int = 0


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
    free = free_space(contexts.output_dir)
    known = contexts.compute_recipes(fovs)
    metadata, config = contexts.metadata, contexts.config
    if _fits(needed_space(metadata, config, known), free):
        return []  # without looking for finished outputs, which takes a while
    need = needed_space(metadata, config, known, contexts.output_dir)
    folder = contexts.output_dir
    return [*_size_messages(folder, need, free), *_file_messages(folder, need, free)]


def _fits(need: Space, free: Space) -> bool:
    return need.size <= free.size and (free.files is None or (need.files or 0) <= free.files)


def _size_messages(folder: Path, need: Space, free: Space) -> list[str]:
    if need.size <= free.size:
        return []
    message = (
        f"{folder} has room for {bytes_text(free.size)}, and the run needs about "
        f"{bytes_text(need.size)}"
    )
    if need.size * LEAST_SHARE > free.size:
        raise StoreError(
            f"{message}. Free some disk space, choose another output folder, or process fewer "
            "fields of view."
        )
    return [
        f"{message}: it may stop before the end. Run the same command again when there is "
        "more space."
    ]


def _file_messages(folder: Path, need: Space, free: Space) -> list[str]:
    files = need.files or 0
    if free.files is None or files <= free.files:
        return []
    message = (
        f"{folder} has room for {free.files} more files and folders, and the run needs about "
        f"{files}"
    )
    if files - need.cells > free.files:
        raise StoreError(
            f"{message}. Remove files that are not needed, choose another output folder, or "
            "process fewer fields of view."
        )
    return [
        f"{message}: it may stop before the end. Run the same command again when there is "
        "more space."
    ]


def free_space(folder: Path) -> Space:
    """Return what is free on the disk of a folder, which need not exist."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    files = None
    if hasattr(os, "statvfs"):
        status = os.statvfs(folder)
        files = status.f_favail if status.f_files else None  # 0: there is no limit
    return Space(shutil.disk_usage(folder).free, files)


def needed_space(
    metadata: MicroscopyMetadata,
    config: ProcessingConfig,
    recipes: Mapping[int, Recipes],
    output_dir: Path | None = None,
) -> Space:
    """Estimate how much a run writes; see `Step.bytes_per_pixel`.

    Args:
        metadata: Of the recording.
        config: Of the run.
        recipes: Recipes of the outputs, by field of view.
        output_dir: The output folder, to leave out what is finished there.
    """
    groups = len(crop_groups(config))
    size, files, cells = 0.0, 0, 0
    for fov, outputs in recipes.items():
        frame_pixels = math.prod(metadata.shapes[fov])
        store = None if output_dir is None else FovStore(output_dir, fov)
        for name, recipe in outputs.items():
            if store is not None and _is_finished(store, name, recipe):
                continue
            share = groups if name in {CELLS_MARK, CELL_PREVIEWS_MARK} else 1
            size += share * BYTES_PER_PIXEL[recipe.step] * metadata.n_frames * frame_pixels
            tracks = math.ceil(frame_pixels / PIXELS_PER_TRACK)
            cells += crop_files(name, tracks * groups, config.params.cells)
            files += FILES_PER_OUTPUT + stack_files(name, metadata.n_frames)
    return Space(math.ceil(size), files + cells, cells)


def _is_finished(store: FovStore, name: str, recipe: Recipe) -> bool:
    mark = store.mark(name)
    return mark is not None and mark.recipe.digest == recipe.digest
