"""Checks that plugins satisfy their contracts, with ordinary and unusual input.

A function returns if the plugin satisfies its contract; otherwise the error names the
input and what was wrong. `check_segmenter(my_function)` is a complete test of a segmenter.
"""

import copy
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.contracts import ImageIndex, checked_image, checked_labels
from pyama.algorithms.features import CellTrack, measure_stack
from pyama.algorithms.params import TrackingParams, WatershedParams, own_params
from pyama.config import ProcessingParams
from pyama.errors import PluginError
from pyama.metadata import MicroscopyMetadata
from pyama.plugins.loading import Attempt
from pyama.registry import Registry

TIMES = (0.0, 10.0, 20.0)


def check_segmenter(segmenter: Callable[..., Any], name: str = "it") -> None:
    """Check a segmentation method `f(frame, params) -> labels`.

    Raises:
        PluginError: It failed, returned something else than labels, changed its input, or
            returned different labels for the same frame.
    """
    params = own_params(name, segmenter, ProcessingParams(), WatershedParams)
    place = (ImageIndex(0, 0),) if "place" in inspect.signature(segmenter).parameters else ()
    for what, frame in _frames():
        given = f"{name}, given {what},"
        results = [_call(given, segmenter, frame, params, *place) for _ in range(2)]
        labels = [checked_labels(given, result, frame.shape) for result in results]
        if not np.array_equal(labels[0], labels[1]):
            raise PluginError(f"{name}, given {what} twice, found different cells.")


def check_tracker(tracker: Callable[..., Any], name: str = "it") -> None:
    """Check a tracking method `f(frames, params) -> frames`.

    Raises:
        PluginError: It failed, returned too few or too many frames, added cells in the
            background, split or joined objects, or returned different numbers for the same
            frames.
    """
    params = own_params(name, tracker, ProcessingParams(), TrackingParams)
    for what, frames in _movies():
        given = f"{name}, given {what},"
        first, second = (_call(given, _listed, tracker, frames, params) for _ in range(2))
        if len(first) != len(frames):
            raise PluginError(
                f"{name}, given {what}, returned {len(first)} frames; expected {len(frames)}."
            )
        for t, (before, after, again) in enumerate(zip(frames, first, second, strict=True)):
            where = f"{name}, given {what}, in frame {t}"
            _check_renumbered(where, before, checked_labels(where, after, before.shape))
            if not np.array_equal(after, again):
                raise PluginError(f"{where} gave different numbers when called again.")


def _listed(tracker: Callable[..., Any], frames: list[NDArray[Any]], params: Any) -> list[Any]:
    return list(tracker(frames, params))


def _check_renumbered(where: str, before: NDArray[Any], after: NDArray[Any]) -> None:
    if np.any(after[before == 0]):
        raise PluginError(f"{where} put cells where there was background.")
    pairs = np.unique(np.stack([before[before > 0], after[before > 0]]), axis=1)
    kept = pairs[:, pairs[1] > 0]
    if len(set(pairs[0])) < pairs.shape[1] or len(set(kept[1])) < kept.shape[1]:
        raise PluginError(f"{where} split an object or gave two objects one number.")


def check_feature(feature: Callable[..., Any], name: str = "it") -> None:
    """Check a feature `f(image, mask, context) -> number`.

    Raises:
        PluginError: It failed, returned something else than one finite number or NaN,
            changed its input, or returned different numbers for the same cell.
    """
    for what, image, mask in _cells():
        registry = Registry[Any]("feature", ("image", "mask", "context"))
        registry[name] = feature
        stack = np.repeat(mask[None].astype(np.uint8), len(TIMES), axis=0)
        track = CellTrack(
            fov=0,
            cell=1,
            channel=0,
            boxes=np.tile(np.array([0, 0, *mask.shape], np.int32), (len(TIMES), 1)),
            valid=np.array([True, False, True]),
            times_min=TIMES,
            pixel_size_um=0.65,
            seed=0,
            params=ProcessingParams(),
            frame_shape=(64, 80),
            others=lambda frame: np.array([[0, 0, 9, 9], [40, 50, 64, 80]], np.int32),
        )
        crops = np.repeat(image[None], len(TIMES), axis=0)
        haze = (crops / 2).astype(np.float32)
        try:
            first, second = (
                measure_stack([name], registry, crops, stack, haze, track)[name]
                for _ in range(2)
            )
        except PluginError as error:
            raise PluginError(f"given {what}: {error}") from error
        if not np.array_equal(first, second, equal_nan=True):
            raise PluginError(f"{name}, given {what} twice, gave different numbers.")


def check_preprocessor(preprocessor: Any, name: str = "it") -> None:
    """Check a preprocessor, `f(image, params)` or an object with `process(image)`.

    Raises:
        PluginError: It failed, returned something else than an image of the same shape with
            finite numbers, changed its input, or returned different images for the same one.
    """
    is_object = hasattr(preprocessor, "process")
    function = preprocessor.process if is_object else preprocessor
    parameters = own_params(name, function, ProcessingParams(), WatershedParams)
    params = () if is_object else (parameters,)
    for what, frame in _frames():
        given = f"{name}, given {what},"
        results = [_call(given, function, frame, *params) for _ in range(2)]
        images = [checked_image(given, result, frame.shape) for result in results]
        if not np.array_equal(images[0], images[1]):
            raise PluginError(f"{name}, given {what} twice, gave different images.")


def check_reader(
    open_other: Callable[..., Any], name: str = "it", sample: Path | None = None
) -> None:
    """Check a reader `f(path, z) -> Reader or None`.

    Args:
        open_other: The function.
        name: Name of the reader, for messages.
        sample: A file of its format. Without it, only files of other formats are tried.

    Raises:
        PluginError: It failed, opened a file of another format, returned something else than a
            reader, or its images differ from its metadata.
    """
    with TemporaryDirectory() as folder:
        for content in (b"", b"Hello\n", bytes(range(256)) * 8):
            path = Path(folder) / "other.bin"
            path.write_bytes(content)
            if (
                _call(f"{name}, given a file of another kind,", open_other, path, "middle")
                is not None
            ):
                raise PluginError(f"{name} opened a file of another kind; expected None.")
    if sample is not None:
        _check_recording(_call(f"{name}, given {sample},", open_other, sample, "middle"), name)


def _check_recording(reader: Any, name: str) -> None:
    if reader is None:
        raise PluginError(f"{name} did not open its own sample.")
    absent = [
        part
        for part in ("read", "close", "__enter__", "__exit__")
        if not hasattr(reader, part)
    ]
    if absent or not isinstance(getattr(reader, "metadata", None), MicroscopyMetadata):
        lacks = ", ".join(absent) or "a MicroscopyMetadata as its metadata"
        raise PluginError(
            f"{name} returned {type(reader).__name__}, which lacks {lacks}; expected a "
            "pyama.readers.Reader."
        )
    with reader:
        for fov in range(reader.metadata.n_fovs):
            for frame in sorted({0, reader.metadata.n_frames - 1}):
                _check_images(reader, fov, frame, name)


def _check_images(reader: Any, fov: int, frame: int, name: str) -> None:
    """Check shape, type and order of the images of a frame, and that it can be read again."""
    where = f"{name}, in FOV {fov}, frame {frame},"
    channels = list(range(reader.metadata.n_channels))[::-1]
    images = _call(where, reader.read, fov, frame, channels)
    kinds = {
        f"{type(image).__name__} {np.shape(image)} {getattr(image, 'dtype', '')}".strip()
        for image in images
    }
    expected = f"ndarray {reader.metadata.shapes[fov]} uint16"
    if len(images) != len(channels) or kinds != {expected}:
        raise PluginError(
            f"{where} read {len(images)} images: {', '.join(sorted(kinds))}; expected "
            f"{len(channels)}: {expected}."
        )
    for channel, image in zip(channels, images, strict=True):
        (alone,) = _call(where, reader.read, fov, frame, [channel])
        if not np.array_equal(alone, image):
            raise PluginError(
                f"{where} gave another image of channel {channel} when it was read alone. "
                "Images have the order of `channels`."
            )


def _call(given: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a plugin and check that it does not change its input.

    Raises:
        PluginError: It failed or wrote into its input.
    """
    before = [_copied(argument) for argument in arguments]
    attempt = Attempt()
    with attempt:
        result = function(*arguments)
    if attempt.problem:
        raise PluginError(f"{given} failed: {attempt.problem}") from attempt.error
    for old, new in zip(before, arguments, strict=True):
        if old is not None and any(map(_differ, old, new)):
            raise PluginError(f"{given} changed its input; it has to work on a copy.")
    return result


def _copied(argument: Any) -> Any:
    """Return a copy of an array or a list of arrays; None for anything else."""
    return copy.deepcopy(argument) if isinstance(argument, np.ndarray | list) else None


def _differ(old: NDArray[Any], new: NDArray[Any]) -> bool:
    return not np.array_equal(old, new)


def _frames() -> Iterator[tuple[str, NDArray[np.uint16]]]:
    y, x = np.mgrid[:64, :80]
    inside = ((y - 20) ** 2 + (x - 25) ** 2 < 150) | ((y - 45) ** 2 + (x - 55) ** 2 < 200)
    swing = np.random.default_rng(0).normal(0, np.where(inside, 200, 10))
    cells = (2000 + swing).astype(np.uint16)
    yield "cells", cells
    yield "a frame of odd size", cells[:37, :61].copy()
    for what, value in (("black", 0), ("constant", 1000), ("saturated", 65535)):
        yield f"a {what} frame", np.full((64, 80), value, np.uint16)
    yield "one pixel", np.full((1, 1), 7, np.uint16)


def _movies() -> Iterator[tuple[str, list[NDArray[np.uint16]]]]:
    y, x = np.mgrid[:60, :80]
    moving = []
    for t in range(5):
        frame = np.zeros((60, 80), np.uint16)
        for i, (cy, cx) in enumerate([(15, 15 + 2 * t), (40, 30), (30, 60 - 3 * t)]):
            frame[(y - cy) ** 2 + (x - cx) ** 2 <= 64] = (i + t) % 3 + 1
        moving.append(frame)
    empty = np.zeros((60, 80), np.uint16)
    yield "three moving cells", moving
    yield "cells that appear and disappear", [empty, moving[1], empty, moving[3]]
    yield "frames without cells", [empty, empty]
    yield "one frame", moving[:1]
    yield "no frame", []
    yield "numbers with gaps", [frame * np.uint16(20000) for frame in moving]


def _cells() -> Iterator[tuple[str, NDArray[np.float32], NDArray[np.bool_]]]:
    y, x = np.mgrid[:21, :31]
    disk = ((y - 10) / 10) ** 2 + ((x - 15) / 15) ** 2 <= 1
    noise = np.random.default_rng(0).integers(100, 2000, disk.shape) / 65536
    yield "a cell", noise.astype(np.float32), disk
    yield "a black cell", np.zeros(disk.shape, np.float32), disk
    yield "a constant cell", np.full(disk.shape, 0.5, np.float32), disk
    yield "one pixel", np.full((1, 1), 0.25, np.float32), np.ones((1, 1), np.bool_)
    yield "a line of pixels", noise[:1].astype(np.float32), np.ones((1, 31), np.bool_)
