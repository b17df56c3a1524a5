"""Files of one recording by a pattern of their names, such as `xy{p}t{t}.tif`."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.errors import ConfigError, ReaderError
from pyama.readers.planes import shorten
from pyama.readers.tiff_facts import AXES
from pyama.symlinks import refuse_link_out

SUFFIXES = (".tif", ".tiff", ".stk")
NAMES = {"P": "fields of view", "T": "frames", "Z": "z planes", "C": "channels"}
NUMBERED = "tz"
"""Axes whose places are numbers; those of the others may be names."""
_PART = re.compile(r"\{([ptzc])\}|(\*)")
PATTERN_HELP = (
    "write the names with {p} for the field of view, {t} for the frame, {c} for the channel, "
    "{z} for the z plane and * for other text, such as xy{p}t{t}.tif or {p}/img_{t}_{c}.tif"
)


@dataclass
class FileSet:
    """Files of one recording.

    Attributes:
        names: Names relative to the folder, with `/`.
        places: Field of view, frame, z plane and channel of every file, shape (N, 4).
        labels: What stands in the names for every field of view and channel.
        n_others: Number of images in the folder that do not belong to it.
        stamps_s: Seconds by file, shape (N,), if known.
        channel_names: Names of channels, if known.
        pixel_size_um: Side of a pixel in micrometres, if known.
        increment_s: Seconds per frame, if known.
        remarks: Sentences for the user.
    """

    names: list[str]
    places: NDArray[np.int64]
    labels: dict[str, list[str]]
    n_others: int = 0
    stamps_s: NDArray[np.float64] | None = None
    channel_names: list[str] = field(default_factory=list)
    pixel_size_um: float | None = None
    increment_s: float | None = None
    remarks: list[str] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of places along P, T, Z and C."""
        return tuple((self.places.max(axis=0) + 1).tolist())

    def axes_text(self) -> str:
        """Return every axis with its first and last file."""
        parts = []
        for axis, n in enumerate(self.shape):
            if n > 1:
                along = self._along(axis)
                first, last = self.names[along[0]], self.names[along[-1]]
                parts.append(f"{n} {NAMES[AXES[axis]]} ({first} to {last})")
        return ", ".join(parts)

    def _along(self, axis: int) -> list[int]:
        """Return the files along an axis, beside the first file of all."""
        order = np.lexsort(self.places.T[::-1])
        others = [i for i in range(len(AXES)) if i != axis]
        first = self.places[order[0], others]
        return [i for i in order.tolist() if np.all(self.places[i, others] == first)]


def image_names(folder: Path) -> list[str]:
    """Return the TIFF files in a folder and in the folders below it, relative to it."""
    refuse_link_out(folder)
    names = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            names += [f"{path.name}/{name}" for name in _images_in(path)]
        elif path.suffix.lower() in SUFFIXES:
            names.append(path.name)
    return names


def _images_in(folder: Path) -> Iterator[str]:
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
            yield path.name


def split_axes(axes: str) -> tuple[str, str]:
    """Return the pattern and the axes of each file, which follow a colon.

    Raises:
        ConfigError: It is no pattern.
    """
    pattern, _, pages = axes.partition(":")
    names = [match[1] for match in _PART.finditer(pattern) if match[1]]
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"axes = {axes!r} is no pattern of files; {PATTERN_HELP}.")
    return pattern.strip().replace("\\", "/"), pages.strip()


def _expression(pattern: str) -> re.Pattern[str]:
    text, end = "", 0
    for match in _PART.finditer(pattern):
        text += re.escape(pattern[end : match.start()])
        axis, end = match[1], match.end()
        if axis is None:
            text += "[^/]*?"
        else:
            text += rf"(?P<{axis}>\d+)" if axis in NUMBERED else rf"(?P<{axis}>[^/]+?)"
    return re.compile(text + re.escape(pattern[end:]), re.IGNORECASE)


def file_set(folder: Path, names: Sequence[str], pattern: str) -> FileSet:
    """Return the files of a pattern with their places.

    Args:
        folder: Of the files, for messages.
        names: Names of images, relative to it.
        pattern: Such as `xy{p}t{t}.tif`.

    Raises:
        ReaderError: No file has such a name, or two have the same place.
    """
    expression = _expression(pattern)
    found = [
        (name, match.groupdict()) for name in names if (match := expression.fullmatch(name))
    ]
    if not found:
        raise ReaderError(
            f"{folder} has no file named {pattern}; there is "
            f"{shorten(', '.join(names[:3]), 90)}. Correct axes."
        )
    labels: dict[str, list[str]] = {}
    places = np.zeros((len(found), len(AXES)), np.int64)
    for column, axis in enumerate(AXES.lower()):
        values = [entries.get(axis, "0") for _, entries in found]
        labels[axis.upper()], places[:, column] = _places(values, axis)
    files = FileSet([name for name, _ in found], places, labels, len(names) - len(found))
    _refuse_doubles(folder, files)
    return files


def _places(values: list[str], axis: str) -> tuple[list[str], list[int]]:
    """Return the different values in their order, and the place of each value.

    Numbers of frames and z planes count in their smallest step: others are missing.
    """
    if axis not in NUMBERED:
        order = sorted(set(values), key=_natural)
        return order, [order.index(value) for value in values]
    numbers = [int(value) for value in values]
    first = min(numbers)
    step = gcd(*(number - first for number in numbers)) or 1
    return [], [(number - first) // step for number in numbers]


def _natural(text: str) -> list[Any]:
    """Return a key that sorts numbers in names by their value."""
    parts = re.split(r"(\d+)", text)
    return [(int(part), part) if i % 2 else part.lower() for i, part in enumerate(parts)]


def _refuse_doubles(folder: Path, files: FileSet) -> None:
    _, first, counts = np.unique(files.places, axis=0, return_index=True, return_counts=True)
    if counts.max() > 1:
        place = files.places[first[counts > 1][0]]
        twice = np.flatnonzero((files.places == place).all(axis=1))[:2].tolist()
        a, b = (files.names[i] for i in twice)
        raise ReaderError(
            f"In {folder}, {a} and {b} are the same frame, channel and field of view by the "
            "pattern of axes. Make it more precise."
        )
