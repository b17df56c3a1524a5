"""nearest: a cell is the one whose centre was nearest in the frame before."""

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
    """What the user can set, with bounds; written as --set nearest.reach=50."""

    reach: Annotated[float, Field(gt=0)] = 30.0
    """How far a cell moves from frame to frame at most, in pixels."""


@TRACKERS.register("nearest")
@parameters(NearestParams)
def nearest(frames, params):
    """Yield the labels of all frames, one number per cell through time.

    Args:
        frames: Labels of successive frames, each (H, W), numbered frame by frame.
        params: See `NearestParams`.
    """
    centres, ids, newest = np.empty((0, 2)), np.empty(0, int), 0
    for labels in frames:
        found = regions(labels)
        here = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
        distances = cdist(here, centres)
        now = np.zeros(len(here), int)
        for cell, old in zip(*linear_sum_assignment(distances), strict=True):
            if distances[cell, old] <= params.reach:
                now[cell] = ids[old]
        new = now == 0
        now[new] = newest + 1 + np.arange(new.sum())
        newest += int(new.sum())
        lookup = np.zeros(int(labels.max(initial=0)) + 1, np.uint32)
        lookup[found.ids] = now
        yield lookup[labels]
        centres, ids = here, now
