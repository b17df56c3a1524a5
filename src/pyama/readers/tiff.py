"""TIFF files without OME-XML: stacks of ImageJ, Micro-Manager, MetaMorph and others."""

from collections.abc import Iterator, Sequence
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
    read_block_plane,
)
from pyama.readers.tiff_stack import read_tiff_facts
from pyama.sentences import count_text


class TiffReader(PlaneReader):
    """A stack of planes in one TIFF file.

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

    def __init__(self, path: Path, z: ZSelection = "middle", axes: str = "") -> None:
        self._files = TiffFiles([path])
        try:
            with translate_errors(path):
                facts = self._facts(path, z, axes)
            super().__init__(facts, z)
        except BaseException:
            self._files.close()
            raise

    def _facts(self, path: Path, z: ZSelection, axes: str) -> Facts:
        file = self._files.file(0)
        page = file.pages.first
        check_pixels(path, page)
        stack = read_tiff_facts(file, "" if axes == PROPOSED else axes)
        question = _question(path, stack, axes)
        n_stored = n_planes_in(file, stack.n_declared)
        height, width = page.shape
        check_sizes(path, height, width, stack.n_declared, n_stored)
        self._pages = stack.page_numbers(n_stored)
        self._shape, self._dtype = (height, width), str(page.dtype)
        self._is_block = n_stored > 1 and is_block(file)
        facts = described(path, [self._shape] * len(self._pages), self._dtype, stack)
        facts.stored, facts.question = self._pages >= 0, question
        take_times(facts, stack, is_time_lapse=z == Z_IS_TIME)
        return facts

    def _read(
        self, fov: int, frame: int, z: int, channels: Sequence[int]
    ) -> list[NDArray[np.uint16]]:
        images = empty_images(channels, self._shape)
        file = self._files.file(0)
        for target, channel in zip(images, channels, strict=True):
            number = int(self._pages[fov, frame, z, channel])
            if self._is_block:
                target[:] = read_block_plane(file, number)
            else:
                page = checked_page(
                    file, number, self._shape, self._dtype, "the first plane of the file"
                )
                target[:] = page.asarray(maxworkers=1)
        return list(images)

    def _close(self) -> None:
        self._files.close()


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


def described(
    path: Path, shapes: Sequence[tuple[int, int]], dtype: str, stack: TiffFacts
) -> Facts:
    """Return the facts of a recording from those of its TIFF files, still without planes."""
    n_channels = stack.sizes.get("C", 1)
    width, height = stack.pixel_size_um
    return Facts(
        path,
        stack.kind,
        shapes,
        dtype,
        [*stack.channel_names, *[""] * n_channels][:n_channels],
        np.zeros((1, 1, 1, 1), bool),
        pixel_size_um=width,
        remarks=[*stack.remarks, *shape_remarks(width, height)],
        pixel_remarks=stack.pixel_remarks,
        has_spacing=stack.has_spacing,
    )


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
