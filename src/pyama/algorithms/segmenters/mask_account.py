"""What the stages of a segmentation leave of a mask, counted while the frames pass."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Mask
from pyama.algorithms.params import LogStdParams
from pyama.algorithms.segmenters.clean_up import (
    Areas,
    add,
    gentler_settings,
    shares,
    takes_too_much,
)
from pyama.algorithms.segmenters.logstd import high_variance_mask


class MaskAccount:
    """Areas after every stage, summed over frames, for methods that tell them.

    Args:
        tells: Whether the method takes `areas`.
        params: Of the method; used if it does.
        notes: Gets `areas`: the number of pixels of all frames (`pixels`) and what is left
            after every stage; and, if a stage took too much, `gentler`: parameters of LOG-STD
            with which none does.
    """

    def __init__(self, params: LogStdParams, notes: dict[str, Any], *, tells: bool) -> None:
        self._tells = tells
        self._params = params
        self._notes = notes
        self._areas: Areas = {}
        self._worst: tuple[float, NDArray[np.uint16] | None, Mask | None] = 0.0, None, None
        self._frame: Areas = {}

    def arguments(self) -> dict[str, Areas]:
        """Return a new account of one frame as arguments for the method."""
        self._frame = {}
        return {"areas": self._frame} if self._tells else {}

    def add(self, image: NDArray[np.uint16], gaps: Mask | None) -> None:
        """Add the account of the frame that was last asked for.

        Args:
            image: The frame, shape (H, W).
            gaps: True where nothing was recorded, shape (H, W); None if everything was.
        """
        lost = 0 if gaps is None else int(np.count_nonzero(gaps))
        add(self._areas, "pixels", image.size - lost)
        for stage, pixels in self._frame.items():
            add(self._areas, stage, pixels)
        taken = shares(self._frame)
        most = max((taken[stage] for stage in takes_too_much(self._frame)), default=0.0)
        if most > self._worst[0]:
            self._worst = most, image, gaps
        self._notes["areas"] = dict(self._areas)

    def close(self) -> None:
        """After the last frame: look for gentler settings if they are needed."""
        _, image, gaps = self._worst
        if image is not None and takes_too_much(self._areas):
            mask = high_variance_mask(image, self._params.logstd_window_size, gaps)
            self._notes["gentler"] = gentler_settings(mask, self._params)
