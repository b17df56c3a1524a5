"""Parameters of the correction for uneven light; no heavy imports, as in `params`."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field, field_validator

from pyama.algorithms.params import Params

ESTIMATE = "estimate"
"""Value of a flat field that is estimated from the background of its channel."""
ChannelId = Annotated[int, Field(ge=0, json_schema_extra={"unit": "1"})]
ImagePath = Annotated[str, Field(min_length=1)]
Counts = Annotated[
    float, Field(ge=0, le=65535, allow_inf_nan=False, json_schema_extra={"unit": "counts"})
]


def _example(text: str) -> Any:
    return Field(json_schema_extra={"example": text})


class FlatFieldParams(Params):
    """Parameters of the correction for uneven light in fluorescence channels."""

    flat_field: (
        ImagePath
        | Annotated[dict[ChannelId, ImagePath], _example("{1: gfp_flat.tif, 2: estimate}")]
        | None
    ) = None
    """Relative brightness of the light in every pixel: a TIFF file of one plane, or
    `estimate`, from the background of each field of view; for all fluorescence channels, or
    by channel. Intensities are divided by it; its mean is set to 1. The dark frame is
    subtracted from an image in counts (mean of 10 or more) first."""
    dark_frame: (
        Counts
        | ImagePath
        | Annotated[dict[ChannelId, Counts | ImagePath], _example("{1: 100, 2: dark.tif}")]
        | None
    ) = None
    """Counts of the camera without light: a number, or a TIFF file of one plane; for all
    fluorescence channels, or by channel."""

    @field_validator("flat_field", mode="before")
    @classmethod
    def _an_image(cls, value: Any) -> Any:
        return _for_channels(value, _is_path, f"{ESTIMATE} or the path of a TIFF file")

    @field_validator("dark_frame", mode="before")
    @classmethod
    def _counts_or_an_image(cls, value: Any) -> Any:
        wanted = "counts (0 to 65535) or the path of a TIFF file"
        return _for_channels(value, _is_level, wanted)

    def flat_field_of(self, channel: int) -> str | None:
        """Return `estimate` or the path of an image; None if there is no correction."""
        entry = self.flat_field
        return entry.get(channel) if isinstance(entry, dict) else entry

    def dark_frame_of(self, channel: int) -> float | str | None:
        """Return counts or the path of an image; None if there is no correction."""
        entry = self.dark_frame
        return entry.get(channel) if isinstance(entry, dict) else entry

    def named_channels(self) -> set[int]:
        """Return the channels with entries of their own; empty if one entry is for all."""
        named = (self.flat_field, self.dark_frame)
        return {channel for entry in named if isinstance(entry, dict) for channel in entry}

    def corrects(self, channel: int) -> bool:
        """Whether traces of a fluorescence channel are corrected."""
        sources = (self.flat_field_of(channel), self.dark_frame_of(channel))
        return any(source is not None for source in sources)

    def named_files(self) -> list[str]:
        """Return the paths of all images."""
        entries = [
            value
            for entry in (self.flat_field, self.dark_frame)
            for value in (entry.values() if isinstance(entry, dict) else [entry])
        ]
        return [value for value in entries if isinstance(value, str) and value != ESTIMATE]


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_level(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return 0 <= value <= 65535 if number else _is_path(value)


def _for_channels(value: Any, is_fine: Callable[[Any], bool], wanted: str) -> Any:
    """Check that a value is one entry for all channels, or one entry for each of some."""
    if isinstance(value, dict):
        numbers = all(str(channel).isdecimal() for channel in value)
        if value and numbers and all(map(is_fine, value.values())):
            return value
    elif value is None or is_fine(value):
        return value
    raise ValueError(f"expected {wanted}; or one by channel, such as {{1: ...}}; or null")
