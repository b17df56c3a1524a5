"""Prints what a microscope file contains, and its problems."""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyama.algorithms.params import TimeParams
from pyama.config import parse_config
from pyama.metadata import MicroscopyMetadata, dump_metadata, frame_times, times_text
from pyama.readers import PROPOSED, open_reader
from pyama.readers.frame_selection import selection_notes
from pyama.runs.channels import propose_channels
from pyama.runs.settings import apply_settings
from pyama.time_warnings import settings_to_check


def read_description(
    file: Path, frames: str | None, settings: Sequence[str]
) -> MicroscopyMetadata:
    """Read the description of a recording with the options of the command.

    Raises:
        ConfigError: An option is wrong.
        ReaderError: The recording cannot be read.
    """
    params = parse_config("--set", apply_settings({}, settings)).params
    opening = {**params.opening, "axes": params.axes or PROPOSED}
    chosen = params.frames if frames is None else frames
    with open_reader(file, frames=chosen, **opening) as reader:
        return reader.metadata


def info_entries(metadata: MicroscopyMetadata) -> dict[str, Any]:
    """Return the description of a recording as plain values for JSON; NaN becomes null."""
    times, source = frame_times(metadata, TimeParams(), 0)
    stamps = metadata.times_min
    return {
        **dump_metadata(metadata),
        "n_fovs": metadata.n_fovs,
        "empty_fovs": sorted(metadata.empty_fovs),
        "times_min": None if stamps is None else [list(map(_finite, row)) for row in stamps],
        "time_source": source,
        "time": times_text(metadata, TimeParams()),
        "warnings": settings_to_check(metadata),
        "minutes": [_finite(time) for time in times],
        "proposed_channels": _proposed(metadata),
    }


def info_lines(metadata: MicroscopyMetadata) -> list[str]:
    """Return what a user should know before a run."""
    names = metadata.channel_names
    rows = {
        "format": f"{metadata.format}, {metadata.dtype} pixels",
        "FOVs": _fovs(metadata),
        "frames": f"{metadata.n_frames}",
        "channels": ", ".join(f"{i} {name}" for i, name in enumerate(names)),
        "pixel": _pixel(metadata),
        "time": times_text(metadata, TimeParams()),
    }
    if metadata.n_z > 1:
        rows["z planes"] = (
            f"{metadata.n_z}; the middle one is used (--set z=max or z=NUMBER, or by channel: "
            "--set 'z={0: max}')"
        )
    rows["options"] = _options(names)
    lines = [str(metadata.path), *(f"  {name:9} {text}" for name, text in rows.items())]
    notes = [*selection_notes(metadata), *metadata.problems, *settings_to_check(metadata)]
    questions = [f"Question: {metadata.question}"] if metadata.question else []
    return lines + [f"Note: {text}" for text in notes] + questions


def _options(names: Sequence[str]) -> str:
    guess = propose_channels(names)
    if guess is None:
        return "the names of the channels are ambiguous: choose with --pc and --fl"
    pc, fl = guess
    return (
        " ".join([f"--pc {pc}", *(f"--fl {i}" for i in fl)]) + ", by the names of the channels"
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _proposed(metadata: MicroscopyMetadata) -> dict[str, Any] | None:
    guess = propose_channels(metadata.channel_names)
    return None if guess is None else {"pc": guess[0], "fl": guess[1]}


def _fovs(metadata: MicroscopyMetadata) -> str:
    sizes = Counter(metadata.shapes)
    text = ", ".join(
        f"{f'{count} of ' if len(sizes) > 1 else ''}{width} x {height} px"
        for (height, width), count in sizes.items()
    )
    names = f" ({_some(metadata.position_names)})" if metadata.position_names else ""
    return f"{metadata.n_fovs}{names}, {text}"


def _some(names: tuple[str, ...], most: int = 6) -> str:
    shown = ", ".join(name or "-" for name in names[:most])
    return shown if len(names) <= most else f"{shown}, ..."


def _pixel(metadata: MicroscopyMetadata) -> str:
    size = metadata.pixel_size_um
    return "size unknown" if size is None else f"{size:.4g} \N{MICRO SIGN}m"
