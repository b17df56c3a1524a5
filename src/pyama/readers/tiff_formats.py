"""Which reader opens a TIFF: that of OME-TIFF if it contains OME-XML."""

import re
from pathlib import Path

from pyama.errors import ReaderError
from pyama.readers import PROPOSED, ZSelection
from pyama.readers.file_patterns import FileSet, file_set, image_names
from pyama.readers.ome_xml import parse
from pyama.readers.ometiff import OmeTiffReader
from pyama.readers.planes import PlaneReader, translate_errors
from pyama.readers.tiff import open_stack
from pyama.readers.tiff_folder import open_files
from pyama.readers.tiff_planes import open_tiff

_SCENE = re.compile(r"(.+_scene)\d+(\.ome\.tiff?)", re.IGNORECASE)
"""Names of files into which other programs split a recording."""


def open_tiff_recording(path: Path, z: ZSelection, axes: str) -> PlaneReader:
    """Open a TIFF file as a recording.

    Raises:
        ReaderError: See `open_reader`.
        ConfigError: `axes` does not fit the file.
    """
    with translate_errors(path), open_tiff(path) as file:
        text = file.pages.first.description
    if "<OME" not in text[:2000]:
        return open_stack(path, z, axes)
    if axes not in ("", PROPOSED):
        raise ReaderError(
            f"{path} is an OME-TIFF, which says itself which plane is which. Remove axes."
        )
    scenes = _scenes(path, text)
    if scenes is not None:
        return open_files(path, path.parent, scenes, z)
    return OmeTiffReader(path, z)


def _scenes(path: Path, text: str) -> FileSet | None:
    """Return the files of a split recording, if each of them describes only itself."""
    match = _SCENE.fullmatch(path.name)
    if match is None:
        return None
    pattern = f"{match[1]}{{p}}{match[2]}"
    names = [name for name in image_names(path.parent) if _SCENE.fullmatch(name)]
    files = file_set(path.parent, names, pattern)
    if len(files.names) < 2:
        return None
    with translate_errors(path):
        document = parse(text, path)
    if len(document.images) != 1 or document.files != [path]:
        return None
    files.remarks.append(
        f"Read as one recording, a field of view each: {', '.join(files.names[:20])}."
    )
    return files
