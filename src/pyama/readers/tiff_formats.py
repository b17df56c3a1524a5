"""Which reader opens a TIFF: that of OME-TIFF if it contains OME-XML."""

from pathlib import Path

from pyama.errors import ReaderError
from pyama.readers import PROPOSED, ZSelection
from pyama.readers.ometiff import OmeTiffReader
from pyama.readers.planes import PlaneReader, translate_errors
from pyama.readers.tiff import TiffReader
from pyama.readers.tiff_planes import open_tiff


def open_tiff_recording(path: Path, z: ZSelection, axes: str) -> PlaneReader:
    """Open a TIFF file as a recording.

    Raises:
        ReaderError: See `open_reader`.
        ConfigError: `axes` does not fit the file.
    """
    with translate_errors(path), open_tiff(path) as file:
        is_ome = "<OME" in file.pages.first.description[:2000]
    if is_ome:
        if axes not in ("", PROPOSED):
            raise ReaderError(
                f"{path} is an OME-TIFF, which says itself which plane is which. Remove axes."
            )
        return OmeTiffReader(path, z)
    return TiffReader(path, z, axes)
