"""Planes in TIFF files: opened when they are needed, and checked before they are read."""

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from pyama.errors import ReaderError
from pyama.readers.planes import damage_error, unsupported_error
from pyama.symlinks import refuse_link_out

MOST_OPEN = 16
"""Files of a recording that are open at the same time."""
OPEN_ERRORS = (tifffile.TiffFileError, OSError)


class TiffFiles:
    """The files of a recording; those that were used last are open.

    Args:
        paths: The files.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._open: OrderedDict[int, tifffile.TiffFile] = OrderedDict()

    def file(self, index: int) -> tifffile.TiffFile:
        """Return an open file.

        Raises:
            ReaderError: It cannot be opened.
        """
        if index not in self._open:
            if len(self._open) >= MOST_OPEN:
                self._open.popitem(last=False)[1].close()
            self._open[index] = open_tiff(self._paths[index])
        self._open.move_to_end(index)
        return self._open[index]

    def close(self) -> None:
        """Close all files."""
        while self._open:
            self._open.popitem()[1].close()


def open_tiff(path: Path) -> tifffile.TiffFile:
    """Open a TIFF file.

    Raises:
        ReaderError: It is missing, damaged, or not a TIFF.
    """
    refuse_link_out(path)
    try:
        return tifffile.TiffFile(path)
    except FileNotFoundError:
        raise ReaderError(f"{path} does not exist. Check the path.") from None
    except OPEN_ERRORS as error:
        raise damage_error(path, str(error).rstrip(".")) from error


def checked_page(
    file: tifffile.TiffFile, number: int, shape: tuple[int, ...], dtype: str, source: str
) -> tifffile.TiffPage:
    """Return a plane's page after checking it against what is known and the file's size.

    Args:
        file: The open file.
        number: 0-based number of the page.
        shape: Expected (H, W) in px.
        dtype: Expected type of the pixels.
        source: Where that is said, for messages.

    Raises:
        ReaderError: The page is different, or is not all there.
    """
    page = file.pages[number]
    path = Path(file.filehandle.path)
    if not isinstance(page, tifffile.TiffPage):
        raise damage_error(path, f"plane {number} has no tags")
    if page.shape != shape or str(page.dtype) != dtype:
        raise damage_error(
            path,
            f"plane {number} is {page.shape} {page.dtype}, {source} says {shape} {dtype}",
        )
    ends = np.add(page.dataoffsets, page.databytecounts)
    stored = sum(page.databytecounts)
    if len(ends) == 0 or ends.max() > file.filehandle.size:
        raise damage_error(path, f"plane {number} lies beyond its end")
    if page.compression == 1 and stored < page.nbytes:
        raise damage_error(path, f"plane {number} has {stored} of {page.nbytes} bytes")
    return page


def n_planes_in(file: tifffile.TiffFile, declared: int) -> int:
    """Return how many planes a file contains.

    Programs write stacks of more than 4 GB as one page, which is followed by the pixels of all
    planes.

    Args:
        file: The open file.
        declared: Number of planes that it declares.
    """
    n_pages, page = len(file.pages), file.pages.first
    if n_pages > 1 or declared <= 1 or not is_block(file):
        return n_pages
    return max(1, (file.filehandle.size - page.dataoffsets[0]) // page.nbytes)


def is_block(file: tifffile.TiffFile) -> bool:
    """Whether the pixels of further planes may follow those of the only page of a file."""
    page = file.pages.first
    return len(file.pages) == 1 and page.compression == 1 and bool(page.is_contiguous)


def read_block_plane(file: tifffile.TiffFile, number: int) -> NDArray[np.generic]:
    """Return a plane of a file of one page, shape (H, W); see `n_planes_in`."""
    page, handle = file.pages.first, file.filehandle
    offset = page.dataoffsets[0] + number * page.nbytes
    if offset + page.nbytes > handle.size:
        raise damage_error(Path(handle.path), f"plane {number} lies beyond its end")
    dtype = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    handle.seek(offset)
    return np.frombuffer(handle.read(page.nbytes), dtype).reshape(page.shape)


def check_pixels(path: Path, page: tifffile.TiffPage) -> None:
    """Refuse images that are in colour or not of unsigned integers.

    Raises:
        ReaderError: They are.
    """
    if page.samplesperpixel > 1 or len(page.shape) != 2:
        raise unsupported_error(path, "colour images")
    if str(page.dtype) not in ("uint8", "uint16"):
        raise unsupported_error(path, f"{page.dtype} pixels")
