"""Flat fields and dark frames of the fluorescence channels: their sources and jobs."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.algorithms.crops import SCALE
from pyama.algorithms.flat_field import (
    IN_COUNTS,
    MIN_VALUE,
    FlatField,
    correct,
    from_background,
    from_image,
)
from pyama.algorithms.flat_field_params import ESTIMATE, FlatFieldParams
from pyama.algorithms.gaps import fill_gaps
from pyama.algorithms.kernels.array_types import Boxes
from pyama.config import ProcessingConfig
from pyama.errors import ArrayError, ConfigError
from pyama.processing.external.light_images import LightImage, read_image
from pyama.processing.fov import FovContext, full_output
from pyama.processing.runner import Job, Part
from pyama.processing.steps.step import RecipeParts
from pyama.store import NotRecorded, Stack

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Light:
    """Flat field and dark frame that the crops of one channel are corrected with.

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
        dark: An image, counts, or None if unknown.
    """

    channel: int
    place: str
    shape: tuple[int, int]
    flat: LightImage | str | None
    dark: LightImage | float | None

    @property
    def dark_frame(self) -> NDArray[np.float32] | None:
        """Counts without light, shape (H, W); None if unknown."""
        if self.dark is None or isinstance(self.dark, LightImage):
            return None if self.dark is None else self.dark.pixels
        return _level(self.dark, self.shape)

    @property
    def is_estimated(self) -> bool:
        """Whether the flat field comes from the background."""
        return self.flat == ESTIMATE

    def from_image(self, image: LightImage) -> FlatField:
        """Return the flat field according to an image.

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
        """Return the flat field according to the sum of `n` backgrounds.

        Raises:
            ConfigError: It cannot be estimated from them.
        """
        message = (
            f"{self.place}: the flat field cannot be estimated, as {{}}. Give an image of it: "
            f"--set 'flat_field={{{{{self.channel}: FILE.tif}}}}'"
        )
        if not n:
            raise ConfigError(message.format("no background is visible in any frame"))
        try:
            return from_background(total / n, self.dark_frame)
        except ArrayError as error:
            raise ConfigError(message.format(error)) from error

    def warnings(self, field: FlatField) -> Iterator[str]:
        """Yield what limits the quality of the correction, in sentences."""
        in_counts = (
            self.flat.pixels.mean() >= IN_COUNTS
            if isinstance(self.flat, LightImage)
            else self.is_estimated
        )
        if in_counts and self.dark is None:
            yield (
                f"The flat field of channel {self.channel} has no dark frame: the camera's "
                "offset is taken for light, and the correction is too weak. Set the counts of "
                "the camera without light, such as --set dark_frame=100."
            )
        if field.n_bounded:
            yield (
                f"In {field.n_bounded} px of channel {self.channel} the light is below "
                f"{MIN_VALUE:g} of its mean, and {MIN_VALUE:g} is used."
            )


def sources(config: ProcessingConfig, fov: int, shape: tuple[int, int]) -> dict[int, Sources]:
    """Return the sources of flat field and dark frame of a field of view, by channel.

    Images are read and checked. Channels without correction are left out.

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
    """Read the flat field and dark frame of a channel from the output folder.

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


def light_recipes(light: Mapping[int, Sources]) -> Iterator[tuple[str, RecipeParts]]:
    """Yield names and recipe parts of the dark frames and flat fields of a field of view."""
    for channel, source in light.items():
        inputs = []
        if source.dark is not None:
            dark = full_output(layout.dark_frame(channel))
            yield dark, RecipeParts(params={"dark_frame": _dark_text(source.dark)})
            inputs.append(dark)
        flat = full_output(layout.flat_field(channel))
        if isinstance(source.flat, LightImage):
            yield flat, RecipeParts(inputs, "image", {"flat_field": source.flat.digest})
        elif source.flat is not None:
            inputs.append(full_output(layout.background(channel)))
            yield flat, RecipeParts(inputs, source.flat)


def _dark_text(dark: LightImage | float) -> str:
    return f"image {dark.digest}" if isinstance(dark, LightImage) else f"{dark:g} counts"


def light_jobs(context: FovContext, source: Sources) -> Iterator[Job]:
    """Yield the jobs of dark frame and flat field of one channel: stacks of a single frame."""
    dark = source.dark_frame
    if dark is not None:
        part = context.stack_part(layout.dark_frame(source.channel), "float32")
        yield Job((part,), lambda pending: [(dark,)], framewise=False)
    if source.flat is not None:
        part = context.stack_part(layout.flat_field(source.channel), "float32")
        frames = partial(_flat_field_frames, context, source, part.notes)
        yield Job((part,), frames, framewise=False)


def _flat_field_frames(
    context: FovContext, source: Sources, notes: dict[str, Any], pending: tuple[Part, ...]
) -> Iterator[tuple[NDArray[np.float32]] | None]:
    lost = context.not_recorded(source.channel)
    stack, absent = None, set(lost.frames)
    if len(absent) == context.metadata.n_frames:  # nothing is measured
        yield (np.ones(source.shape, np.float32),)
        return
    if source.is_estimated:
        group = layout.background(source.channel)
        stack, mark = context.stack(group), context.store.mark(full_output(group))
        absent |= set(mark.notes["frames_without_background"]) if mark else set()
    for values in flat_field(source, stack, absent, lost, notes):
        yield None if values is None else (values,)


def flat_field(
    source: Sources,
    backgrounds: Stack | None,
    absent: AbstractSet[int],
    lost: NotRecorded,
    notes: dict[str, Any],
) -> Iterator[NDArray[np.float32] | None]:
    """Make the flat field of one channel in one field of view.

    Args:
        source: Its source.
        backgrounds: Backgrounds to estimate it from, (T, H, W) in counts; None for an image.
        absent: Frames without a visible background.
        lost: What was not recorded.
        notes: Gets the least and the largest value, and warnings.

    Yields:
        None after every frame, then the flat field (H, W).

    Raises:
        ConfigError: It cannot be made.
    """
    if isinstance(source.flat, LightImage):
        field = source.from_image(source.flat)
    elif backgrounds is None:
        raise ConfigError(f"{source.place}: no background to estimate the flat field from.")
    else:
        total = np.zeros(source.shape)
        present = [t for t in range(len(backgrounds)) if t not in absent]
        for t in present:  # multiples of 1/16 count: exact in any order
            total += fill_gaps(backgrounds[t], lost.mask(t, source.shape))
            yield None
        field = source.from_backgrounds(total, len(present))
    warnings = list(source.warnings(field))
    least, most = float(field.values.min()), float(field.values.max())
    notes.update(least=least, most=most, warnings=warnings)
    for warning in warnings:
        logger.warning("%s: %s", source.place, warning)
    yield field.values


def _sources(
    params: FlatFieldParams, channel: int, place: str, shape: tuple[int, int]
) -> Sources:
    flat: LightImage | str | None = params.flat_field_of(channel)
    dark: LightImage | float | str | None = params.dark_frame_of(channel)
    if isinstance(flat, str) and flat != ESTIMATE:
        flat = read_image(flat, shape, f"{place}: flat_field")
    if isinstance(dark, str):
        dark = read_image(dark, shape, f"{place}: dark_frame")
    source = Sources(channel, place, shape, flat, dark)
    if isinstance(flat, LightImage):
        source.from_image(flat)  # raises where the image cannot be used
    return source


def _check_channels(params: FlatFieldParams, ids: Sequence[int]) -> None:
    unknown = sorted(params.named_channels() - set(ids))
    if unknown:
        known = ", ".join(map(str, ids)) or "none"
        raise ConfigError(
            f"flat_field or dark_frame names channel {', '.join(map(str, unknown))}, which is "
            f"not a fluorescence channel of this run ({known})."
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
