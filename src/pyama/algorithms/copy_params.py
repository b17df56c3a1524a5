"""Parameters of reading the microscope file; no heavy imports, as in `params`."""

from contextlib import suppress
from operator import index
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from pyama.algorithms.flat_field_params import ChannelId
from pyama.algorithms.params import Params
from pyama.errors import ConfigError
from pyama.fov_ranges import ALL_FRAMES, check_frames, selection_text

ZPlane = (
    Annotated[int, Field(ge=0, json_schema_extra={"unit": "planes"})]
    | Literal["middle", "max"]
)


class CopyParams(Params):
    """Parameters of reading the microscope file."""

    frames: Annotated[str, Field(json_schema_extra={"example": "0-178:3"})] = ALL_FRAMES
    """Frames of the recording that are processed: `all`, or a list such as `0-59`, `60-` for
    all from frame 60 on, `0-178:3` for every third one. They are the frames 0, 1, ... of all
    results; times count from the first frame of the recording."""
    z: (
        ZPlane
        | Annotated[
            dict[ChannelId, ZPlane], Field(json_schema_extra={"example": "{0: max, 1: 2}"})
        ]
    ) = "middle"
    """Plane of a z stack: its 0-based index, `middle`, or `max` for the maximum projection of
    the planes that are stored; for all channels, or by channel. A channel with a single plane
    has this one."""
    z_is_time: bool = False
    """Whether the planes of the z stack are the frames of a time lapse, as some programs save
    them. The recording has a single frame otherwise."""
    axes: Annotated[str, Field(max_length=500, json_schema_extra={"example": "t,c=2"})] = ""
    """Which plane is which, if the files do not say it or are wrong. Of a TIFF stack: its
    axes, the slowest first, all but one with their sizes: `t` if every plane is a frame,
    `t,c=2` if the two channels of a frame follow each other. Of a folder of TIFF files: a
    pattern of names such as `xy{p}t{t}.tif`, with `{p}` for the field of view, `{t}` for the
    frame, `{c}` for the channel, `{z}` for the plane; after a colon, the axes of each file."""
    zero_planes: Literal["auto", "keep", "missing"] = "auto"
    """Whether an image of which every pixel is 0 was recorded. Some microscopes store zeros
    where a channel is recorded in every n-th frame only. `auto`: not recorded if no other
    image of the channel and field of view has a pixel that is 0; `keep`: recorded; `missing`:
    not recorded."""

    @property
    def opening(self) -> dict[str, Any]:
        """The arguments with which readers are opened."""
        return {"z": "time" if self.z_is_time else self.z, "axes": self.axes}

    def z_of(self, channel: int) -> int | str:
        """Return the plane of a channel."""
        return self.z.get(channel, "middle") if isinstance(self.z, dict) else self.z

    @field_validator("frames", mode="before")
    @classmethod
    def _selection(cls, value: Any) -> Any:
        text = value.strip() if isinstance(value, str) else _listed(value)
        try:
            check_frames(text)
        except ConfigError as error:
            raise ValueError(str(error)) from error
        return text

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


def _listed(values: Any) -> str:
    # A single number is refused: YAML reads 5:30 as one, to the base 60.
    frames = set()
    with suppress(TypeError):
        frames = {index(value) for value in values if not isinstance(value, bool)}
    if not frames:
        raise ValueError("expected text such as '0-59', or a list of frames")
    return selection_text(sorted(frames))


def _is_plane(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        return value in ("middle", "max") or (int(value) == float(value) >= 0)
    except (TypeError, ValueError, OverflowError):
        return False
