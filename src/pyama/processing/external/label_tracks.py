"""Tracking by the numbers of label images that another program has tracked.

A file of tracks in the format of the Cell Tracking Challenge says which labels are parts of
one cell, and who is whose mother: Maška et al. (2023),
https://doi.org/10.1038/s41592-023-01879-y.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pyama.algorithms.contracts import ImageIndex
from pyama.algorithms.kernels.array_types import Labels
from pyama.algorithms.kernels.labels import label_runs, regions, renumber
from pyama.errors import ConfigError
from pyama.processing.external.label_images import FIRST, LabelParams
from pyama.registry import parameters

EXPECTED = "Expected four whole numbers: label, first frame, last frame and parent (0: none)."


@dataclass
class Tracks:
    """What a file of tracks says.

    Attributes:
        cells: Number of the cell of every label.
        mothers: Number of the mother, by the number of her daughter.
    """

    cells: dict[int, int] = field(default_factory=dict)
    mothers: dict[int, int] = field(default_factory=dict)


@parameters(LabelParams)
def track(
    frames: Iterable[Labels], params: LabelParams, place: ImageIndex = FIRST
) -> Iterator[Labels]:
    """Give cells the numbers that they have in the label images.

    Args:
        frames: Labels of successive frames with the numbers of the files, each (H, W).
        params: See `LabelParams`; with `tracks`, labels of one cell get one number.
        place: Its index of the field of view is used.

    Yields:
        Labels of cells, each (H, W).

    Raises:
        ConfigError: The file of tracks is missing or wrong, or lacks a label.
    """
    cells = _tracks(params, place.fov).cells
    for frame in frames:
        if not params.tracks:
            yield frame
            continue
        ids = regions(frame).ids
        absent = [int(number) for number in ids if int(number) not in cells]
        if absent:
            raise ConfigError(
                f"{_path(params, place.fov)} has no line for the label "
                f"{', '.join(map(str, absent[:5]))}, which the label images contain."
            )
        new = np.array([cells[int(number)] for number in ids], np.int64)
        yield renumber(label_runs(frame, "track"), ids, new, int(new.max(initial=0)))


def mothers(params: LabelParams, fov: int) -> dict[int, int]:
    """Return the mother of every daughter by its number; none without a file of tracks.

    Raises:
        ConfigError: The file of tracks is missing or wrong.
    """
    return _tracks(params, fov).mothers


def identity(params: LabelParams, fov: int) -> str:
    """Return a digest of the file of tracks of a field of view; "" if none is named.

    Raises:
        ConfigError: It is missing or wrong.
    """
    if not params.tracks:
        return ""
    _tracks(params, fov)
    return hashlib.sha256(_path(params, fov).read_bytes()).hexdigest()[:16]


track.identity = identity  # type: ignore[attr-defined]
track.mothers = mothers  # type: ignore[attr-defined]
track.follows = "labels"  # type: ignore[attr-defined]


def _path(params: LabelParams, fov: int) -> Path:
    return Path(params.tracks.format(fov=fov + params.first_fov))


def _tracks(params: LabelParams, fov: int) -> Tracks:
    return read_tracks(_path(params, fov)) if params.tracks else Tracks()


def read_tracks(path: Path) -> Tracks:
    """Read a file of tracks: a line of label, first frame, last frame and parent per label.

    A label that begins after a gap and is the only one with its parent is the same cell,
    because the format knows no gaps. The number of a cell is that of its first label.

    Raises:
        ConfigError: There is no such file, or it is wrong.
    """
    spans = _spans(path)
    children = Counter(parent for _, _, parent in spans.values())
    found = Tracks()
    for label, (first, _, parent) in sorted(spans.items(), key=lambda item: item[1]):
        if not parent:
            found.cells[label] = label
            continue
        if parent not in found.cells or spans[parent][1] >= first:
            raise ConfigError(
                f"{path}: the parent of label {label}, {parent}, must be a label that ends "
                f"before frame {first}."
            )
        if children[parent] == 1 and first > spans[parent][1] + 1:
            found.cells[label] = found.cells[parent]
        else:
            found.cells[label] = label
            found.mothers[label] = found.cells[parent]
    return found


def _spans(path: Path) -> dict[int, tuple[int, int, int]]:
    """Return first frame, last frame and parent by label."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError as error:
        raise ConfigError(f"There is no file of tracks {path}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The file of tracks {path} cannot be read: {error}.") from error
    spans: dict[int, tuple[int, int, int]] = {}
    for n, line in enumerate(lines, 1):
        try:
            label, first, last, parent = map(int, line.split())
        except ValueError as error:
            raise ConfigError(f"{path}, line {n}: {line[:40]!r}. {EXPECTED}") from error
        if label in spans or label < 1 or not 0 <= first <= last:
            raise ConfigError(
                f"{path}, line {n}: label {label} of frames {first} to {last} stands twice, "
                "is not above 0, or ends before it begins."
            )
        spans[label] = first, last, parent
    return spans
