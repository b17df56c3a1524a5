"""A reader that raises an error if its file changes while it is copied."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pyama.errors import ReaderError
from pyama.readers import Reader, ZSelection, open_reader
from pyama.readers.context_reader import ContextReader


class ChangeCheckingReader(ContextReader):
    """A reader that checks its file before and after every frame.

    If a memory-mapped file is truncated while it is read, the whole program ends; and a file
    that is still being recorded would be copied in part.

    Args:
        path: The file.
        z: Which planes of a z stack are read.
        axes: Which plane is which, see `open_reader`.

    Raises:
        ReaderError: See `open_reader`; also if the file changes or is removed.
    """

    def __init__(self, path: Path, z: ZSelection, axes: str = "") -> None:
        self._path = path
        self._open_again = partial(open_reader, path, z, axes=axes)
        self._reader: Reader = self._open_again()
        self._state = _state(path)
        self.metadata = self._reader.metadata

    def read(self, fov: int, frame: int, channels: Sequence[int]) -> list[NDArray[np.uint16]]:
        """Read one frame; see `Reader.read`."""
        self._check()
        images = self._reader.read(fov, frame, channels)
        self._check()
        return images

    def close(self) -> None:
        """Close the file. Closing twice is allowed."""
        self._reader.close()

    def _check(self) -> None:
        state = _state(self._path)
        if state == self._state:
            return
        # Copying or a virus scanner may change the date without changing the content.
        with self._open_again() as again:
            same = again.metadata.identity == self.metadata.identity
        if not same or state[0] != self._state[0]:
            raise ReaderError(
                f"{self._path} has changed while it was copied. Wait until the recording has "
                "ended and the file is complete, then run again."
            )
        self._state = state


def _state(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        raise ReaderError(
            f"{path} was removed while it was copied. Restore it and run again; completed "
            "results are kept."
        ) from None
    except OSError as error:
        raise ReaderError(f"{path} cannot be reached: {error.strerror}.") from error
    size = 0 if path.is_dir() else status.st_size
    return size, status.st_mtime_ns, status.st_ino
