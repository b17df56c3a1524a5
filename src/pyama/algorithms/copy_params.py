"""Parameters of reading the microscope file; no heavy imports, as in `params`."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from pyama.algorithms.flat_field_params import ChannelId
from pyama.algorithms.params import Params

ZPlane = (
    Annotated[int, Field(ge=0, json_schema_extra={"unit": "planes"})]
    | Literal["middle", "max"]
)


class CopyParams(Params):
    """Parameters of reading the microscope file."""

    z: (
        ZPlane
        | Annotated[
            dict[ChannelId, ZPlane], Field(json_schema_extra={"example": "{0: max, 1: 2}"})
        ]
    ) = "middle"
    """Plane of a z stack: its 0-based index, `middle`, or `max` for the maximum projection of
    the planes that are stored; for all channels, or by channel. A channel with a single plane
    has this one."""
    zero_planes: Literal["auto", "keep", "missing"] = "auto"
    """Whether an image of which every pixel is 0 was recorded. Some microscopes store zeros
    where a channel is recorded in every n-th frame only. `auto`: not recorded if no other
    image of the channel and field of view has a pixel that is 0; `keep`: recorded; `missing`:
    not recorded."""

    def z_of(self, channel: int) -> int | str:
        """Return the plane of a channel."""
        return self.z.get(channel, "middle") if isinstance(self.z, dict) else self.z

    @field_validator("z", mode="before")
    @classmethod
    def _plane(cls, value: Any) -> Any:
        # Otherwise each of the types has a message of its own.
        planes = value.values() if isinstance(value, dict) and value else [value]
        if not all(map(_is_plane, planes)):
            raise ValueError(
                "expected 'middle', 'max' or the index of a plane, 0 or more, for all "
                "channels or as {channel: plane}"
            )
        return value


def _is_plane(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        return value in ("middle", "max") or (int(value) == float(value) >= 0)
    except (TypeError, ValueError, OverflowError):
        return False
