"""Frames in which a person has marked cells, and the part of them that is held out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import skimage
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Frame, Labels
from pyama.errors import ConfigError
from pyama.sentences import count_text

FEWEST_CELLS = 20
"""In all frames together."""
NARROWEST = 8.0
"""Smallest width (px) of cells that the segmentation can be told."""
CRUMB = 0.05
"""Area of the smallest part, relative to that of the cells that fill most of the area."""
MARGIN = 0.5
"""Margin around the rectangle that holds all labels, in widths of a cell."""
HELD_OUT = 0.2
"""Share of the frames, at least one, that only judges the training."""
BACKGROUND = 0.4
"""Share of a frame above which an object that reaches all four edges is no cell."""


@dataclass(frozen=True, eq=False)
class AnnotatedFrame:
    """A frame and the cells that a person has marked in it.

    Attributes:
        name: File, and number of the frame if it has several.
        frame: Intensities in counts, shape (H, W).
        labels: Labels 1..N of connected cells, shape (H, W).
    """

    name: str
    frame: Frame
    labels: Labels

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.areas)

    @property
    def areas(self) -> NDArray[np.int64]:
        """Areas of the cells in px, shape (N,)."""
        areas = np.bincount(self.labels.ravel())[1:]
        return areas[areas > 0]


def annotated(
    name: str, frame: Frame, labels: NDArray[np.int64], labels_name: str
) -> AnnotatedFrame:
    """Combine a frame and its labels: every connected part with one number is a cell.

    A mask has parts only; a number that was used twice stands for two cells. Crumbs are
    removed. What is more than `MARGIN` outside the rectangle that holds all labels is cut off:
    a person may have marked the cells in a part of the frame.

    Args:
        name: Of the frame.
        frame: Intensities in counts, shape (H, W).
        labels: Labels with at least one cell.
        labels_name: Of the labels.

    Raises:
        ConfigError: The shapes differ, or the background is not 0.
    """
    if frame.shape != labels.shape:
        raise ConfigError(
            f"{labels_name} has {labels.shape[1]} x {labels.shape[0]} px, but {name} "
            f"{frame.shape[1]} x {frame.shape[0]}. Use labels that are neither cropped nor "
            "scaled."
        )
    parts = np.asarray(skimage.measure.label(labels))
    areas = np.bincount(parts.ravel())
    areas[0] = 0
    _check_background(parts, areas, labels_name)
    ordered = np.sort(areas)
    usual = ordered[np.searchsorted(ordered.cumsum(), areas.sum() / 2)]
    kept = areas > CRUMB * usual
    numbers = np.where(kept, kept.cumsum(), 0).astype(np.uint16)
    inside = _rectangle(numbers[parts] > 0, MARGIN * 2 * math.sqrt(usual / math.pi))
    return AnnotatedFrame(name, frame[inside], numbers[parts][inside])


def _check_background(
    parts: NDArray[np.int64], areas: NDArray[np.int64], labels_name: str
) -> None:
    edges = [set(np.unique(e)) for e in (parts[0], parts[-1], parts[:, 0], parts[:, -1])]
    around = set.intersection(*edges) - {0}
    if len(areas) > 5 and any(areas[number] > BACKGROUND * parts.size for number in around):
        raise ConfigError(
            f"In {labels_name} one object covers most of the frame and reaches all its edges; "
            "expected cells with numbers from 1, and 0 for the background."
        )


def _rectangle(inside: NDArray[np.bool_], margin: float) -> tuple[slice, slice]:
    rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
    top, left = (max(0, math.floor(places[0] - margin)) for places in (rows, columns))
    bottom, right = (math.ceil(places[-1] + 1 + margin) for places in (rows, columns))
    return slice(top, bottom), slice(left, right)


def median_diameter(frames: Sequence[AnnotatedFrame]) -> float:
    """Return the median width 2 sqrt(area / pi) of all cells in px.

    Raises:
        ConfigError: There are too few cells, or they are too narrow.
    """
    areas = np.concatenate([one.areas for one in frames])
    if len(areas) < FEWEST_CELLS:
        raise ConfigError(
            f"Only {count_text(len(areas), 'cell')} labelled in "
            f"{count_text(len(frames), 'frame')}; expected at least {FEWEST_CELLS}, better "
            "100 in five frames that look different. Label more cells."
        )
    width = 2 * math.sqrt(float(np.median(areas)) / math.pi)
    if width < NARROWEST:
        raise ConfigError(
            f"The labelled cells are {width:.1f} px wide (median); expected at least "
            f"{NARROWEST:g} px. Use images with more magnification."
        )
    return width


def split(
    frames: Sequence[AnnotatedFrame],
) -> tuple[list[AnnotatedFrame], list[AnnotatedFrame]]:
    """Return the frames to train on, and the last ones, which are held out.

    A single frame is cut into halves along its shorter side.
    """
    if len(frames) == 1:
        one = frames[0]
        axis = int(np.argmax(one.labels.shape))
        middle = _middle(one.labels, axis)
        parts = slice(middle), slice(middle, None)
        inside = [(part, slice(None))[:: 1 if axis == 0 else -1] for part in parts]
        first, second = (
            AnnotatedFrame(f"{word} half of {one.name}", one.frame[part], one.labels[part])
            for word, part in zip(("first", "second"), inside, strict=True)
        )
        return [first], [second]
    n = max(1, round(HELD_OUT * len(frames)))
    return list(frames[:-n]), list(frames[-n:])


def _middle(labels: Labels, axis: int) -> int:
    """Return where half of the labelled area lies on either side."""
    lines = np.count_nonzero(labels, axis=1 - axis).cumsum()
    return int(np.searchsorted(lines, lines[-1] / 2)) + 1
