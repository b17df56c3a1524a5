"""The base class of readers, and the checks and errors that all of them use."""

import logging
import struct
import zlib
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from xml.etree.ElementTree import Element, ParseError, fromstring

import numpy as np
from numpy.typing import NDArray

from pyama.errors import ConfigError, ReaderError
from pyama.readers import Z_IS_TIME, ZSelection
from pyama.readers.context_reader import ContextReader
from pyama.readers.recording_facts import Facts
from pyama.readers.z_planes import chosen_planes, used_planes

# Warnings of tifffile are not shown: a real problem is raised as an error. This module and not
# `ometiff` sets it, since masks and flat fields are TIFF files, too.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

MAX_PIXELS = 2**28
"""Largest field of view in px (16384 x 16384); a larger size counts as damaged."""
MAX_DECLARED = 1000
"""A size that gives more planes per stored plane counts as damaged."""

DAMAGE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    NameError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    MemoryError,
    EOFError,
    struct.error,
    zlib.error,
    ParseError,
)
"""Exceptions that the libraries raise for damaged files."""


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Convert an exception that a library raises for a damaged file into a ReaderError.

    Raises:
        ReaderError: The block raised one of `DAMAGE`.
    """
    try:
        yield
    except (ReaderError, ConfigError):
        raise
    except DAMAGE as error:
        raise ReaderError(
            f"{path} cannot be read: {library_message(error)}. If it is damaged or "
            "incomplete, copy it again from the microscope's computer."
        ) from error


def library_message(error: Exception) -> str:
    """Return the message of a library as one short line."""
    message = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
    return f"it has no entry {message}" if isinstance(error, KeyError) else message


T = TypeVar("T")


def read_optional(what: str, remarks: list[str], read: Callable[[], T]) -> T | None:
    """Return a value that a recording can do without; None if it cannot be read.

    Args:
        what: Name of the value, in the plural, for the sentence added to `remarks`.
        remarks: Takes a sentence if the value cannot be read.
        read: Returns the value.
    """
    try:
        return read()
    except DAMAGE as error:
        problem = library_message(error)
        remarks.append(f"{what} of the file cannot be read: {problem}. It may be damaged.")
        return None


def shorten(text: str, most: int = 40) -> str:
    """Return what a file says, in quotes and as one short line."""
    line = " ".join(text.split())
    return repr(line if len(line) <= most else f"{line[: most - 3]}...")


def positive_number(text: str) -> tuple[float | None, str]:
    """Return a finite positive number, or what the text is instead."""
    try:
        number = float(text)
    except ValueError:
        return None, f"{shorten(text)}, which is not a number"
    if 0 < number < float("inf"):
        return number, ""
    return None, f"{shorten(text)}, which is not a positive number"


def damage_error(path: Path, problem: str) -> ReaderError:
    """Return the error for a file whose content is inconsistent."""
    return ReaderError(
        f"{path} is damaged or incomplete: {problem}. Copy it again from the microscope's "
        "computer."
    )


def unsupported_error(path: Path, content: str) -> ReaderError:
    """Return the error for pixels or axes that are not supported."""
    return ReaderError(
        f"{path} contains {content}; expected unsigned grey values of 8 or 16 bits per field "
        "of view, frame, channel and z plane. Export the recording in that form, in Fiji with "
        "Image > Type > 16-bit, colours with Image > Color > Split Channels before."
    )


def check_sizes(path: Path, height: int, width: int, declared: int, stored: int) -> None:
    """Raise an error for sizes of a damaged file, before memory is allocated for them.

    Args:
        path: The file, for the message.
        height: Height of a field of view in px.
        width: Width of a field of view in px.
        declared: Number of planes according to the sizes.
        stored: Number of planes in the file.

    Raises:
        ReaderError: A size is not positive, or much larger than the file allows.
    """
    if height < 1 or width < 1 or height * width > MAX_PIXELS:
        raise damage_error(
            path, f"its frames are {height} x {width} px (at most {MAX_PIXELS} px in all)"
        )
    if declared < 1 or stored < 1 or declared > MAX_DECLARED * stored:
        raise damage_error(path, f"it declares {declared} planes and contains {stored}")


def refuse_entities(text: bytes) -> None:
    """Refuse an XML document that defines entities, which files of microscopes never do.

    Raises:
        ValueError: It defines entities.
    """
    if b"<!DOCTYPE" in text.replace(b"\0", b""):  # in UTF-16, every other byte is 0
        raise ValueError("its XML defines entities, which is not safe to read")


def parse_xml(text: bytes) -> Element:
    """Return the root of an XML document.

    Raises:
        ValueError: It defines entities, or is not well-formed.
    """
    refuse_entities(text)
    return fromstring(text)  # noqa: S314 (without entities it cannot expand)


def empty_images(channels: Sequence[int], shape: tuple[int, int]) -> NDArray[np.uint16]:
    """Allocate one image per channel, shape (C, H, W).

    One block for all channels: two blocks of 8 MB take four times as long, because the C
    library then returns the memory to the system after every frame.
    """
    return np.empty((len(channels), *shape), np.uint16)


class PlaneReader(ContextReader):
    """Base class of readers that read images plane by plane.

    Args:
        facts: Content of the file.
        z: Which planes of a z stack are read.

    Attributes:
        metadata: Description of the recording.
        z: Which planes of a z stack are read.
    """

    def __init__(self, facts: Facts, z: ZSelection) -> None:
        self.z = z
        if z == Z_IS_TIME:
            facts = facts.with_z_as_time()
        self.metadata = facts.metadata("middle" if z == Z_IS_TIME else z)
        self._stored, self._path = facts.stored, facts.path
        self._used = used_planes(facts.stored, self.planes_at(z))
        self._closed = False

    def planes_at(self, z: ZSelection) -> list[tuple[int, ...]]:
        """Return the planes that are read for a selection, by channel.

        Raises:
            ReaderError: There is no such plane or channel.
        """
        return chosen_planes(self._stored, "middle" if z == Z_IS_TIME else z, self._path)

    @abstractmethod
    def _read(
        self, fov: int, frame: int, z: int, channels: Sequence[int]
    ) -> list[NDArray[np.uint16]]:
        """Return one new C-contiguous plane per channel; all of them are in the file."""

    @abstractmethod
    def _close(self) -> None:
        """Close the file; called once."""

    def close(self) -> None:
        """Close the file. Closing twice is allowed."""
        if not self._closed:
            self._closed = True
            self._close()

    def read(self, fov: int, frame: int, channels: Sequence[int]) -> list[NDArray[np.uint16]]:
        """Read one frame; see `Reader.read`."""
        known = self.metadata
        if self._closed:
            raise ReaderError(f"{known.path} is closed. Open it again to read from it.")
        self._check("FOV", fov, known.n_fovs)
        self._check("frame", frame, known.n_frames)
        for channel in channels:
            self._check("channel", channel, known.n_channels)
        with translate_errors(known.path):
            images = self._maxima(fov, frame, list(dict.fromkeys(channels)))
        black = known.shapes[fov]
        return [images[c] if c in images else np.zeros(black, np.uint16) for c in channels]

    def _planes(
        self, fov: int, frame: int, z: int, channels: Sequence[int]
    ) -> list[NDArray[np.uint16]]:
        place = (z, frame) if self.z == Z_IS_TIME else (frame, z)
        return self._read(fov, *place, channels)

    def _maxima(
        self, fov: int, frame: int, channels: Sequence[int]
    ) -> dict[int, NDArray[np.uint16]]:
        """Return the images of those channels of which a plane is stored."""
        used = self._used[fov, frame]
        images: dict[int, NDArray[np.uint16]] = {}
        for z in np.flatnonzero(used[:, channels].any(axis=1)).tolist():
            here = [c for c in channels if used[z, c]]
            for c, plane in zip(here, self._planes(fov, frame, z, here), strict=True):
                if c in images:
                    np.maximum(images[c], plane, out=images[c])
                else:
                    images[c] = plane
        return {c: self._or_only_plane(fov, frame, c, image) for c, image in images.items()}

    def _or_only_plane(
        self, fov: int, frame: int, channel: int, image: NDArray[np.uint16]
    ) -> NDArray[np.uint16]:
        """Return the only plane with any signal if the image that was asked for has none.

        ND2 files hold zeros in the planes that a channel without a stack does not have.
        """
        others = self._stored[fov, frame, :, channel] & ~self._used[fov, frame, :, channel]
        is_chosen = isinstance(self.z, Mapping) and channel in self.z
        if is_chosen or not others.any() or image[0, 0] or image.any():
            return image
        planes = (
            self._planes(fov, frame, z, [channel])[0] for z in np.flatnonzero(others).tolist()
        )
        found = [plane for plane in planes if plane.any()]
        return found[0] if len(found) == 1 else image

    def _check(self, what: str, index: int, count: int) -> None:
        if not 0 <= index < count:
            raise ReaderError(
                f"{self.metadata.path} has no {what} {index}: it has {count}, counted from 0."
            )
