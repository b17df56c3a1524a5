"""Images in TIFF files that are not recordings: label images, flat fields, dark frames."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pyama.errors import PyamaError, ReaderError
from pyama.readers.planes import DAMAGE, library_message

if TYPE_CHECKING:
    import tifffile


class TiffImages:
    """Images of an open TIFF file.

    Attributes:
        n_pages: Number of pages.
        shape: Shape of the first page.
        dtype: Type of the pixels of the first page; None if it is not known.
        n_frames: Number of images. Writers take a stack of three or four frames for the planes
            of a colour image and save it as one page.
    """

    def __init__(self, file: "tifffile.TiffFile") -> None:
        from tifffile import PLANARCONFIG

        self._pages = file.pages
        self._first = first = file.pages.first
        self.n_pages = self.n_frames = len(file.pages)
        self.shape, self.dtype = first.shape, first.dtype
        planes = first.planarconfig == PLANARCONFIG.SEPARATE
        self._is_stack = self.n_pages == 1 and first.ndim == 3 and planes
        if self._is_stack:
            self.n_frames = first.shape[0]

    def read(self, frame: int = 0) -> NDArray[Any]:
        """Return an image, shape (H, W), with the pixels as stored."""
        if self._is_stack:
            return np.asarray(self._first.asarray())[frame]
        return np.asarray(self._pages[frame].asarray())


@contextmanager
def open_tiff_images(path: Path) -> Iterator[TiffImages]:
    """Open a TIFF file for the length of the block.

    Raises:
        FileNotFoundError: There is no such file.
        ReaderError: The file is damaged or not a TIFF file. The message is only the reason.
    """
    import tifffile  # takes a quarter of a second, and most runs need it not

    try:
        with tifffile.TiffFile(path) as file:
            yield TiffImages(file)
    except (PyamaError, FileNotFoundError):
        raise
    except (tifffile.TiffFileError, *DAMAGE) as error:
        raise ReaderError(library_message(error)) from error
