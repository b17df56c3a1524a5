"""A cache for what is read from a file, valid as long as the file stays the same."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Rest = TypeVarTuple("Rest")


def cached_while_unchanged(
    size: int,
) -> Callable[[Callable[[Path, *Rest], T]], Callable[[Path, *Rest], T]]:
    """Decorate a function that reads a file, so that the same file is read once.

    A file counts as unchanged while its date and its length stay the same.

    Args:
        size: Number of results that are kept in memory.

    Returns:
        A decorator for functions of a path and of other arguments that can be hashed. The
        decorated function raises what the function raises if the file does not exist.
    """

    def decorate(read: Callable[[Path, *Rest], T]) -> Callable[[Path, *Rest], T]:
        @lru_cache(maxsize=size)
        def read_version(changed_ns: int, n_bytes: int, path: Path, *rest: *Rest) -> T:
            return read(path, *rest)

        def read_cached(path: Path, *rest: *Rest) -> T:
            try:
                status = path.stat()
            except OSError:
                return read(path, *rest)
            return read_version(status.st_mtime_ns, status.st_size, path, *rest)

        return read_cached

    return decorate
