"""nearest: link each cell to the nearest centre in the previous frame."""

from typing import Annotated

import numpy as np
from pydantic import Field
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from pyama.algorithms.kernels.labels import regions
from pyama.algorithms.params import Params
from pyama.processing.methods import TRACKERS
from pyama.registry import parameters


class NearestParams(Params):
    """Parameters and their bounds, set with `--set nearest.reach=50`."""

    reach: Annotated[float, Field(gt=0)] = 30.0
    """Largest distance that a cell moves from frame to frame, in pixels."""


@TRACKERS.register("nearest")
@parameters(NearestParams)
def nearest(frames, params):
    """Yield the labels of every frame, with one number per cell in all frames.

    Args:
        frames: Labels of successive frames, each (H, W); each frame has its own numbers.
        params: See `NearestParams`.
    """
    centres, previous, newest = np.empty((0, 2)), np.empty(0, int), 0
    for labels in frames:
        cells = regions(labels)
        here = (cells.boxes[:, :2] + cells.boxes[:, 2:]) / 2
        distances = cdist(here, centres)
        numbers = np.zeros(len(here), int)
        for cell, old in zip(*linear_sum_assignment(distances), strict=True):
            if distances[cell, old] <= params.reach:
                numbers[cell] = previous[old]
        new = numbers == 0
        numbers[new] = newest + 1 + np.arange(new.sum())
        newest += int(new.sum())
        lookup = np.zeros(int(labels.max(initial=0)) + 1, np.uint32)
        lookup[cells.ids] = numbers
        yield lookup[labels]
        centres, previous = here, numbers
