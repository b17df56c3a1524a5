"""The description of a recording, and the time of every frame."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import Field, ValidationError, field_validator

from pyama import layout
from pyama.algorithms.params import Params, TimeParams
from pyama.algorithms.scale_params import ScaleParams
from pyama.errors import ConfigError, StoreError, place_of, problem_of
from pyama.fov_ranges import ALL_FRAMES, selection_text
from pyama.sentences import count_text
from pyama.units import duration_text

FILE_STAMPS = "time stamps of the file"


class MissingPlanes(Params):
    """Planes that the file declares but does not contain."""

    fov: int
    """0-based index of the field of view."""
    channel: int
    """0-based index of the channel."""
    frames: tuple[int, ...]
    """0-based indices of the frames, ascending."""


Box = tuple[int, int, int, int]
"""Half-open rectangle [y0, x0, y1, x1) in px."""


class MissingPixels(MissingPlanes):
    """Pixels of images that no tile of a mosaic covers."""

    boxes: tuple[Box, ...]
    """Rectangles that do not overlap."""


class ChannelStack(Params):
    """z planes of a channel that lacks some planes which other channels have."""

    stored: tuple[int, ...]
    """0-based planes that the file contains in any frame."""
    used: tuple[int, ...]
    """Those that images are made from."""


class MicroscopyMetadata(Params):
    """Description of a recording: fields of view, frames, channels, sizes, times."""

    path: Path
    """Path of the file when it was read."""
    format: str
    """Name of the format, such as `ome-tiff`; `array` for arrays in memory."""
    basename: str
    """File name without its suffix."""
    identity: str
    """Digest of size and samples of the content; does not depend on path and date."""
    n_frames: int
    """Frames per field of view; of a selection, those that were selected."""
    channel_names: tuple[str, ...]
    """Names of the channels in the order of their ids; never empty strings."""
    shapes: tuple[tuple[int, int], ...]
    """(H, W) in px of every field of view."""
    dtype: str
    """dtype of the pixels in the file: `uint8` or `uint16`. Readers give uint16."""
    pixel_size_um: float | None = None
    """Side of a pixel in micrometres; None if unknown."""
    times_min: tuple[tuple[float, ...], ...] | None = None
    """Time stamps of the file in minutes since the first frame of the recording, per field of
    view and frame; None if there are none, NaN for a missing stamp."""
    stamps_source: str = FILE_STAMPS
    """Where in the file `times_min` comes from."""
    n_z: int = 1
    """Number of planes of the z stack."""
    position_names: tuple[str, ...] = ()
    """Names of the fields of view; empty if the file has none."""
    missing: tuple[MissingPlanes, ...] = ()
    """Images that were never written."""
    missing_pixels: tuple[MissingPixels, ...] = ()
    """Pixels of other images that were never written."""
    stacks: dict[int, ChannelStack] = Field(default_factory=dict)
    """z planes of channels that lack planes which others have, by channel."""
    incomplete: tuple[MissingPlanes, ...] = ()
    """Images that are the maximum of a part of their z planes: others were never written."""
    selected_frames: tuple[int, ...] | None = None
    """Frames of the recording that are the frames 0, 1, ... here, ascending; None is all."""
    n_recorded_frames: int | None = None
    """Frames of the whole recording; None if all are selected."""
    question: str = ""
    """What a user has to confirm with the parameter `axes`, if the file does not say which
    plane is which; the description is that of the proposal then."""
    problems: tuple[str, ...] = ()
    """Problems of the file, in sentences for the user."""

    @field_validator("basename")
    @classmethod
    def _stays_in_its_folder(cls, value: str) -> str:
        return layout.safe_name(value)

    @property
    def n_fovs(self) -> int:
        """Number of fields of view."""
        return len(self.shapes)

    @property
    def n_channels(self) -> int:
        """Number of channels."""
        return len(self.channel_names)

    @property
    def recorded_frames(self) -> Sequence[int]:
        """Number in the recording of every frame."""
        return self.selected_frames or range(self.n_frames)

    @property
    def selection(self) -> str:
        """Which frames of the recording these are, as `parse_frames` reads it."""
        frames = self.selected_frames
        return ALL_FRAMES if frames is None else selection_text(frames)

    @property
    def empty_fovs(self) -> frozenset[int]:
        """Fields of view of which no plane was written."""
        lost = Counter(e.fov for e in self.missing if len(e.frames) == self.n_frames)
        return frozenset(fov for fov, n in lost.items() if n == self.n_channels)

    def missing_frames(self, fov: int, channel: int) -> frozenset[int]:
        """Return the frames in which a channel was never written."""
        return frozenset(
            frame
            for planes in self.missing
            if (planes.fov, planes.channel) == (fov, channel)
            for frame in planes.frames
        )


def frame_times(
    metadata: MicroscopyMetadata, params: TimeParams, fov: int
) -> tuple[tuple[float, ...], str]:
    """Return the time of every frame of a field of view in minutes, and its source.

    Times count from the first frame of the recording, and the parameters refer to its frames,
    also where frames are selected. The sources in order: `time_mapping`; `frame_interval`, if
    it is set; the stamps of the file, if those of every field of view are finite and strictly
    increasing; 10 minutes per frame.

    Raises:
        ConfigError: `time_mapping` does not contain every frame.
    """
    frames = metadata.recorded_frames
    if params.time_mapping is not None:
        absent = [frame for frame in frames if frame not in params.time_mapping]
        if absent:
            is_all = metadata.selected_frames is None
            needed = (
                f"the recording has {len(frames)}" if is_all else f"{len(frames)} are used"
            )
            raise ConfigError(
                f"time_mapping names {count_text(len(params.time_mapping), 'frame')}, but "
                f"{needed}; missing are {_some(absent)}. Add every frame."
            )
        return tuple(params.time_mapping[frame] for frame in frames), "time_mapping"
    interval = params.frame_interval
    if "frame_interval" in params.model_fields_set:
        return tuple(interval * frame for frame in frames), f"frame_interval {interval:g} min"
    if metadata.times_min is not None and not time_problems(metadata):
        return metadata.times_min[fov], metadata.stamps_source
    return tuple(interval * frame for frame in frames), f"default, {interval:g} min per frame"


def time_problems(metadata: MicroscopyMetadata) -> list[str]:
    """Return why the stamps of the file cannot be used, one sentence per reason."""
    return stamp_problems(metadata.times_min)


def stamp_problems(times_min: Sequence[Sequence[float]] | None) -> list[str]:
    """Return why stamps per field of view and frame cannot be used; see `time_problems`."""
    if times_min is None:
        return ["The file has no time stamps."]
    not_finite = [
        fov
        for fov, times in enumerate(times_min)
        if not all(math.isfinite(time) for time in times)
    ]
    not_increasing = [
        fov
        for fov, times in enumerate(times_min)
        if fov not in not_finite and any(b <= a for a, b in pairwise(times))
    ]
    problems = []
    if not_finite:
        problems.append(f"Time stamps are missing or not finite in FOV {_some(not_finite)}.")
    if not_increasing:
        problems.append(f"Time stamps do not increase in FOV {_some(not_increasing)}.")
    return problems


def pixel_size(metadata: MicroscopyMetadata, params: ScaleParams) -> float | None:
    """Return the side of a pixel in micrometres, as set or as in the file; None if unknown."""
    return params.pixel_size_um or metadata.pixel_size_um


def times_text(metadata: MicroscopyMetadata, params: TimeParams, fov: int = 0) -> str:
    """Return interval, span and source of the times of a field of view, for people.

    Example: `a frame every 10 min, 29.8 h in all; time stamps of the file`.

    Raises:
        ConfigError: See `frame_times`.
    """
    times, source = frame_times(metadata, params, fov)
    if len(times) < 2:
        return "one frame"
    return f"a frame {span_text(times)}; {source}"


def typical_interval(times_min: Sequence[float]) -> float | None:
    """Return the median time between two frames in minutes; None for a single frame."""
    return median(b - a for a, b in pairwise(times_min)) if len(times_min) > 1 else None


def span_text(times_min: Sequence[float]) -> str:
    """Return the typical interval of two or more times and their span."""
    steps = [after - before for before, after in pairwise(times_min)]
    low, typical, high = min(steps), median(steps), max(steps)
    is_even = high - low < 0.02 * typical
    spread = "" if is_even else f" ({duration_text(low)} to {duration_text(high)})"
    in_all = f"{duration_text(times_min[-1] - times_min[0])} in all"
    return f"every {duration_text(typical)}{spread}, {in_all}"


def pixel_size_hints(metadata: MicroscopyMetadata, params: ScaleParams) -> list[str]:
    """Return what to do if the size of a pixel is neither in the file nor set."""
    if pixel_size(metadata, params) is not None:
        return []
    return ["Set the size of a pixel in \N{MICRO SIGN}m, such as --set pixel_size_um=0.65"]


def dump_metadata(metadata: MicroscopyMetadata) -> dict[str, Any]:
    """Return the metadata as plain values that `parse_metadata` reads back equal."""
    entries = metadata.model_dump(mode="json")
    if metadata.times_min is not None:
        entries["times_min"] = [list(times) for times in metadata.times_min]
    return entries


def parse_metadata(entries: object) -> MicroscopyMetadata:
    """Read the output of `dump_metadata`.

    Raises:
        StoreError: The entries do not describe a recording.
    """
    try:
        return MicroscopyMetadata.model_validate(entries)
    except ValidationError as error:
        wrong = "; ".join(
            f"{place_of(entry) or 'the section'}: {problem_of(entry)}"
            for entry in error.errors(include_url=False)[:3]
        )
        raise StoreError(
            f"The section 'metadata' of {layout.CONFIG_FILE} is damaged: {wrong}. "
            "Run again with the microscope file to replace it."
        ) from error


def _some(values: Iterable[int], most: int = 8) -> str:
    values = list(values)
    shown = ", ".join(map(str, values[:most]))
    return shown if len(values) <= most else f"{shown} and {len(values) - most} more"
