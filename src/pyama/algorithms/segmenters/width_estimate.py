"""The width of a typical cell, estimated from frames of phase contrast.

The segmentation network sees cells in one size, so it is tried on frames that were resized for
several widths. Where cells have about the assumed width, or are narrower, it finds them in
their own width; where the assumption is too small, it finds parts of them that grow with it.
The width of a cell is therefore where, with growing assumption, the found objects are no
longer wider than assumed. Texture, dirt and clumps can give such places, too: there the
network is less certain, or finds few objects.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Frame
from pyama.algorithms.segmenters.network_input import WIDTH, network_input
from pyama.algorithms.segmenters.network_tiles import run_in_tiles
from pyama.algorithms.segmenters.unet import (
    Network,
    cell_maps,
    find_cells_in_maps,
    found_and_faint,
)

SMALLEST = 4 * 2**0.5
"""Smallest width (px) that is tried; the next ones are `STEP` times as large."""
STEP = 2**0.5
LARGEST_SHARE = 0.5
"""Largest width that is tried, relative to the shorter side of the frame."""
CELLS_ACROSS, LEAST_SIDE = 16, 96
"""Side of the square that is looked at, in assumed widths, and at least in px."""
BLOCK = 32
"""Side of the blocks (px) whose variation tells where the cells are."""
FEWEST = 3
"""Smallest number of whole objects that say something about the width."""
FEW_COST, SPREAD_COST = 0.3, 0.25
"""By how much the score of a width is lower if it is that of one object only (the cost falls
with the square root of the number), and if two assumed widths find objects of widths that
differ by a factor of two."""
SIZE_GAIN = 0.03
"""By how much the score is higher at twice the width: texture inside cells is found, too."""
AGREEMENT = 0.9
"""Found objects are as wide as assumed while their median is above this share of it."""
MARGIN = 5
"""Distance (px of the network) from objects at which the rest of the image begins."""
OUTLINES = 1.04
"""Width of annotated cells relative to the outlines of the network, on recorded images."""
LEAST_RATIO = 0.55
"""Smallest ratio of found and assumed width at the smallest width that is tried, for which the
found one is used: the network finds cells that are so much smaller than it assumes."""


@dataclass(frozen=True, eq=False)
class WidthTrial:
    """What the network finds where it assumes a width.

    Attributes:
        assumed: The width in px.
        widths: Of the objects that are whole, in px: 2 sqrt(area / pi), shape (N,).
        probabilities: Mean probability that the pixels of each are in a cell, shape (N,).
        faint: Area outside of all objects that looks a little like cells, relative to that of
            the objects; one number per frame.
        contrasts: Standard deviation in objects, relative to that far from them; one number
            per frame in which both are seen.
    """

    assumed: float
    widths: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    faint: tuple[float, ...] = ()
    contrasts: tuple[float, ...] = ()

    @property
    def ratio(self) -> float:
        """Median width relative to the assumed one; 0 for fewer than `FEWEST` objects."""
        is_known = self.widths.size >= FEWEST
        return float(np.median(self.widths)) / self.assumed if is_known else 0.0

    def joined(self, other: "WidthTrial") -> "WidthTrial":
        """Return this trial with the objects of another one of the same width."""
        widths, known = (self.widths, other.widths), (self.probabilities, other.probabilities)
        return WidthTrial(
            self.assumed,
            np.concatenate(widths),
            np.concatenate(known),
            self.faint + other.faint,
            self.contrasts + other.contrasts,
        )


@dataclass(frozen=True)
class WidthEstimate:
    """The width of a typical cell.

    Attributes:
        width: In px.
        n_cells: Number of whole objects from which it is known.
        probability: Mean probability that their pixels are in a cell.
        spread: Ratio of the largest to the smallest median width that is found where the
            assumed width is up to 1.4 times too small or too large; 1 if all agree.
        faint: Median of `WidthTrial.faint`; much, where images are of an unknown kind.
        contrast: Median of `WidthTrial.contrasts`, infinite if there are none; 1 in texture
            without cells.
    """

    width: float
    n_cells: int
    probability: float
    spread: float
    faint: float
    contrast: float

    @property
    def score(self) -> float:
        """How well the cells are seen, to compare widths."""
        few, unlike = FEW_COST / self.n_cells**0.5, SPREAD_COST * math.log2(self.spread)
        return self.probability - few - unlike + SIZE_GAIN * math.log2(self.width)


def estimate_width(
    frames: Sequence[Frame],
    network: Network,
    check: Callable[[], None] = lambda: None,
    least: float = SMALLEST,
) -> WidthEstimate | None:
    """Estimate the width of a typical cell.

    All widths are tried on one frame, those around the best one also on the others.

    Args:
        frames: Phase contrast in counts, each (H, W), uint16.
        network: See `pyama.algorithms.segmenters.unet.Network`.
        check: Called before every trial; may raise an exception to stop.
        least: Smallest width in px that is tried.

    Returns:
        The estimate; None if there is no width that fits what is found at it.
    """
    for i, frame in enumerate(frames):
        trials = []
        for width in (w for w in widths_to_try(frame.shape) if w >= least):
            check()
            trials.append(try_width(frame, width, network))
        if best_estimate(trials) is not None:
            others = [*frames[:i], *frames[i + 1 :]]
            return best_estimate(_with_others(trials, others, network, check))
    return None


def _with_others(
    trials: list[WidthTrial],
    frames: Sequence[Frame],
    network: Network,
    check: Callable[[], None],
) -> list[WidthTrial]:
    """Return the trials around the best width, with the objects of other frames."""
    best = best_estimate(trials)
    if best is None or not frames:
        return trials
    near = [t for t in trials if 1 / STEP**2 < t.assumed / best.width < STEP**2]
    joined = []
    for trial in near:
        for frame in frames:
            check()
            trial = trial.joined(try_width(frame, trial.assumed, network))
        joined.append(trial)
    return joined


def widths_to_try(shape: tuple[int, ...]) -> Iterator[float]:
    """Yield the widths in px that are tried on a frame of shape (H, W), ascending."""
    width = SMALLEST
    while width <= max(LARGEST_SHARE * min(shape), SMALLEST):
        yield width
        width *= STEP


def try_width(frame: Frame, width: float, network: Network) -> WidthTrial:
    """Find the cells in a part of a frame where they are assumed to be `width` px wide."""
    square = busiest_square(frame, max(LEAST_SIDE, round(CELLS_ACROSS * width)))
    part = frame[square]
    if part.size == 0 or part.min() == part.max():
        return WidthTrial(width, np.zeros(0), np.zeros(0))
    image = network_input(part, width)
    inside, distance = run_in_tiles(image, lambda tile: cell_maps(network(tile)))
    labels = find_cells_in_maps(inside, distance)
    edges = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    whole = np.setdiff1d(np.arange(1, labels.max() + 1), edges)
    areas = np.bincount(labels.ravel(), minlength=1)[whole]
    widths = 2 * np.sqrt(areas / np.pi) * width / WIDTH
    sums = np.bincount(labels.ravel(), weights=inside.ravel(), minlength=1)[whole]
    return WidthTrial(
        *(width, widths, sums / np.maximum(areas, 1)),
        faint=_faint_area(inside, labels),
        contrasts=_contrast(image, labels),
    )


def _faint_area(inside: NDArray[np.float32], labels: NDArray[np.int32]) -> tuple[float, ...]:
    found, faint = found_and_faint(inside, labels)
    return (faint / found,) if found else ()


def _contrast(image: NDArray[np.float32], labels: NDArray[np.int32]) -> tuple[float, ...]:
    """Compare objects without their edges with what is not near any of them."""
    objects = labels > 0
    core = image[scipy.ndimage.binary_erosion(objects, iterations=MARGIN // 2)]
    far = image[~scipy.ndimage.binary_dilation(objects, iterations=MARGIN)]
    if min(core.size, far.size) < WIDTH or far.std() == 0:
        return ()
    return (float(core.std() / far.std()),)


def best_estimate(trials: Sequence[WidthTrial]) -> WidthEstimate | None:
    """Return the best width at which objects are as wide as assumed; None without one.

    Args:
        trials: By ascending width.
    """
    found = [_between(trials, i) for i in _crossings(trials)]
    if trials and LEAST_RATIO <= trials[0].ratio < AGREEMENT:
        found.append(_between(trials, 0))
    return max(found, key=lambda estimate: estimate.score, default=None)


def _crossings(trials: Sequence[WidthTrial]) -> Iterator[int]:
    """Yield the trials at which objects are wider than assumed, and at the next one not."""
    for i, (one, other) in enumerate(pairwise(trials)):
        if one.ratio >= AGREEMENT > other.ratio > 0:
            yield i


def _between(trials: Sequence[WidthTrial], i: int) -> WidthEstimate:
    """Return the estimate from trial `i` and its neighbours."""
    low = trials[i]
    high = trials[i + 1] if i + 1 < len(trials) else low
    share = 0.0
    if low.ratio > AGREEMENT:
        share = math.log(low.ratio / AGREEMENT) / math.log(low.ratio / high.ratio)
    medians = [trial.ratio * trial.assumed for trial in (low, high) if trial.ratio]
    nearest = low if share < 0.5 else high
    return WidthEstimate(
        OUTLINES * medians[0] ** (1 - share) * medians[-1] ** share,
        nearest.widths.size,
        float(nearest.probabilities.mean()),
        max(medians) / min(medians),
        float(np.median(nearest.faint or 0.0)),
        float(np.median(nearest.contrasts or np.inf)),
    )


def busiest_square(frame: Frame, side: int) -> tuple[slice, slice]:
    """Return where in a frame the intensity varies most within a square, as slices.

    Args:
        frame: Intensities, shape (H, W).
        side: Of the square in px; where the frame is smaller, all of it.
    """
    height, width = (min(side, n) for n in frame.shape)
    rows, columns = (max(1, n // BLOCK) for n in frame.shape)
    blocks = [
        [part.std() for part in np.array_split(band, columns, axis=1)]
        for band in np.array_split(frame, rows, axis=0)
    ]
    size = max(1, height * rows // frame.shape[0]), max(1, width * columns // frame.shape[1])
    mean = scipy.ndimage.uniform_filter(np.log1p(blocks), size, mode="nearest")
    y, x = np.unravel_index(int(mean.argmax()), mean.shape)
    top = _begin((int(y) + 0.5) * frame.shape[0] / rows, height, frame.shape[0])
    left = _begin((int(x) + 0.5) * frame.shape[1] / columns, width, frame.shape[1])
    return slice(top, top + height), slice(left, left + width)


def _begin(centre: float, side: int, whole: int) -> int:
    return min(max(round(centre - side / 2), 0), whole - side)
