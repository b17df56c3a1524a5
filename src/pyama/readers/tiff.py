"""TIFF files without OME-XML: stacks of ImageJ, Micro-Manager, MetaMorph and others."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pyama.errors import ReaderError
from pyama.metadata import FILE_STAMPS
from pyama.readers import PROPOSED, Z_IS_TIME, ZSelection
from pyama.readers.planes import (
    PlaneReader,
    check_sizes,
    empty_images,
    translate_errors,
)
from pyama.readers.recording_facts import INTERVAL, Facts, shape_remarks
from pyama.readers.stamp_sources import Source, take_stamps
from pyama.readers.tiff_facts import TiffFacts
from pyama.readers.tiff_planes import (
    TiffFiles,
    check_pixels,
    checked_page,
    is_block,
    n_planes_in,
    open_tiff,
    read_block_plane,
)
from pyama.readers.tiff_stack import read_tiff_facts
from pyama.sentences import count_text


@dataclass
class Places:
    """Where planes are.

    Attributes:
        files: The files.
        file_index: File of every plane, shape (P, T, Z, C); -1 for a plane that is missing.
        pages: Its number in the file, of the same shape.
        shapes: (H, W) in px of every field of view.
        dtype: Type of the pixels.
    """

    files: Sequence[Path]
    file_index: NDArray[np.int64]
    pages: NDArray[np.int64]
    shapes: Sequence[tuple[int, int]]
    dtype: str

    @property
    def stored(self) -> NDArray[np.bool_]:
        """Whether a plane is stored, shape (P, T, Z, C)."""
        stored: NDArray[np.bool_] = (self.file_index >= 0) & (self.pages >= 0)
        return stored


class TiffReader(PlaneReader):
    """Planes in TIFF files.

    Args:
        facts: Of the recording.
        places: Where its planes are.
        z: Which planes of a z stack are read.
        source: What says the shape and the type of every plane, for messages.
    """

    def __init__(self, facts: Facts, places: Places, z: ZSelection, source: str) -> None:
        self._places, self._source = places, source
        self._files = TiffFiles(places.files)
        super().__init__(facts, z)

    def _read(
        self, fov: int, frame: int, z: int, channels: Sequence[int]
    ) -> list[NDArray[np.uint16]]:
        places = self._places
        shape = places.shapes[fov]
        images = empty_images(channels, shape)
        for target, channel in zip(images, channels, strict=True):
            at = (fov, frame, z, channel)
            file, number = self._files.file(places.file_index[at]), int(places.pages[at])
            if number > 0 and is_block(file):
                target[:] = read_block_plane(file, number)
            else:
                page = checked_page(file, number, shape, places.dtype, self._source)
                target[:] = page.asarray(maxworkers=1)
        return list(images)

    def _close(self) -> None:
        self._files.close()


def open_stack(path: Path, z: ZSelection = "middle", axes: str = "") -> TiffReader:
    """Open a stack of planes in one TIFF file.

    Args:
        path: The file.
        z: Which planes of a z stack are read.
        axes: The order of its planes, see `pyama.readers.page_axes`; `PROPOSED` takes frames
            if the file does not say it; empty refuses such a file.

    Raises:
        ReaderError: The file is damaged, contains unsupported images, or does not say which
            plane is which.
        ConfigError: `axes` does not fit.
    """
    with translate_errors(path), open_tiff(path) as file:
        page = file.pages.first
        check_pixels(path, page)
        stack = read_tiff_facts(file, "" if axes == PROPOSED else axes)
        question = _question(path, stack, axes)
        n_stored = n_planes_in(file, stack.n_declared)
        height, width = page.shape
        check_sizes(path, height, width, stack.n_declared, n_stored)
        pages = stack.page_numbers(n_stored)
        shapes = [(height, width)] * len(pages)
        places = Places([path], np.zeros_like(pages), pages, shapes, str(page.dtype))
        facts = described(path, places, stack)
        facts.question = question
        if stack.n_declared == 1:
            facts.remarks = [*facts.remarks, *similar_files(path)]
        take_times(facts, stack, is_time_lapse=z == Z_IS_TIME)
        return TiffReader(facts, places, z, "the first plane of the file")


def _question(path: Path, stack: TiffFacts, axes: str) -> str:
    """Return what to confirm if the file does not name an axis, which is then time."""
    if "?" not in stack.sizes:
        return ""
    question = (
        f"{path.name} has {count_text(stack.n_declared, 'plane')} and does not say what they "
        "are. Frames: --set axes=t; frames of two channels: --set axes=t,c=2; a z stack: "
        "--set axes=z; the axes are written with the slowest first."
    )
    if axes != PROPOSED:
        raise ReaderError(f"{path.parent / question}")
    stack.sizes = {"T": stack.n_declared}
    return question


def described(path: Path, places: Places, stack: TiffFacts) -> Facts:
    """Return the facts of a recording from those of its TIFF files."""
    n_channels = places.pages.shape[3]
    width, height = stack.pixel_size_um
    return Facts(
        path,
        stack.kind,
        places.shapes,
        places.dtype,
        [*stack.channel_names, *[""] * n_channels][:n_channels],
        places.stored,
        pixel_size_um=width,
        remarks=[*stack.remarks, *shape_remarks(width, height)],
        pixel_remarks=stack.pixel_remarks,
    )


def similar_files(path: Path) -> list[str]:
    """Return a sentence if files beside a single image may belong to the same recording."""
    template = re.sub(r"\d+", "0", path.name)
    names = [p.name for p in path.parent.iterdir() if p.suffix == path.suffix]
    n_similar = sum(re.sub(r"\d+", "0", name) == template for name in names) - 1
    if n_similar < 1:
        return []
    return [
        f"There are {n_similar} files of similar names beside it. If they are one recording, "
        f"name their folder: pyama info {path.parent}"
    ]


def take_times(facts: Facts, stack: TiffFacts, *, is_time_lapse: bool = False) -> None:
    """Add the times of the planes, or the interval of the file."""
    facts.interval_min = None if stack.increment_s is None else stack.increment_s / 60
    n_fovs, n_frames = facts.stored.shape[:2]

    def sources() -> Iterator[Source]:
        yield FILE_STAMPS, None if stack.stamps_s is None else stack.stamps_s / 60
        if facts.interval_min is not None:
            times = np.arange(n_frames) * facts.interval_min
            yield INTERVAL, np.broadcast_to(times, (n_fovs, n_frames))

    if not is_time_lapse:
        take_stamps(facts, sources(), stack.time_remarks, facts.interval_min)
    else:
        facts.time_remarks = stack.time_remarks
