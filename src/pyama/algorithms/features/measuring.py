"""Measurement of features: the loop over the frames of a cell."""

import math
import reprlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.crops import SCALE, box_shapes
from pyama.algorithms.features.cell_stack import CellStack
from pyama.algorithms.features.context import FeatureContext, Floats
from pyama.algorithms.features.registered import FORMULAS, MASK_FEATURES, Feature
from pyama.algorithms.kernels.array_types import Boxes, check_same_shape
from pyama.algorithms.params import ExtractionParams, own_params
from pyama.errors import ArrayError, PluginError, name_failure


@dataclass(frozen=True)
class CellTrack:
    """One cell in all frames of one channel.

    Attributes:
        fov: 0-based index of the field of view.
        cell: Number of the cell, from 1.
        channel: 0-based index of the channel.
        boxes: Tight boxes, shape (T, 4).
        valid: Frames to measure, shape (T,). False if the cell is absent or the channel was
            not recorded: every feature is NaN.
        times_min: Time of every frame in minutes, length T.
        pixel_size_um: Side of a pixel in micrometres; None if it is not known.
        seed: Seed of the run.
        params: Parameters of the run.
        frame_shape: (H, W) of a frame in px; None if it is not known.
        others: Function that returns the boxes of all other cells in a frame, shape (N, 4).
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


def needs_image(names: Iterable[str], registry: Mapping[str, Feature]) -> bool:
    """Whether `measure_stack` needs the intensities for these features.

    Raises:
        ConfigError: A name is not in the registry.
    """
    return any(id(registry[name]) not in MASK_FEATURES for name in names)


def measure_stack(
    names: Sequence[str],
    registry: Mapping[str, Feature],
    image: NDArray[np.floating] | None,
    mask: NDArray[np.uint8],
    background: NDArray[np.floating] | None,
    track: CellTrack,
) -> dict[str, Floats]:
    """Measure one cell in all of its frames.

    Frame t of a stack has the box of the cell at its top left corner and zeros elsewhere.

    Args:
        names: Names of the features.
        registry: Registry with their functions.
        image: Counts divided by `crops.SCALE`, shape (T, H, W), after the correction for
            uneven light if there is one. It can be None if `needs_image` is False.
        mask: 1 inside the cell, 0 outside, shape (T, H, W); not empty in valid frames.
        background: Background in the same units, shape (T, H, W); None if there is none.
        track: The cell.

    Returns:
        One number per frame for every name, shape (T,); NaN in frames that are not valid.

    Raises:
        ArrayError: The arrays do not fit together.
        ConfigError: A name is not in the registry.
        PluginError: A function failed or returned neither a finite number nor NaN.
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
        formula = FORMULAS.get(id(registry[name]))
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
    """Return the random generator of one feature in one cell and frame."""
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
        with name_failure(f"{where} failed: {{error}}"):
            value = function(image, mask, context)
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
        f"{where} returned {reprlib.repr(value)}; expected one finite number, or NaN if the "
        "feature is not defined."
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
    shapes = {"boxes": track.boxes.shape, "valid": track.valid.shape}
    if mask.ndim != 3 or shapes != expected or len(track.times_min) != len(mask):
        raise ArrayError(
            f"measure_stack() got boxes {shapes['boxes']}, valid {shapes['valid']} and "
            f"{len(track.times_min)} times for a stack of {mask.shape}; expected one each "
            "per frame."
        )
    largest = box_shapes(track.boxes[track.valid]).max(axis=0, initial=0)
    if (largest > mask.shape[1:]).any():
        raise ArrayError(
            f"measure_stack() got a box of {tuple(largest.tolist())} px for a stack of "
            f"{mask.shape}."
        )
