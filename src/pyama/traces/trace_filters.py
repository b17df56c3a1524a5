"""Which cells have a trace, why others do not, and what every filter took."""

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.filters import (
    edge_distances,
    limits_that_keep,
    margin_leaves_no_room,
    near_border,
    near_gaps,
    too_short,
    trace_lengths,
)
from pyama.algorithms.gaps import REACH
from pyama.config import ProcessingParams
from pyama.store import CellList, NotRecorded

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Verdicts:
    """Which cells of a field of view have a trace; all arrays have the shape (N,).

    Attributes:
        short: Whether a cell is in too few frames.
        border: Whether it comes too close to the edge.
        lengths: Number of frames in which it is present.
        distances: How close it comes to the edge, in px; 0 beside pixels that were not
            recorded.
    """

    short: NDArray[np.bool_]
    border: NDArray[np.bool_]
    lengths: NDArray[np.int64]
    distances: NDArray[np.int64]

    def each(self) -> Iterator[str]:
        """Yield the values of `layout.LEFT_OUT_COLUMNS` as text; empty if a cell is kept."""
        columns = (self.short, self.border, self.lengths, self.distances)
        for short, border, length, distance in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            names = ["min_frames"] * short + ["border_margin"] * border
            yield f"{' and '.join(names)},{length},{distance}" if names else ""

    def counts(self, areas: NDArray[np.int64]) -> dict[str, Any]:
        """Count cells, rows, and what every filter left, for the mark of the traces.

        Args:
            areas: Pixels of the cells in all of their frames, shape (N,).
        """
        every = np.ones_like(self.short)
        kept = ~(self.short | self.border)
        left = {"tracking": every, "min_frames": ~self.short, "border_margin": kept}
        return {
            "cells": len(every),
            "traces": int(kept.sum()),
            "rows": int(self.lengths[kept].sum()),
            "left": {
                name: {
                    "area": int(areas[cells].sum()),
                    "objects": int(self.lengths[cells].sum()),
                    "cells": int(cells.sum()),
                }
                for name, cells in left.items()
            },
        }


def _empty_between(valid: NDArray[np.bool_], lost: Collection[int]) -> int:
    """Count recorded frames without any cell between others, in which no cell can be."""
    occupied = np.flatnonzero(valid.any(axis=0)).tolist()
    if not occupied:
        return 0
    between = set(range(occupied[0], occupied[-1])) - set(occupied) - set(lost)
    return len(between)


def filter_cells(
    cell_list: CellList,
    fov: int,
    shape: tuple[int, int],
    lost: NotRecorded,
    params: ProcessingParams,
    notes: dict[str, Any],
) -> Verdicts:
    """Apply the filters of the traces.

    Args:
        cell_list: The cells.
        fov: 0-based index of the field of view.
        shape: (H, W) of a frame in px.
        lost: What was not recorded of the phase contrast.
        params: `min_frames` and `border_margin`.
        notes: Gets the cells that each filter removed, the limits that were used, the
            limits that would keep cells where these keep none, and warnings.
    """
    requested, margin = params.min_frames, params.border_margin
    valid_frames = cell_list.valid_frames.shape[1] - len(lost.frames)
    without_cells = _empty_between(cell_list.valid_frames, lost.frames)
    min_frames = min(requested, valid_frames - without_cells)
    warnings = []
    if 0 < min_frames < requested:
        counted = "1 frame is" if valid_frames == 1 else f"{valid_frames} frames are"
        empty = f", {without_cells} of them without any cell" if without_cells else ""
        warnings.append(
            f"min_frames is {requested}, but only {counted} valid{empty}: "
            f"{min_frames} is used."
        )
    if margin_leaves_no_room(shape, margin):
        warnings.append(
            f"border_margin is {margin} px, which leaves no area in frames of "
            f"{shape[1]} x {shape[0]} px: every cell is removed."
        )
    for warning in warnings:
        logger.warning("FOV %d: %s", fov, warning)
    boxes, valid = cell_list.bboxes, cell_list.valid_frames
    at_gaps = near_gaps(boxes, valid, lost.boxes, REACH if margin else 0)
    verdicts = Verdicts(
        too_short(valid, min_frames),
        near_border(boxes, valid, shape, margin) | at_gaps,
        trace_lengths(valid),
        np.where(at_gaps, 0, edge_distances(boxes, valid, shape)),
    )
    removed = {
        "min_frames": cell_list.ids[verdicts.short].tolist(),
        "border_margin": cell_list.ids[verdicts.border].tolist(),
    }
    limits = {"min_frames": min_frames, "border_margin": margin}
    notes |= {"removed": removed, "limits": limits, "warnings": warnings}
    helps = limits_that_keep(verdicts.lengths, verdicts.distances, min_frames, margin)
    if helps:
        notes["helps"] = helps
    return verdicts
