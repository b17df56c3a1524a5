"""Inputs of methods and preprocessors, and checks of their results."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.errors import PluginError

MAX_UINT16 = 65535


@dataclass(frozen=True)
class ImageIndex:
    """Indices of the image that a segmenter gets.

    Attributes:
        fov: 0-based index of the field of view.
        frame: 0-based index of the frame in the recording, also where frames are selected.
    """

    fov: int
    frame: int


def checked_labels(name: str, labels: object, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the labels of a method as uint16 or uint32.

    Raises:
        PluginError: They are not an integer image of `shape` without negative numbers.
    """
    if not isinstance(labels, np.ndarray) or labels.shape != shape:
        found = getattr(labels, "shape", None) or type(labels).__name__
        raise PluginError(f"{name} returned {found}; expected labels of shape {shape}.")
    if labels.dtype.kind == "b":
        raise PluginError(f"{name} returned a mask; expected labels, integers from 1.")
    if labels.dtype.kind not in "iu":
        raise PluginError(f"{name} returned {labels.dtype}; expected integer labels.")
    if labels.dtype in (np.uint16, np.uint32):
        return np.ascontiguousarray(labels)
    lowest, largest = int(labels.min(initial=0)), int(labels.max(initial=0))
    if lowest < 0 or largest > np.iinfo(np.uint32).max:
        raise PluginError(
            f"{name} returned labels from {lowest} to {largest}; expected 0 for background "
            "and numbers from 1 that fit uint32."
        )
    wide = largest > np.iinfo(np.uint16).max
    return np.ascontiguousarray(labels, np.uint32 if wide else np.uint16)


def checked_image(name: str, image: object, shape: tuple[int, ...]) -> NDArray[np.uint16]:
    """Return the image of a preprocessor as a segmenter needs it.

    Integers from 0 to 65535 are used as they are. Other images, such as smoothed or
    normalised images of floats, are stretched to that range.

    Raises:
        PluginError: It is not an image of `shape` with finite values.
    """
    if not isinstance(image, np.ndarray) or image.shape != shape:
        found = getattr(image, "shape", None) or type(image).__name__
        raise PluginError(f"{name} returned {found}; expected an image of shape {shape}.")
    if image.dtype.kind not in "buif" or not np.isfinite(image).all():
        raise PluginError(f"{name} returned an image that is not of finite numbers.")
    if image.size == 0 or image.dtype == np.uint16:
        return np.ascontiguousarray(image, np.uint16)
    low, high = float(image.min()), float(image.max())
    if image.dtype.kind in "ui" and low >= 0 and high <= MAX_UINT16:
        return image.astype(np.uint16)
    if high == low:
        return np.zeros(shape, np.uint16)
    return np.rint((image.astype(np.float64) - low) * (MAX_UINT16 / (high - low))).astype(
        np.uint16
    )
