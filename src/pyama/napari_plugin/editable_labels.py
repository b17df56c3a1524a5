"""A stack of labels that napari draws in: frames are read when they are shown."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.exports.lazy_stack import LazyStack


class EditableLabels:
    """Labels (T, H, W) of which frames that were drawn in are kept in memory.

    A whole stack may be larger than the memory, and napari does not draw in arrays of Dask.

    Args:
        stack: The labels on disk, which stay as they are.

    Attributes:
        edited: Frames that were drawn in, by their index.
    """

    ndim = 3

    def __init__(self, stack: LazyStack) -> None:
        self._stack = stack
        self.shape: tuple[int, ...] = tuple(stack.shape)
        self.dtype = np.dtype(stack.dtype)
        self.size = int(np.prod(self.shape))
        self.edited: dict[int, NDArray[Any]] = {}

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read as from an array of NumPy; the first index may be of any kind."""
        first, rest = self._split(key)
        if isinstance(first, slice):
            frames = [self._frame(t)[rest] for t in range(*first.indices(len(self)))]
            return np.stack(frames) if frames else np.zeros((0, *self.shape[1:]), self.dtype)
        numbers = np.asarray(first)
        if numbers.ndim == 0:
            return np.asarray(self._frame(int(numbers))[rest])
        numbers, *places = np.broadcast_arrays(numbers, *rest)
        values = np.zeros(numbers.shape, self.dtype)
        for t in np.unique(numbers).tolist():
            inside = numbers == t
            values[inside] = self._frame(t)[tuple(place[inside] for place in places)]
        return values

    def __setitem__(self, key: Any, value: Any) -> None:
        """Draw; the frames are kept in `edited`."""
        first, rest = self._split(key)
        if isinstance(first, slice):
            frames = range(*first.indices(len(self)))
            values = np.broadcast_to(value, self[key].shape)
            for t, part in zip(frames, values, strict=True):
                self._editable(t)[rest] = part
            return
        numbers = np.asarray(first)
        if numbers.ndim == 0:
            self._editable(int(numbers))[rest] = value
            return
        numbers, *places = np.broadcast_arrays(numbers, *rest)
        values = np.broadcast_to(value, numbers.shape)
        for t in np.unique(numbers).tolist():
            inside = numbers == t
            here = tuple(place[inside] for place in places)
            self._editable(t)[here] = values[inside]

    def __array__(
        self, dtype: np.dtype[Any] | None = None, copy: bool | None = None
    ) -> NDArray[Any]:
        """Read the whole stack."""
        return self[:].astype(dtype or self.dtype, copy=False)

    def forget_edits(self) -> None:
        """Show the labels on disk again."""
        self.edited.clear()

    def next_label(self, frame: int) -> int:
        """Return a number that no cell has in a frame."""
        return int(self._frame(frame).max(initial=0)) + 1

    def _split(self, key: Any) -> tuple[Any, tuple[Any, ...]]:
        keys = key if isinstance(key, tuple) else (key,)
        if any(part is Ellipsis for part in keys):
            at = next(i for i, part in enumerate(keys) if part is Ellipsis)
            missing = self.ndim - len(keys) + 1
            keys = (*keys[:at], *[slice(None)] * missing, *keys[at + 1 :])
        return keys[0], tuple(keys[1:])

    def _frame(self, t: int) -> NDArray[Any]:
        t %= len(self)
        return self.edited[t] if t in self.edited else self._stack[t]

    def _editable(self, t: int) -> NDArray[Any]:
        t %= len(self)
        if t not in self.edited:
            self.edited[t] = self._stack[t].copy()
        return self.edited[t]
