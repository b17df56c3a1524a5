"""Frames through preprocessors, a segmenter and a tracker."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.contracts import checked_image, checked_labels
from pyama.algorithms.labels import limit_sizes
from pyama.config import ProcessingParams
from pyama.processing.guard import blaming, called
from pyama.store import Stack


def segmented(
    frames: Stack,
    missing: AbstractSet[int],
    method: tuple[str, Callable[..., Any]],
    preprocessors: Sequence[Any],
    params: ProcessingParams,
    notes: dict[str, Any],
) -> Iterator[NDArray[Any]]:
    """Label the cells of successive frames.

    Args:
        frames: Phase contrast in counts, (T, H, W).
        missing: Frames that were never written; they have no labels.
        method: Name and function of the segmenter.
        preprocessors: What a frame goes through first.
        params: Of the segmenter, and the limits of size.
        notes: Gets what the limits removed.

    Yields:
        Labels, each (H, W): 0 is background, 1..N are objects of this frame.

    Raises:
        PluginError: A plugin failed, or gave back what it must not.
    """
    name = f"segmentation method {method[0]!r}"
    objects: Counter[str] = Counter()
    largest = 0
    for t, frame in enumerate(frames):
        if t in missing:
            yield np.zeros(frame.shape, np.uint16)
            continue
        image = _preprocessed(frame, preprocessors)
        labels = checked_labels(name, called(name, method[1], image, params), frame.shape)
        labels, removed = limit_sizes(labels, params.min_object_size, params.max_object_size)
        objects.update(asdict(removed))
        largest = max(largest, int(labels.max(initial=0)))
        notes |= {"largest_label": largest, "objects": dict(objects)}
        yield labels


def tracked(
    frames: Stack,
    missing: AbstractSet[int],
    method: tuple[str, Callable[..., Any]],
    params: ProcessingParams,
    notes: dict[str, Any],
) -> Iterator[NDArray[Any]]:
    """Give each cell one number through time.

    Args:
        frames: Labels of successive frames, (T, H, W).
        missing: Frames without labels. The tracker does not see them, so that cells go on
            behind them.
        method: Name and function of the tracker.
        params: Of the tracker.
        notes: Gets the largest number.

    Yields:
        Labels of all frames; 0 everywhere in a missing one.

    Raises:
        PluginError: The tracker failed, or gave back what it must not.
    """
    name = f"tracking method {method[0]!r}"
    shape = frames.shape[1:]
    present = (frames[t] for t in range(len(frames)) if t not in missing)
    results = iter(called(name, method[1], present, params))
    notes["largest_label"] = 0
    for t in range(len(frames)):
        if t in missing:
            yield np.zeros(shape, np.uint16)
            continue
        with blaming(name, method[1]):
            labels = next(results, None)
        labels = checked_labels(name, labels, shape)
        notes["largest_label"] = max(notes["largest_label"], int(labels.max(initial=0)))
        yield labels


def _preprocessed(
    frame: NDArray[np.uint16], preprocessors: Sequence[Any]
) -> NDArray[np.uint16]:
    image = frame
    for preprocessor in preprocessors:
        name = f"preprocessor {type(preprocessor).__name__}"
        result = called(name, preprocessor.process, image)
        image = checked_image(name, result, frame.shape)
    return image
