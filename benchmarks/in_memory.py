"""Measurements of computing without files, and of the limits of the computer."""

import io
import os
import time
from collections import deque
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import literal
from benchmarks.measuring import Cost, Costs
from pyama import layout
from pyama.algorithms.background_surface import estimate
from pyama.algorithms.crops import SCALE, box_shapes, gather, gather_masks, place
from pyama.algorithms.features import (
    FLUORESCENCE_FEATURES,
    PHASE_FEATURES,
    CellTrack,
    measure_stack,
)
from pyama.algorithms.kernels.labels import Regions, limit_sizes, regions
from pyama.algorithms.preview import preview_of_labels
from pyama.algorithms.segmenters.logstd import segment
from pyama.algorithms.trackers.iou import track
from pyama.config import ProcessingParams
from pyama.readers import open_reader
from pyama.store.array_spec import ArraySpec, tiled_spec
from pyama.store.stack_outputs import StackOutput

Frames = Sequence[Sequence[NDArray[np.uint16]]]
"""Phase contrast and fluorescence of successive frames."""
PARAMS = ProcessingParams()


def compute_steps(movie: Frames) -> dict[str, Cost]:
    """Run steps 2 to 6 with pyama; return the time of each."""
    costs = Costs()
    with costs.of("segmentation"):
        labels = [
            limit_sizes(segment(pc, PARAMS), PARAMS.min_object_size, PARAMS.max_object_size)[0]
            for pc, _ in movie
        ]
    with costs.of("tracking"):  # a run does not keep frames; keeping them takes new memory
        deque(track(labels, PARAMS), maxlen=0)
    tracked = list(track(labels, PARAMS))
    with costs.of("background"):
        behind = [
            estimate(fl, found > 0, PARAMS).background
            for (_, fl), found in zip(movie, labels, strict=True)
        ]
    with costs.of("cropping"):
        found = [regions(frame) for frame in tracked]
        pieces = {
            "mask": [
                gather_masks(f, r.ids, r.boxes) for f, r in zip(tracked, found, strict=True)
            ],
            "pc": [gather(f[0], r.boxes) for f, r in zip(movie, found, strict=True)],
            "fl": [gather(f[1], r.boxes) for f, r in zip(movie, found, strict=True)],
            "behind": [gather(f, r.boxes) for f, r in zip(behind, found, strict=True)],
        }
        cells = _Cells(found, pieces)
    for i in range(len(cells.ids)):  # cell after cell, as in a run
        with costs.of("cropping"):
            stacks = cells.stacks(i)
        with costs.of("extraction"):
            _measure(int(cells.ids[i]), cells.boxes[i], stacks)
    return costs.steps


class _Cells:
    """Place of every cell in ragged arrays of all frames, one per channel."""

    def __init__(
        self, found: Sequence[Regions], pieces: dict[str, list[NDArray[Any]]]
    ) -> None:
        self.ids = np.unique(np.concatenate([cells.ids for cells in found]))
        self.boxes = np.zeros((len(self.ids), len(found), 4), np.int32)
        for t, cells in enumerate(found):
            self.boxes[np.searchsorted(self.ids, cells.ids), t] = cells.boxes
        self._shapes = box_shapes(self.boxes)
        areas = self._shapes.prod(axis=-1)
        self._starts = (np.cumsum(areas.T) - areas.T.ravel()).reshape(areas.T.shape).T
        self._flat = {name: np.concatenate(parts) for name, parts in pieces.items()}

    def stacks(self, i: int) -> dict[str, NDArray[Any]]:
        """Return the crops of one cell by channel."""
        shapes, stacks = self._shapes[i], {}
        for name, pixels in self._flat.items():
            dtype, factor = (np.uint8, 1.0) if name == "mask" else (np.float32, 1 / SCALE)
            stacks[name] = np.empty((len(shapes), *shapes.max(axis=0)), dtype)
            place(pixels, shapes, stacks[name], starts=self._starts[i], factor=factor)
        return stacks


def _measure(cell: int, boxes: NDArray[np.int32], stacks: dict[str, NDArray[Any]]) -> None:
    valid = boxes[:, 2] > 0
    times = [10.0 * t for t in range(len(boxes))]
    one = CellTrack(0, cell, 0, boxes, valid, times, 0.65, 0, PARAMS)
    mask = stacks["mask"]
    measure_stack(["area", "aspect_ratio"], PHASE_FEATURES, None, mask, None, one)
    names = ["intensity_total", "intensity_mean"]
    light, behind = stacks["fl"], stacks["behind"]
    measure_stack(names, FLUORESCENCE_FEATURES, light, mask, behind, one)


def compute_literally(movie: Frames) -> dict[str, Cost]:
    """Run steps 2 to 6 with the literal implementation, later ones on labels of pyama."""
    costs = Costs()
    with costs.of("segmentation"):
        for pc, _ in movie:
            literal.segment(pc)
    labels = [limit_sizes(segment(pc, PARAMS), 50, 10_000)[0] for pc, _ in movie]
    with costs.of("tracking"):
        deque(literal.track(labels), maxlen=0)
    tracked = list(literal.track(labels))
    with costs.of("background"):
        behind = [
            literal.background(fl, found) for (_, fl), found in zip(movie, labels, strict=True)
        ]
    with costs.of("cropping"):
        boxes = literal.find_boxes(tracked)
    for cell, places in boxes.items():
        with costs.of("cropping"):
            crops = [
                (
                    (tracked[t][y0:y1, x0:x1] == cell).astype(np.uint8),
                    (movie[t][0][y0:y1, x0:x1] / 65536).astype(np.float32),
                    (movie[t][1][y0:y1, x0:x1] / 65536).astype(np.float32),
                    (behind[t][y0:y1, x0:x1] / 65536).astype(np.float32),
                )
                for t, (y0, x0, y1, x1) in places.items()
            ]
        with costs.of("extraction"):
            for mask, _, light, dark in crops:
                literal.features(mask, light, dark)
    return costs.steps


def crowd(cells: int, size: int, frames: int) -> list[NDArray[np.uint16]]:
    """Return labels of many small moving cells, numbered frame by frame."""
    rng = np.random.default_rng(0)
    per_row = int(np.ceil(np.sqrt(cells)))
    spacing = size // per_row
    centres = np.stack(np.divmod(np.arange(cells), per_row), axis=1) * spacing + spacing // 2
    half = max(2, spacing // 3)
    movie = []
    for _ in range(frames):
        labels = np.zeros((size, size), np.uint16)
        moved = np.clip(centres + rng.integers(-2, 3, centres.shape), half, size - half)
        for number, (y, x) in zip(rng.permutation(cells) + 1, moved.tolist(), strict=True):
            labels[y - half : y + half, x - half : x + half] = number
        movie.append(labels)
    return movie


def limits(path: Path, folder: Path) -> dict[str, float]:
    """Measure the speed of memory, compression and disk with the first frame of a recording.

    Returns:
        Bytes per second of copying memory, packing and unpacking phase contrast, and writing;
        seconds to pack and to unpack what the steps write and read of a frame, without crops.
    """
    stored = _stored(path)
    packing, unpacking = {}, {}
    for kind, (spec, image) in stored.items():
        packed = spec.encode(image)
        packing[kind] = _seconds(partial(spec.encode, image))
        unpacking[kind] = _seconds(partial(_unpacked, spec, packed))
    frame_bytes = stored["pc"][1].nbytes
    block = np.ones(2**28, np.uint8)
    room = np.empty_like(block)
    folder.mkdir(parents=True, exist_ok=True)
    rates = {
        "copy": 2 * block.nbytes / _seconds(lambda: np.copyto(room, block)),
        "compress": frame_bytes / packing["pc"],
        "decompress": frame_bytes / unpacking["pc"],
        "write": block.nbytes / _seconds(lambda: _write(folder / "block", block), wall=True),
        # Labels are written twice, before and after tracking. Tracking, background and
        # caching read them, segmentation the phase contrast, background the fluorescence.
        "packing": sum(packing.values()) + packing["labels"],
        "unpacking": unpacking["pc"] + unpacking["fl"] + 3 * unpacking["labels"],
    }
    (folder / "block").unlink()
    return rates


def _stored(path: Path) -> dict[str, tuple[ArraySpec, NDArray[Any]]]:
    """Return every kind of image that is written for a frame, and its compression."""
    with open_reader(path) as reader:
        pc, fl = reader.read(0, 0, [0, 1])
    labels = segment(pc, PARAMS)
    images = {
        "pc": (layout.phase(0), pc),
        "fl": (layout.fluorescence(1), fl),
        "labels": (layout.labeled(0), labels),
        "background": (layout.background(1), estimate(fl, labels > 0, PARAMS).background),
    }
    stored = {}
    for kind, (group, image) in images.items():
        shape, dtype = (1, *image.shape), image.dtype.name
        output = StackOutput(path.parent, group, shape, dtype)
        stored[kind] = output.make_spec(shape, dtype), image[np.newaxis]
    preview = preview_of_labels(labels, int(labels.max()))[np.newaxis]
    return stored | {"preview": (tiled_spec(preview.shape, "uint8"), preview)}


def _unpacked(spec: ArraySpec, packed: bytes) -> NDArray[Any]:
    if spec.inner is None:
        return spec.decode(packed)
    return spec.read_frame(io.BytesIO(packed), 0)


def _write(path: Path, block: NDArray[np.uint8]) -> None:
    with path.open("wb") as file:
        file.write(block.data)
        file.flush()
        os.fsync(file.fileno())


def _seconds(work: Any, wall: bool = False) -> float:
    clock = time.perf_counter if wall else time.process_time
    best = float("inf")
    for _ in range(5):
        start = clock()
        work()
        best = min(best, clock() - start)
    return best
