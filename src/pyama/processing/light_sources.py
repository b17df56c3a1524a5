"""Flat field and dark frame of every fluorescence channel: where they come from."""

import logging
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.algorithms.crops import SCALE
from pyama.algorithms.flat_field import (
    IN_COUNTS,
    LEAST,
    FlatField,
    correct,
    from_background,
    from_image,
)
from pyama.algorithms.flat_field_params import ESTIMATE, FlatFieldParams
from pyama.algorithms.kernels.array_types import Boxes
from pyama.config import ProcessingConfig
from pyama.errors import ArrayError, ConfigError
from pyama.processing.external.light_images import LightImage, read_image
from pyama.store import Stack

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Light:
    """What the crops of one channel are corrected with.

    Attributes:
        flat: Flat field, mean 1, shape (H, W).
        dark: Counts without light, shape (H, W).
    """

    flat: NDArray[np.float32]
    dark: NDArray[np.float32]

    def corrected(self, crop: NDArray[np.float32], boxes: Boxes) -> NDArray[np.float64]:
        """Return a crop (T, h, w) as it would be under even light, see `correct`."""
        return correct(crop, boxes, self.flat, self.dark, SCALE)


@dataclass(frozen=True)
class Sources:
    """Where flat field and dark frame of a channel in a field of view come from.

    Attributes:
        channel: The channel.
        place: Field of view and channel, for messages.
        shape: (H, W) of a frame.
        flat: An image, `estimate`, or None for even light.
        dark: An image, counts, or None where nothing is known.
    """

    channel: int
    place: str
    shape: tuple[int, int]
    flat: LightImage | str | None
    dark: LightImage | float | None

    @property
    def dark_frame(self) -> NDArray[np.float32] | None:
        """Counts without light, shape (H, W); None where nothing is known."""
        if self.dark is None or isinstance(self.dark, LightImage):
            return None if self.dark is None else self.dark.pixels
        return _level(self.dark, self.shape)

    @property
    def is_estimated(self) -> bool:
        """Whether the flat field comes from the background."""
        return self.flat == ESTIMATE

    def from_image(self, image: LightImage) -> FlatField:
        """Return the flat field that an image shows.

        Raises:
            ConfigError: A pixel of it is not above the dark frame.
        """
        try:
            return _from_image(image, self.dark, self.shape)
        except ArrayError as error:
            raise ConfigError(
                f"{self.place}: flat_field: {error}. Was the lamp on, and is dark_frame of "
                "this camera?"
            ) from error

    def from_backgrounds(self, total: NDArray[np.float64], n: int) -> FlatField:
        """Return the flat field that the sum of `n` backgrounds shows.

        Raises:
            ConfigError: They show none.
        """
        told = (
            f"{self.place}: the flat field cannot be estimated, as {{}}. Give an image of it: "
            f"--set 'flat_field={{{{{self.channel}: FILE.tif}}}}'"
        )
        if not n:
            raise ConfigError(told.format("no background is visible in any frame"))
        try:
            return from_background(total / n, self.dark_frame)
        except ArrayError as error:
            raise ConfigError(told.format(error)) from error

    def warnings(self, found: FlatField) -> Iterator[str]:
        """Yield what makes the correction worse than it could be, in sentences."""
        in_counts = (
            self.flat.pixels.mean() >= IN_COUNTS
            if isinstance(self.flat, LightImage)
            else self.is_estimated
        )
        if in_counts and self.dark is None:
            yield (
                f"The flat field of channel {self.channel} has no dark frame: the camera's "
                "offset passes for light, and the correction is too weak. Say what the camera "
                "counts without light, such as --set dark_frame=100."
            )
        if found.n_bounded:
            yield (
                f"In {found.n_bounded} pixels of channel {self.channel} the light is below "
                f"{LEAST:g} of its mean, and {LEAST:g} is used."
            )


def sources(config: ProcessingConfig, fov: int, shape: tuple[int, int]) -> dict[int, Sources]:
    """Return where the corrections of a field of view come from, by channel.

    Images that are given are read and checked. Channels without correction are left out.

    Raises:
        ConfigError: An image or a channel is missing or wrong.
    """
    params = config.params
    ids = [entry.channel for entry in config.channels.fl]
    _check_channels(params, ids)
    return {
        channel: _sources(params, channel, f"FOV {fov}, channel {channel}", shape)
        for channel in ids
        if params.corrects(channel)
    }


def stored_light(
    stack: Callable[[str], Stack],
    params: FlatFieldParams,
    channel: int,
    shape: tuple[int, int],
) -> Light:
    """Return what the traces of a channel are corrected with, as it is on disk.

    Args:
        stack: Opens a group of the field of view.
        params: Of the run.
        channel: The channel.
        shape: (H, W) of a frame.
    """
    flat, dark = np.ones(shape, np.float32), np.zeros(shape, np.float32)
    if params.flat_field_of(channel) is not None:
        flat = stack(layout.flat_field(channel))[0]
    if params.dark_frame_of(channel) is not None:
        dark = stack(layout.dark_frame(channel))[0]
    return Light(flat, dark)


def flat_field(
    source: Sources, backgrounds: Stack | None, absent: AbstractSet[int], notes: dict[str, Any]
) -> Iterator[NDArray[np.float32] | None]:
    """Make the flat field of one channel in one field of view.

    Args:
        source: Where it comes from.
        backgrounds: What it is estimated from, if it is, (T, H, W) in counts.
        absent: Frames that show no background.
        notes: Gets the least and the largest value, and warnings.

    Yields:
        None after every frame, then the flat field (H, W).

    Raises:
        ConfigError: It cannot be had.
    """
    if isinstance(source.flat, LightImage):
        found = source.from_image(source.flat)
    elif backgrounds is None:
        raise ConfigError(f"{source.place}: no background to estimate the flat field from.")
    else:
        total = np.zeros(source.shape)
        present = [t for t in range(len(backgrounds)) if t not in absent]
        for t in present:
            total += backgrounds[t]  # multiples of 1/16 count: exact in any order
            yield None
        found = source.from_backgrounds(total, len(present))
    warnings = list(source.warnings(found))
    least, most = float(found.values.min()), float(found.values.max())
    notes.update(least=least, most=most, warnings=warnings)
    for warning in warnings:
        logger.warning("%s: %s", source.place, warning)
    yield found.values


def _sources(
    params: FlatFieldParams, channel: int, place: str, shape: tuple[int, int]
) -> Sources:
    flat: LightImage | str | None = params.flat_field_of(channel)
    dark: LightImage | float | str | None = params.dark_frame_of(channel)
    if isinstance(flat, str) and flat != ESTIMATE:
        flat = read_image(flat, shape, f"{place}: flat_field")
    if isinstance(dark, str):
        dark = read_image(dark, shape, f"{place}: dark_frame")
    found = Sources(channel, place, shape, flat, dark)
    if isinstance(flat, LightImage):
        found.from_image(flat)
    return found


def _check_channels(params: FlatFieldParams, ids: Sequence[int]) -> None:
    unknown = sorted(params.named_channels() - set(ids))
    if unknown:
        known = ", ".join(map(str, ids)) or "none"
        raise ConfigError(
            f"flat_field or dark_frame names channel {', '.join(map(str, unknown))}, which is "
            f"no fluorescence channel of this run ({known})."
        )


# The images of all fields of view are the same objects, see `read_image`.
@lru_cache(maxsize=16)
def _from_image(
    image: LightImage, dark: LightImage | float | None, shape: tuple[int, int]
) -> FlatField:
    level = dark.pixels if isinstance(dark, LightImage) else _level(dark or 0.0, shape)
    return from_image(image.pixels, None if dark is None else level)


@lru_cache(maxsize=16)
def _level(counts: float, shape: tuple[int, int]) -> NDArray[np.float32]:
    return np.full(shape, counts, np.float32)
