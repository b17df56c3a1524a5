"""OME-TIFF files: one file, or a set of files that refer to each other in their OME-XML."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from pyama.errors import ReaderError
from pyama.metadata import FILE_STAMPS
from pyama.readers import ZSelection
from pyama.readers.ome_xml import OmeDocument, OmeImage, parse
from pyama.readers.planes import (
    PlaneReader,
    check_sizes,
    damage_error,
    empty_images,
    translate_errors,
    unsupported_error,
)
from pyama.readers.recording_facts import Facts, shape_remarks
from pyama.readers.stamp_sources import Source, take_stamps
from pyama.readers.tiff_planes import checked_page
from pyama.sentences import count_text


class OmeTiffReader(PlaneReader):
    """An OME-TIFF. A field of view is an image of the OME-XML.

    Args:
        path: The file, or one file of a set.
        z: Which planes of a z stack are read.

    Raises:
        ReaderError: The file is damaged, has no OME-XML, is part of a set that is not
            complete, or contains unsupported images.
    """

    def __init__(self, path: Path, z: ZSelection = "middle") -> None:
        with ExitStack() as opened:
            with translate_errors(path):
                document = _document(path)
                self._files = [
                    opened.enter_context(tifffile.TiffFile(file)) for file in document.files
                ]
                self._images = document.images
                facts = _facts(path, document, self._files)
            super().__init__(facts, z)
            self._opened = opened.pop_all()

    def _read(
        self, fov: int, frame: int, z: int, channels: Sequence[int]
    ) -> list[NDArray[np.uint16]]:
        image = self._images[fov]
        images = empty_images(channels, image.shape)
        for target, channel in zip(images, channels, strict=True):
            at = (frame, z, channel)
            target[:] = _plane(self._files[image.file_index[at]], int(image.ifd[at]), image)
        return list(images)

    def _close(self) -> None:
        self._opened.close()


def _document(path: Path) -> OmeDocument:
    document = parse(_description(path), path)
    if document.described_in is not None:
        master = document.described_in
        document = parse(_description(master), master)
    if document.described_in is not None or not document.files:
        raise damage_error(path, "its OME-XML does not say where the images are")
    return document


def _is_xml(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(5) == b"<?xml" or path.suffix.lower() == ".ome"


def _description(path: Path) -> str:
    if _is_xml(path):
        return path.read_text("utf-8")
    with tifffile.TiffFile(path) as file:
        text = file.pages.first.description
    if "<OME" not in text[:2000]:
        raise ReaderError(
            f"{path} belongs to a set of OME-TIFF files, but has no OME-XML: copy the whole "
            "set again."
        )
    return text


def _facts(path: Path, document: OmeDocument, files: list[tifffile.TiffFile]) -> Facts:
    images = document.images
    first = images[0]
    n_z, n_channels = first.ifd.shape[1:]
    for image in images:
        if image.ifd.shape[1:] != (n_z, n_channels) or image.dtype != first.dtype:
            raise unsupported_error(
                path, "images that differ in channels, z planes or pixel type"
            )
    n_frames = max(image.ifd.shape[0] for image in images)
    stored = np.zeros((len(images), n_frames, n_z, n_channels), bool)
    in_file = np.array([len(file.pages) for file in files])
    for fov, image in enumerate(images):
        n = image.ifd.shape[0]
        stored[fov, :n] = (
            (image.file_index >= 0)
            & (image.ifd >= 0)
            & (image.ifd < in_file[image.file_index])
        )
    check_sizes(path, 1, 1, stored.size, int(stored.sum()))
    _check_ends(files, images, stored)
    width, height = first.quantities.pixel_size_um
    facts = Facts(
        path,
        "ome-tiff",
        [image.shape for image in images],
        first.dtype,
        first.channel_names,
        stored,
        pixel_size_um=width,
        position_names=[image.name for image in images],
        remarks=[*shape_remarks(width, height), *_broken_lists(files), *_other_pixels(images)],
        files=document.files,
        pixel_remarks=first.quantities.pixel_remarks,
    )
    remarks: list[str] = []
    increment = first.quantities.increment_s
    facts.interval_min = None if increment is None else increment / 60
    take_stamps(facts, _times(images, n_frames, remarks), remarks, facts.interval_min)
    return facts


def _broken_lists(files: list[tifffile.TiffFile]) -> Iterator[str]:
    """Yield a sentence for every file whose last plane is followed by a place without one."""
    for file in files:
        tiff, handle = file.tiff, file.filehandle
        handle.seek(file.pages[-1].offset)
        n_tags = int.from_bytes(
            handle.read(tiff.tagnosize), "little" if tiff.byteorder == "<" else "big"
        )
        handle.seek(n_tags * tiff.tagsize, 1)
        if any(handle.read(tiff.offsetsize)):
            yield (
                f"The list of planes in {Path(handle.path).name} breaks off after "
                f"{count_text(len(file.pages), 'plane')}: the recording was not finished, or "
                "the file is damaged and the planes near the end may be wrong."
            )


def _other_pixels(images: list[OmeImage]) -> Iterator[str]:
    """Yield a sentence if fields of view have pixels of different size."""
    sizes = dict.fromkeys(image.quantities.pixel_size_um[0] for image in images)
    if len(sizes) > 1:
        shown = ", ".join("none" if size is None else f"{size:g}" for size in sizes)
        yield (
            f"Fields of view have pixels of different size ({shown} \N{MICRO SIGN}m); the "
            "first is used for all."
        )


def _times(images: list[OmeImage], n_frames: int, remarks: list[str]) -> Iterator[Source]:
    stamps = np.full((len(images), n_frames), np.nan)
    for fov, image in enumerate(images):
        stamps[fov, : len(image.ifd)] = image.quantities.stamps_s / 60
    remarks += _once(image.quantities.stamps_remarks for image in images)
    yield FILE_STAMPS, stamps
    remarks += _once(image.quantities.increment_remarks for image in images)
    increments = [image.quantities.increment_s or np.nan for image in images]
    yield "TimeIncrement of the file", np.outer(increments, np.arange(n_frames)) / 60


def _once(sentences: Iterable[list[str]]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(sentences)))


def _check_ends(
    files: list[tifffile.TiffFile], images: list[OmeImage], stored: NDArray[np.bool_]
) -> None:
    """Check the first and the last plane of every field of view; `_plane` checks each one."""
    for image, planes in zip(images, stored, strict=True):
        indices = np.argwhere(planes)
        for at in map(tuple, indices[[0, -1]] if len(indices) else indices):
            _page(files[image.file_index[at]], int(image.ifd[at]), image)


def _page(file: tifffile.TiffFile, ifd: int, image: OmeImage) -> tifffile.TiffPage:
    return checked_page(file, ifd, image.shape, image.dtype, "its OME-XML")


def _plane(file: tifffile.TiffFile, ifd: int, image: OmeImage) -> NDArray[np.generic]:
    return _page(file, ifd, image).asarray(maxworkers=1)
