"""What is measured in a cell: built-in features, custom ones, and the loop over frames.

A feature is a function `f(image, mask, context)` of one cell in one frame that gives one
number:

* image: counts in the cell's tight box, shape (H, W), float64, not background-corrected; with
  a flat field or dark frame, it and the background are corrected with it
* mask: True inside the cell, same shape; at least one pixel is
* context: everything else, see `FeatureContext`

All three are read-only. The number must be finite or NaN; NaN means "not defined here" and
becomes an empty field. True and False count as 1 and 0. `PHASE_FEATURES["name"] = f` or
`FLUORESCENCE_FEATURES["name"] = f` makes a function available by name.

Most built-in features are formulas that `measure_stack` applies to all frames of a cell at
once (see `measures`). The function of the same name applies the formula to one frame, so both
ways give the same bits. All others are called frame by frame.
"""

import math
import reprlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.crops import SCALE, box_shapes
from pyama.algorithms.features import formulas, texture
from pyama.algorithms.features.formulas import CellStack, Floats
from pyama.algorithms.kernels.array_types import Boxes, Mask, check_same_shape
from pyama.algorithms.params import ExtractionParams, own_params
from pyama.errors import ArrayError, PluginError
from pyama.registry import Registry


@dataclass(frozen=True)
class FeatureContext:
    """What a feature may know besides the pixels.

    Attributes:
        fov: 0-based index of the field of view.
        cell: The cell's number, from 1.
        frame: 0-based index of the frame.
        channel: 0-based index of the channel.
        bbox: Half-open box (y0, x0, y1, x1) of the cell in the frame.
        pixel_size_um: Side of a pixel in micrometres; None where it is not known.
        time_min: Minutes since the first frame of the recording.
        background: Estimated background in counts, shape of the image; zeros where there is
            none.
        background_weight: How much of the background is to be subtracted, 0 to 1.
        rng: Random numbers that depend on nothing but the seed of the run, field of view,
            cell, channel, frame and name of the feature: neither on the order in which cells
            are measured nor on what else is measured.
        params: Parameters of the run, or the feature's own, see `pyama.registry.parameters`.
        frame_shape: (H, W) of the frame in px; None where it is not known.
        others: Boxes of all other cells in the frame, shape (N, 4); None where they are not
            known.
    """

    fov: int
    cell: int
    frame: int
    channel: int
    bbox: tuple[int, int, int, int]
    pixel_size_um: float | None
    time_min: float
    background: Floats
    background_weight: float
    rng: np.random.Generator
    params: Any
    frame_shape: tuple[int, int] | None = None
    others: Boxes | None = None


Feature: TypeAlias = Callable[[Floats, Mask, FeatureContext], Any]
Formula: TypeAlias = Callable[[CellStack], Floats]

_ARGUMENTS = ("image", "mask", "context")
PHASE_FEATURES: Registry[Feature] = Registry("feature", _ARGUMENTS)
"""Features of the phase contrast channel by name."""
FLUORESCENCE_FEATURES: Registry[Feature] = Registry("feature", _ARGUMENTS)
"""Features of fluorescence channels by name."""


@dataclass(frozen=True)
class CellTrack:
    """One cell through time, in one channel.

    Attributes:
        fov: 0-based index of the field of view.
        cell: The cell's number, from 1.
        channel: 0-based index of the channel.
        boxes: Tight boxes, shape (T, 4).
        valid: Which frames are measured, shape (T,); in all others every feature is NaN.
            False where the cell is absent or the channel was not recorded.
        times_min: Minutes of every frame, length T.
        pixel_size_um: Side of a pixel in micrometres; None where it is not known.
        seed: Seed of the run.
        params: Parameters of the run.
        frame_shape: (H, W) of a frame in px, if known.
        others: Gives the boxes of all other cells in a frame, shape (N, 4).
    """

    fov: int
    cell: int
    channel: int
    boxes: Boxes
    valid: NDArray[np.bool_]
    times_min: Sequence[float]
    pixel_size_um: float | None
    seed: int
    params: ExtractionParams
    frame_shape: tuple[int, int] | None = None
    others: Callable[[int], Boxes] | None = None


_FORMULAS: dict[int, Formula] = {}
"""Formulas by the identity of the function that stands for them."""


def _built_in(registry: Registry[Feature], formula: Formula) -> Feature:
    """Register the feature that applies a formula to a single frame."""

    def feature(image: Floats, mask: Mask, context: FeatureContext) -> float:
        return float(formula(_one_frame(image, mask, context))[0])

    feature.__name__ = feature.__qualname__ = formula.__name__
    feature.__doc__ = formula.__doc__
    _FORMULAS[id(feature)] = formula
    registry[formula.__name__] = feature
    return feature


def perimeter(image: Floats, mask: Mask, context: FeatureContext) -> float:
    """Length of the outline through the centres of the border pixels, in px.

    As in scikit-image (neighbourhood 4), after Benkrid and Crookes (2000), "Design and FPGA
    implementation of a perimeter estimator".
    """
    from skimage.measure import perimeter as length

    return float(length(mask, neighborhood=4))


def solidity(image: Floats, mask: Mask, context: FeatureContext) -> float:
    """Area of the cell by area of its convex hull, at most 1, as in scikit-image."""
    from skimage.morphology import convex_hull_image

    return float(np.count_nonzero(mask) / np.count_nonzero(convex_hull_image(mask)))


area = _built_in(PHASE_FEATURES, formulas.area)
aspect_ratio = _built_in(PHASE_FEATURES, formulas.aspect_ratio)
centroid_x = _built_in(PHASE_FEATURES, formulas.centroid_x)
centroid_y = _built_in(PHASE_FEATURES, formulas.centroid_y)
area_um2 = _built_in(PHASE_FEATURES, formulas.area_um2)
eccentricity = _built_in(PHASE_FEATURES, formulas.eccentricity)
PHASE_FEATURES["perimeter"] = perimeter
PHASE_FEATURES["solidity"] = solidity
PHASE_FEATURES["border_contact"] = texture.border_contact
PHASE_FEATURES["neighbours"] = texture.neighbours
intensity_total = _built_in(FLUORESCENCE_FEATURES, formulas.intensity_total)
intensity_mean = _built_in(FLUORESCENCE_FEATURES, formulas.intensity_mean)
intensity_max = _built_in(FLUORESCENCE_FEATURES, formulas.intensity_max)
intensity_std = _built_in(FLUORESCENCE_FEATURES, formulas.intensity_std)

_OF_THE_MASK = frozenset(id(feature) for feature in PHASE_FEATURES.values())
PHASE_FEATURES["texture"] = FLUORESCENCE_FEATURES["texture"] = texture.texture
FLUORESCENCE_FEATURES["particle_num"] = texture.particle_num
FLUORESCENCE_FEATURES["granularity"] = texture.granularity
FLUORESCENCE_FEATURES["intensity_core"] = texture.intensity_core
FLUORESCENCE_FEATURES["intensity_middle"] = texture.intensity_middle
FLUORESCENCE_FEATURES["intensity_rim"] = texture.intensity_rim


def needs_image(names: Iterable[str], registry: Mapping[str, Feature]) -> bool:
    """Return whether `measure_stack` looks at intensities for these features.

    Raises:
        ConfigError: A name is not in the registry.
    """
    return any(id(registry[name]) not in _OF_THE_MASK for name in names)


def measure_stack(
    names: Sequence[str],
    registry: Mapping[str, Feature],
    image: NDArray[np.floating] | None,
    mask: NDArray[np.uint8],
    background: NDArray[np.floating] | None,
    track: CellTrack,
) -> dict[str, Floats]:
    """Measure one cell in all of its frames.

    Frame t of a stack holds the cell's box at its top left corner and zeros elsewhere.

    Args:
        names: Features to measure.
        registry: Where their functions are.
        image: Counts by `crops.SCALE`, shape (T, H, W), corrected for uneven light if they are
            to be; None if `needs_image` says no.
        mask: 1 inside the cell, 0 outside, shape (T, H, W); not empty in valid frames.
        background: Background in the same way, shape (T, H, W); None is no background.
        track: Whose frames these are.

    Returns:
        One number per frame for every name, shape (T,); NaN in frames that are not valid.

    Raises:
        ArrayError: The arrays do not fit together.
        ConfigError: A name is not in the registry.
        PluginError: A function failed or gave something else than a finite number or NaN.
    """
    if image is None:
        if needs_image(names, registry):
            raise ArrayError(f"measure_stack() needs the image for {', '.join(names)}.")
        image = np.broadcast_to(np.float32(0), mask.shape)
    _check_stacks(image, mask, background, track)
    weight = track.params.background_weight
    stack = CellStack(image, mask, background, track.boxes, SCALE, weight, track.pixel_size_um)
    values = {name: np.full(len(mask), np.nan) for name in names}
    functions: dict[str, Feature] = {}
    for name in names:
        formula = _FORMULAS.get(id(registry[name]))
        if formula is None:
            functions[name] = registry[name]
        else:
            values[name][track.valid] = formula(stack)[track.valid]
    own = {name: own_params(name, f, track.params) for name, f in functions.items()}
    for frame in np.flatnonzero(track.valid).tolist() if functions else ():
        for name, number in _call(functions, own, stack, track, frame):
            values[name][frame] = number
    return values


def feature_rng(
    seed: int, fov: int, cell: int, channel: int, frame: int, name: str
) -> np.random.Generator:
    """Return the random numbers of one feature in one cell and frame."""
    key = (fov, cell, channel, frame, zlib.crc32(name.encode()))
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def _call(
    functions: dict[str, Feature],
    own: dict[str, Any],
    stack: CellStack,
    track: CellTrack,
    frame: int,
) -> Iterator[tuple[str, float]]:
    y0, x0, y1, x1 = track.boxes[frame].tolist()
    tight = np.s_[frame, : y1 - y0, : x1 - x0]
    image = stack.image[tight].astype(np.float64) * SCALE
    mask = stack.mask[tight] != 0
    background = np.zeros_like(image)
    if stack.background is not None:
        background += stack.background[tight].astype(np.float64) * SCALE
    for array in (image, mask, background):
        array.flags.writeable = False
    others = None if track.others is None else track.others(frame)
    for name, function in functions.items():
        rng = feature_rng(track.seed, track.fov, track.cell, track.channel, frame, name)
        context = FeatureContext(
            fov=track.fov,
            cell=track.cell,
            frame=frame,
            channel=track.channel,
            bbox=(y0, x0, y1, x1),
            pixel_size_um=track.pixel_size_um,
            time_min=float(track.times_min[frame]),
            background=background,
            background_weight=stack.weight,
            rng=rng,
            params=own[name],
            frame_shape=track.frame_shape,
            others=others,
        )
        where = f"Feature {name!r} in cell {track.cell}, frame {frame}"
        try:
            value = function(image, mask, context)
        except (Exception, SystemExit) as error:
            raise PluginError(f"{where} failed: {type(error).__name__}: {error}") from error
        yield name, _number(value, where)


def _number(value: Any, where: str) -> float:
    scalar = value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value
    if isinstance(scalar, bool | int | float | np.bool_ | np.integer | np.floating):
        try:
            number = float(scalar)
        except OverflowError:
            number = math.inf
        if not math.isinf(number):
            return number
    raise PluginError(
        f"{where} gave {reprlib.repr(value)}; expected one finite number, or NaN where it is "
        "not defined."
    )


def _one_frame(image: Floats, mask: Mask, context: FeatureContext) -> CellStack:
    check_same_shape("feature", image=image, mask=mask, background=context.background)
    return CellStack(
        np.ascontiguousarray(image, np.float64)[np.newaxis],
        np.ascontiguousarray(mask, np.bool_).view(np.uint8)[np.newaxis],
        np.ascontiguousarray(context.background, np.float64)[np.newaxis],
        np.array([context.bbox], np.int32),
        1.0,
        context.background_weight,
        context.pixel_size_um,
    )


def _check_stacks(
    image: NDArray[Any],
    mask: NDArray[Any],
    background: NDArray[Any] | None,
    track: CellTrack,
) -> None:
    stacks = {"image": image, "mask": mask}
    if background is not None:
        stacks["background"] = background
    check_same_shape("measure_stack", **stacks)
    expected = {"boxes": (len(mask), 4), "valid": (len(mask),)}
    found = {"boxes": track.boxes.shape, "valid": track.valid.shape}
    if mask.ndim != 3 or found != expected or len(track.times_min) != len(mask):
        raise ArrayError(
            f"measure_stack() got boxes {found['boxes']}, valid {found['valid']} and "
            f"{len(track.times_min)} times for a stack of {mask.shape}; expected one each "
            "per frame."
        )
    largest = box_shapes(track.boxes[track.valid]).max(axis=0, initial=0)
    if (largest > mask.shape[1:]).any():
        raise ArrayError(
            f"measure_stack() got a box of {tuple(largest.tolist())} px for a stack of "
            f"{mask.shape}."
        )
