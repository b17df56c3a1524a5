"""Ground truth of synthetic recordings."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyama.testing.synthetic_cells import Expression


@dataclass(frozen=True)
class Truth:
    """Ground truth of one field of view. Row i of every table is the cell with id i + 1.

    Attributes:
        labels: True masks, shape (T, H, W): 0 is background, the ids are constant in time. A
            cell belongs to the truth while at least 200 px² of it are inside the frame; with
            a `kind`, a twentieth of the area of a cell of `width_px`.
        areas: Size of the true mask in px², shape (N, T); 0 where the cell is not there.
        totals: Noise-free fluorescence above the background, summed over the true mask, in
            counts, shape (N, T, n_fl). For a cell that is inside the frame and overlaps no
            other, this is `expressions[i][channel].total(hours)`.
        backgrounds: Noise-free fluorescence without cells in counts, shape (n_fl, H, W), as it
            is under even light.
        touching: Whether the rim of another cell is nearer than 12 px, shape (N, T).
        at_border: Whether the cell is cut by the edge of the frame, shape (N, T).
        parents: Id of the mother, 0 for none, shape (N,).
        expressions: The curve of every cell and fluorescence channel.
        times_min: Minutes since the first frame of the recording, shape (T,).
    """

    labels: NDArray[np.uint16]
    areas: NDArray[np.int64]
    totals: NDArray[np.float64]
    backgrounds: NDArray[np.float32]
    touching: NDArray[np.bool_]
    at_border: NDArray[np.bool_]
    parents: NDArray[np.int64]
    expressions: tuple[tuple[Expression, ...], ...]
    times_min: NDArray[np.float64]

    @property
    def n_cells(self) -> int:
        """Number of cells in all frames."""
        return len(self.areas)

    @property
    def present(self) -> NDArray[np.bool_]:
        """Whether the cell is present, shape (N, T)."""
        return np.asarray(self.areas > 0)

    @property
    def first_frames(self) -> NDArray[np.intp]:
        """Frame of the birth or arrival of every cell, shape (N,)."""
        return self.present.argmax(axis=1)

    @property
    def last_frames(self) -> NDArray[np.intp]:
        """Last frame of every cell, shape (N,)."""
        return self.present.shape[1] - 1 - self.present[:, ::-1].argmax(axis=1)

    @property
    def never_touching(self) -> NDArray[np.bool_]:
        """Whether the cell is alone in all its frames, shape (N,)."""
        return np.asarray(~self.touching.any(axis=1))
