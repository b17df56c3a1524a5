"""A trial of parameters: the cells of one frame, before a run."""

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.contracts import ImageIndex
from pyama.config import ProcessingConfig
from pyama.metadata import Box
from pyama.processing.methods import PREPROCESSORS, SEGMENTERS, preprocessors
from pyama.processing.steps.segmentation import segment_frames
from pyama.store import NotRecorded, Stack


def find_cells(
    frame: NDArray[np.uint16],
    config: ProcessingConfig,
    fov: int,
    boxes: tuple[Box, ...] = (),
) -> NDArray[Any]:
    """Find the cells of one frame as a run would, without registration.

    Args:
        frame: Phase contrast in counts, shape (H, W).
        config: Of the run.
        fov: 0-based index of the field of view, for methods that depend on it.
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
    trial = segment_frames(stack, lost, method, before, params, {}, [ImageIndex(fov, 0)])
    labels: NDArray[Any] = next(trial)
    return labels
