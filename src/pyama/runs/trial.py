"""A trial of parameters: the cells of one frame, before a run."""

from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.contracts import ImageIndex
from pyama.config import ProcessingConfig
from pyama.derived_sizes import with_derived
from pyama.errors import ConfigError, NotReadyError
from pyama.file_cache import cached_while_unchanged
from pyama.metadata import Box, MicroscopyMetadata
from pyama.processing.methods import PREPROCESSORS, SEGMENTERS, preprocessors
from pyama.processing.steps.segmentation import segment_frames
from pyama.readers import PROPOSED, open_reader
from pyama.store import NotRecorded, Stack

CACHED_FRAMES = 2
"""Frames that are kept for trials of other parameters."""


def find_cells_in(path: Path, config: ProcessingConfig, place: ImageIndex) -> NDArray[Any]:
    """Find the cells of one frame of a recording, see `find_cells`.

    Raises:
        ConfigError: No phase contrast channel is chosen.
        NotReadyError: There is no such frame.
    """
    pc = config.channels.pc
    if pc is None:
        raise ConfigError("Cells are found in phase contrast: choose that channel.")
    opening = {**config.params.opening, "axes": config.params.axes or PROPOSED}
    if not config.params.z_is_time:
        opening["z"] = config.params.z_of(pc.channel)
    options = tuple(opening.items())
    frame, boxes, metadata = _frame(path, place.fov, place.frame, pc.channel, options)
    return find_cells(frame, with_derived(config, metadata), place, boxes)


@cached_while_unchanged(CACHED_FRAMES)
def _frame(
    path: Path, fov: int, frame: int, channel: int, opening: tuple[tuple[str, Any], ...]
) -> tuple[NDArray[np.uint16], tuple[Box, ...], MicroscopyMetadata]:
    """Return a frame, the rectangles of it that were not recorded, and the recording."""
    with open_reader(path, **dict(opening)) as reader:
        sizes = reader.metadata
        if fov >= sizes.n_fovs or frame >= sizes.n_frames or channel >= sizes.n_channels:
            raise NotReadyError("The recording has no such FOV, frame or channel.")
        lost = NotRecorded.known_to(sizes, fov, channel)
        return reader.read(fov, frame, [channel])[0], lost.boxes.get(frame, ()), sizes


def find_cells(
    frame: NDArray[np.uint16],
    config: ProcessingConfig,
    place: ImageIndex,
    boxes: tuple[Box, ...] = (),
) -> NDArray[Any]:
    """Find the cells of one frame as a run would, without registration.

    Args:
        frame: Phase contrast in counts, shape (H, W).
        config: Of the run.
        place: Where the frame comes from, for methods that depend on it.
        boxes: Rectangles of the frame that were not recorded.

    Returns:
        Labels, shape (H, W): 0 is background.
    """
    params = config.params
    name = params.segmentation_method
    method = name, SEGMENTERS[name]
    before = preprocessors(params) if params.preprocessors or PREPROCESSORS else []
    stack = cast("Stack", [frame])  # it is only iterated
    lost = NotRecorded(boxes={0: boxes} if boxes else {})
    trial = segment_frames(stack, lost, method, before, params, {}, [place])
    labels: NDArray[Any] = next(trial)
    return labels
