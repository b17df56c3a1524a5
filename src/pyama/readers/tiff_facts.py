"""What a TIFF file says of its planes, in the same terms for all programs that wrote it."""

from dataclasses import dataclass, field
from math import prod

import numpy as np
from numpy.typing import NDArray

AXES = "PTZC"
"""Axes of planes: field of view, frame, z plane, channel."""


@dataclass
class TiffFacts:
    """What one TIFF file says.

    Attributes:
        kind: Name of the format.
        sizes: Planes along every axis, the slowest first; `?` is an axis that is not named.
        channel_names: Names of channels; empty if there are none.
        pixel_size_um: (width, height) of a pixel in micrometres; None if unknown.
        increment_s: Seconds per frame, if known.
        stamps_s: Seconds of every frame, shape (P, T), if there are any.
        pages: Page of every plane, shape (P, T, Z, C), where the order is not that of `sizes`;
            -1 for none.
        pixel_remarks: Sentences about sizes that are not used.
        time_remarks: Sentences about times that are not used.
        remarks: Other sentences for the user.
    """

    kind: str
    sizes: dict[str, int]
    channel_names: list[str] = field(default_factory=list)
    pixel_size_um: tuple[float | None, float | None] = (None, None)
    increment_s: float | None = None
    stamps_s: NDArray[np.float64] | None = None
    pages: NDArray[np.int64] | None = None
    pixel_remarks: list[str] = field(default_factory=list)
    time_remarks: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def n_declared(self) -> int:
        """Number of planes that the file declares."""
        return prod(self.sizes.values())

    def page_numbers(self, n_stored: int) -> NDArray[np.int64]:
        """Return the page of every plane, shape (P, T, Z, C); -1 for one that is not stored.

        Args:
            n_stored: Number of planes in the file.
        """
        if self.pages is not None:
            return np.where(self.pages < n_stored, self.pages, -1)
        numbers = np.arange(self.n_declared).reshape(list(self.sizes.values()))
        numbers = np.where(numbers < n_stored, numbers, -1)
        order = "".join(self.sizes)
        present = [axis for axis in AXES if axis in order]
        numbers = numbers.transpose([order.index(axis) for axis in present])
        return numbers.reshape([self.sizes.get(axis, 1) for axis in AXES])
