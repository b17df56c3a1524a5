"""Reading of the files of complete outputs, with errors that say what helps."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pyama.errors import StoreError
from pyama.symlinks import refuse_link_out


def read_file(path: Path, hint: str) -> bytes:
    """Read a file of a complete output; see `open_file`."""
    with open_file(path, hint) as file:
        return file.read()


@contextmanager
def open_file(path: Path, hint: str) -> Iterator[BinaryIO]:
    """Open a file of a complete output for reading.

    Raises:
        StoreError: It is missing or cannot be read; the message ends with `hint`.
        NotReadyError: It is a link that leads out of where reading is confined to.
    """
    refuse_link_out(path)
    try:
        with path.open("rb", buffering=0) as file:
            yield file
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}. {hint}") from error
