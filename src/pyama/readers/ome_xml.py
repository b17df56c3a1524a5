"""The OME-XML of an OME-TIFF: the images, and the file and place of each of their planes.

It follows the OME-TIFF specification, https://ome-model.readthedocs.io/en/stable/ome-tiff.
"""

from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from pyama.errors import ReaderError
from pyama.readers.ome_quantities import Quantities, read_quantities
from pyama.readers.planes import check_sizes, damage_error, parse_xml, unsupported_error
from pyama.symlinks import refuse_link_out

DTYPES = ("uint8", "uint16")


@dataclass
class OmeImage:
    """One image of an OME-XML: a field of view.

    Attributes:
        name: Name in the file.
        shape: (H, W) in px.
        dtype: `uint8` or `uint16`.
        channel_names: Names in the file, possibly empty.
        file_index: Index of the file that contains a plane, shape (T, Z, C); -1 for none.
        ifd: Number of the plane in that file, shape (T, Z, C).
        quantities: Size of a pixel and times, and what cannot be read of them.
    """

    name: str
    shape: tuple[int, int]
    dtype: str
    channel_names: list[str]
    file_index: NDArray[np.int32]
    ifd: NDArray[np.int64]
    quantities: Quantities


@dataclass
class OmeDocument:
    """All images and their files; or, without images, the file that describes them."""

    images: list[OmeImage]
    files: list[Path]
    described_in: Path | None = None


def parse(text: str, path: Path) -> OmeDocument:
    """Read the OME-XML of a file.

    Args:
        text: The XML.
        path: The file that contains it; the other files of the set are in the same folder.

    Raises:
        ReaderError: The pixel type is not supported, sizes are implausible, or a file of the
            set is missing.
    """
    root = parse_xml(text.encode())
    elsewhere = root.find("{*}BinaryOnly")
    if elsewhere is not None:
        return OmeDocument([], [], _beside(path, elsewhere.get("MetadataFile", "")))
    files = _Files(path, root.get("UUID", ""))
    images = [_image(image, path, files) for image in root.iterfind("{*}Image")]
    if not images:
        raise damage_error(path, "its OME-XML describes no image")
    _check_places(path, images)
    return OmeDocument(images, files.paths)


class _Files:
    """Files in the order in which planes are assigned to them."""

    def __init__(self, path: Path, uuid: str) -> None:
        self._path, self._uuid = path, uuid
        self.paths: list[Path] = []

    def index(self, element: Element) -> int:
        companion = self._path
        uuid = element.find("{*}UUID")
        # A renamed file still has its UUID.
        if uuid is not None and (uuid.text or "").strip() != self._uuid:
            companion = _beside(self._path, uuid.get("FileName", self._path.name))
        if companion not in self.paths:
            self.paths.append(companion)
        return self.paths.index(companion)


def _beside(path: Path, name: str) -> Path:
    companion = path.with_name(Path(name).name) if Path(name).name else path
    if not companion.is_file():
        raise ReaderError(
            f"{path} belongs to a set of files, but {companion.name} is not in its folder. "
            "Copy the whole set into one folder."
        )
    refuse_link_out(companion)
    return companion


def _image(image: Element, path: Path, files: _Files) -> OmeImage:
    pixels = image.find("{*}Pixels")
    if pixels is None:
        raise damage_error(path, "an image of its OME-XML has no pixels")
    channels = pixels.findall("{*}Channel")
    kind = pixels.get("Type", "")
    if kind not in DTYPES:
        raise unsupported_error(path, f"{kind or 'unknown'} pixels")
    if any(int(channel.get("SamplesPerPixel", 1)) != 1 for channel in channels):
        raise unsupported_error(path, "colour images")
    size = {axis: int(pixels.get(f"Size{axis}", 0)) for axis in "XYZCT"}
    blocks = pixels.findall("{*}TiffData")
    declared = size["T"] * size["Z"] * size["C"]
    check_sizes(path, size["Y"], size["X"], declared, declared)
    if declared > MAX_PLANES:
        raise damage_error(path, f"it declares {declared} planes")
    file_index, ifd = _places(pixels, blocks, size, files)
    return OmeImage(
        image.get("Name", ""),
        (size["Y"], size["X"]),
        kind,
        ([channel.get("Name", "") for channel in channels] + [""] * size["C"])[: size["C"]],
        file_index,
        ifd,
        read_quantities(pixels, file_index >= 0),
    )


def _check_places(path: Path, images: list[OmeImage]) -> None:
    """Refuse an OME-XML in which one image of a file stands for two planes."""
    stored = [image.file_index >= 0 for image in images]
    places = np.concatenate(
        [
            np.stack([image.file_index[known], image.ifd[known]])
            for image, known in zip(images, stored, strict=True)
        ],
        axis=1,
    )
    doubled = places.shape[1] - np.unique(places, axis=1).shape[1]
    if doubled:
        raise damage_error(path, f"its OME-XML gives {doubled} images to more than one plane")


MAX_PLANES = 10**6
"""A size that gives more planes in one field of view counts as damaged."""


def _places(
    pixels: Element, blocks: list[Element], size: dict[str, int], files: _Files
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    order = pixels.get("DimensionOrder", "XYZCT")[2:]  # the first axis varies fastest
    strides = {order[0]: 1, order[1]: size[order[0]]}
    strides[order[2]] = size[order[0]] * size[order[1]]
    total = size["T"] * size["Z"] * size["C"]
    file_index, ifd = np.full(total, -1, np.int32), np.zeros(total, np.int64)
    is_exact = np.zeros(total, np.bool_)
    for block in blocks:
        start = sum(int(block.get(f"First{axis}", 0)) * strides[axis] for axis in "TZC")
        rest = max(0, total - start)
        count = int(block.get("PlaneCount", rest if block.get("IFD") is None else 1))
        here = slice(start, start + min(count, rest))
        if is_exact[here].any() and block.get("IFD") is not None:
            raise ValueError(
                f"its OME-XML gives two images to plane {start} of a field of view"
            )
        is_exact[here] = block.get("IFD") is not None
        file_index[here] = files.index(block)
        ifd[here] = int(block.get("IFD", 0)) + np.arange(min(count, rest))
    lengths = [size[axis] for axis in reversed(order)]
    axes = [2 - order.index(axis) for axis in "TZC"]
    return file_index.reshape(lengths).transpose(axes), ifd.reshape(lengths).transpose(axes)
