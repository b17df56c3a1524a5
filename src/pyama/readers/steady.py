"""A recording that must stay the same while it is copied."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pyama.errors import ReaderError
from pyama.readers import Reader, ZSelection, open_reader


class SteadyReader:
    """A reader that looks at its file before and after every frame.

    Formats that are mapped into memory end the whole program when their file is cut off while
    it is read, and a recording that still grows would be copied in part.

    Args:
        path: The file.
        z: Which plane of a z stack is read.

    Raises:
        ReaderError: See `open_reader`; also when the file changes or goes away.
    """

    def __init__(self, path: Path, z: ZSelection) -> None:
        self._path, self._z = path, z
        self._reader: Reader = open_reader(path, z)
        self._state = _state(path)
        self.metadata = self._reader.metadata

    def read(self, fov: int, frame: int, channels: Sequence[int]) -> list[NDArray[np.uint16]]:
        """Read one frame, see `Reader.read`."""
        self._check()
        images = self._reader.read(fov, frame, channels)
        self._check()
        return images

    def close(self) -> None:
        """Close the file. Closing twice is fine."""
        self._reader.close()

    def __enter__(self) -> Self:
        """Return the reader itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def _check(self) -> None:
        state = _state(self._path)
        if state == self._state:
            return
        # A new date alone may come from a copy or a virus scanner.
        with open_reader(self._path, self._z) as again:
            same = again.metadata.identity == self.metadata.identity
        if not same or state[0] != self._state[0]:
            raise ReaderError(
                f"{self._path} has changed while it was copied. Wait until the recording has "
                "ended and the file is complete, then run again."
            )
        self._state = state


def _state(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        raise ReaderError(
            f"{path} went away while it was copied. Bring it back and run again; what is "
            "finished is kept."
        ) from None
    except OSError as error:
        raise ReaderError(f"{path} cannot be reached: {error.strerror}.") from error
    return found.st_size, found.st_mtime_ns, found.st_ino
