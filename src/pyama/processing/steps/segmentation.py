"""Frames through preprocessors, a segmenter and a tracker."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.canvas import Ground
from pyama.algorithms.contracts import Place, checked_image, checked_labels
from pyama.algorithms.kernels.labels import limit_sizes
from pyama.algorithms.params import own_params
from pyama.algorithms.trackers.divisions import divided
from pyama.config import ProcessingParams
from pyama.errors import PluginError
from pyama.processing.methods import (
    SEGMENTER_PARAMS,
    TRACKER_PARAMS,
    Preprocessor,
    takes_place,
)
from pyama.processing.plugin_calls import blaming, called, sign_of_life
from pyama.store import Stack

_ENDED = object()


def segmented(
    frames: Stack,
    missing: AbstractSet[int],
    method: tuple[str, Callable[..., Any]],
    preprocessors: Sequence[Preprocessor],
    params: ProcessingParams,
    notes: dict[str, Any],
    fov: int,
) -> Iterator[NDArray[Any]]:
    """Label the cells of successive frames.

    Args:
        frames: Phase contrast in counts, (T, H, W).
        missing: Frames that were never written; they have no labels.
        method: Name and function of the segmenter.
        preprocessors: What a frame goes through first.
        params: Of the segmenter, and the limits of size.
        notes: Gets what the limits removed.
        fov: 0-based index of the field of view.

    Yields:
        Labels, each (H, W): 0 is background, 1..N are objects of this frame.

    Raises:
        PluginError: A plugin failed, or gave back what it must not.
    """
    name = f"segmentation method {method[0]!r}"
    own = own_params(*method, params, SEGMENTER_PARAMS)
    objects: Counter[str] = Counter()
    largest = 0
    for t, frame in enumerate(frames):
        if t in missing:
            yield np.zeros(frame.shape, np.uint16)
            continue
        image = _preprocessed(frame, preprocessors)
        place = (Place(fov, t),) if takes_place(method[1]) else ()
        found = called(name, method[1], image, own, *place)
        labels = checked_labels(name, found, frame.shape)
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
    drift: NDArray[np.float64] | None = None,
) -> Iterator[NDArray[Any]]:
    """Give each cell one number through time.

    Args:
        frames: Labels of successive frames, (T, H, W).
        missing: Frames without labels. The tracker does not see them, so that cells go on
            behind them.
        method: Name and function of the tracker.
        params: Of the tracker.
        notes: Gets the largest number, and where divisions are looked for, the mother of
            every daughter.
        drift: How far down and to the right everything lies in every frame, in px, shape
            (T, 2). The tracker sees the cells where they would be on a stage at rest. What
            leaves the frame is gone.

    Yields:
        Labels of all frames; 0 everywhere in a missing one.

    Raises:
        ConfigError: The stage has moved too far.
        PluginError: The tracker failed, or gave back what it must not.
    """
    name = f"tracking method {method[0]!r}"
    at_rest = np.zeros((len(frames), 2))
    ground = Ground(frames.shape[1:], at_rest if drift is None else drift)
    present = _Present(frames, missing, ground)
    found = _called(name, method, present, params)
    if params.divisions:
        steps = divided(found)
        notes["parents"] = {}
    else:
        steps = ((labels, {}) for labels in found)
    notes["largest_label"] = 0
    for t in range(len(frames)):
        if t in missing:
            yield np.zeros(frames.shape[1:], np.uint16)
            continue
        labels, mothers = next(steps)
        labels = ground.view(labels, t)
        if mothers:
            notes["parents"] |= {str(cell): mother for cell, mother in mothers.items()}
        notes["largest_label"] = max(notes["largest_label"], int(labels.max(initial=0)))
        yield labels
    next(steps, None)  # so that a tracker with more to give is noticed


@dataclass(frozen=True)
class _Present:
    """The frames that a tracker sees, read anew each time they are gone through."""

    frames: Stack
    missing: AbstractSet[int]
    ground: Ground

    def __len__(self) -> int:
        return len(self.frames) - len(self.missing)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for t in range(len(self.frames)):
            if t not in self.missing:
                sign_of_life()
                yield self.ground.placed(self.frames[t], t)


def _called(
    name: str,
    method: tuple[str, Callable[..., Any]],
    frames: _Present,
    params: ProcessingParams,
) -> Iterator[NDArray[Any]]:
    """Labels from a tracker, each checked."""
    with blaming(name, method[1]):
        results = iter(method[1](frames, own_params(*method, params, TRACKER_PARAMS)))
    for done in range(len(frames)):
        with blaming(name, method[1]):
            labels = next(results, _ENDED)
        if labels is _ENDED:
            raise PluginError(f"{name} gave back {done} frames; expected {len(frames)}.")
        yield checked_labels(name, labels, frames.ground.shape)
    with blaming(name, method[1]):
        too_many = next(results, _ENDED) is not _ENDED
    if too_many:
        raise PluginError(f"{name} gave back more frames than the {len(frames)} it was given.")


def _preprocessed(
    frame: NDArray[np.uint16], preprocessors: Sequence[Preprocessor]
) -> NDArray[np.uint16]:
    image = frame
    for preprocessor in preprocessors:
        name = f"preprocessor {preprocessor.name}"
        result = called(name, preprocessor.function, image, *preprocessor.params)
        image = checked_image(name, result, frame.shape)
    return image
