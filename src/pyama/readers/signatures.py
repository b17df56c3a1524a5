"""Recognition of file formats by the first bytes of a file."""

from pathlib import Path
from typing import Literal

from pyama.errors import ReaderError
from pyama.symlinks import refuse_link_out

Kind = Literal["nd2", "czi", "tiff", "ome-xml"]

KINDS: dict[bytes, Kind] = {
    b"\xda\xce\xbe\x0a": "nd2",
    b"ZISRAWFILE": "czi",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",
    b"MM\0+": "tiff",
}
CONVERT = (
    "save it as OME-TIFF, in Fiji with File > Import > Bio-Formats and then File > Save As > "
    "OME-TIFF"
)
INSTALL = "install its reader with pip install 'pyama-traces[bioio]'"
PLUGINS = {
    ".lif": "bioio-lif",
    ".dv": "bioio-dv",
    ".r3d": "bioio-dv",
    ".sldy": "bioio-sldy",
    **dict.fromkeys((".oib", ".oif", ".oir", ".zvi", ".ims", ".vsi"), "bioio-bioformats"),
}
"""Plugins of bioio by the suffix of a file."""
OTHERS = {
    b"\0\0\0\x0cjP  ": "an ND2 file of a NIS-Elements older than 2010 or a JPEG 2000 image; "
    "save it again with a newer NIS-Elements",
    b"version https://git-lfs": "a Git LFS pointer, not the file itself; run `git lfs pull`",
    b"\x89HDF\r\n\x1a\n": f"an HDF5 file; {INSTALL} bioio-bioformats, or {CONVERT}",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"\xd0\xcf\x11\xe0": f"an OLE file such as OIB or ZVI; {INSTALL} "
    f"bioio-bioformats, or {CONVERT}",
    b"\x70\0\0\0": f"a Leica LIF file; {INSTALL} bioio-lif, or {CONVERT}",
    b"PK\x03\x04": "a ZIP archive; unpack it",
    b"\x1f\x8b": "a gzip archive; unpack it",
}
WANTED = "Expected ND2, CZI, TIFF or OME-Zarr."
FIRST = 512


def kind_of(path: Path) -> Kind:
    """Return the format of a file.

    Raises:
        ReaderError: It is missing, a folder, unreadable, empty or of another format.
    """
    first = _first_bytes(path)
    if not first:
        raise ReaderError(f"{path} is empty (0 bytes). Copy it again from its source.")
    for signature, kind in KINDS.items():
        if first.startswith(signature):
            _refuse_other_suffix(path, kind)
            return kind
    if b"<OME" in first or path.name.lower().endswith((".ome", ".ome.xml")):
        return "ome-xml"
    for signature, description in OTHERS.items():
        if first.startswith(signature):
            raise ReaderError(f"{path} is {description}. {WANTED}")
    if first.count(0) == len(first):
        raise ReaderError(f"{path} begins with zeros: copying it did not finish. {WANTED}")
    if all(byte >= 32 or byte in b"\t\r\n\f" for byte in first):
        raise ReaderError(f"{path} is a text file. {WANTED}")
    plugin = PLUGINS.get(path.suffix.lower())
    ways = f"; {INSTALL} {plugin}, or {CONVERT}" if plugin else ""
    raise ReaderError(
        f"{path} is of an unknown kind: it begins with {first[:8]!r}{ways}. {WANTED}"
    )


def _refuse_other_suffix(path: Path, kind: Kind) -> None:
    """Refuse a TIFF header in a format that keeps its images in other files, as VSI does."""
    plugin = PLUGINS.get(path.suffix.lower())
    if kind == "tiff" and plugin:
        raise ReaderError(
            f"{path} begins like a TIFF file, but {path.suffix} is another format, whose "
            f"images a TIFF reader does not find; {INSTALL} {plugin}, or {CONVERT}. {WANTED}"
        )


def _first_bytes(path: Path) -> bytes:
    refuse_link_out(path)
    try:
        with path.open("rb") as file:
            return file.read(FIRST)
    except FileNotFoundError:
        raise ReaderError(f"{path} does not exist. Check the path.") from None
    except PermissionError:
        raise ReaderError(f"{path} may not be read. Check its permissions.") from None
    except (OSError, ValueError) as error:
        if isinstance(error, ReaderError):
            raise
        raise ReaderError(f"{path!s} cannot be opened: {error}. Check the path.") from error
