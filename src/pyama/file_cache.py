"""A cache for what is read from a file, valid as long as the file stays the same."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def cached_while_unchanged(size: int) -> Callable[[Callable[[Path], T]], Callable[[Path], T]]:
    """Decorate a function that reads a file, so that the same file is read once.

    A file counts as unchanged while its date and its length stay the same.

    Args:
        size: Number of files whose results are kept in memory.

    Returns:
        A decorator for functions of a path. The decorated function raises OSError if the
        file does not exist.
    """

    def decorate(read: Callable[[Path], T]) -> Callable[[Path], T]:
        @lru_cache(maxsize=size)
        def read_version(path: Path, changed_ns: int, n_bytes: int) -> T:
            return read(path)

        def read_cached(path: Path) -> T:
            status = path.stat()
            return read_version(path, status.st_mtime_ns, status.st_size)

        return read_cached

    return decorate
