"""Lists of fields of view and of frames as people write them: `0-3,7`, `60-`, `0-178:3`."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pyama.errors import ConfigError

_PART = re.compile(r"(\d{1,18})\s*(?:(-)\s*(\d{1,18})?\s*(?::\s*(\d{1,18}))?)?")
MAX_SHOWN = 8
"""Number of frames and ranges that a sentence lists."""
MAX_FOVS = 100_000
"""A range of more fields of view is taken for a typing error."""
SHOWN = 40
"""Number of characters of a wrong entry that a message repeats."""
ALL_FRAMES = "all"
"""What `parse_frames` reads as all frames."""


@dataclass(frozen=True)
class _Kind:
    """What is numbered, in the words of messages."""

    one: str
    short: str
    example: str


_FOVS = _Kind("field of view", "FOV", "0-3,7")
_FRAMES = _Kind("frame", "Frame", "0-59, 60- for all from 60 on, or 0-178:3 for every third")


def parse_fovs(text: str, n_fovs: int | None = None) -> list[int]:
    """Read a list of fields of view and inclusive ranges.

    Args:
        text: Such as `0-3,7`; `0,5` means two fields of view, `0-10:2` every second one, `4-`
            all from the fifth on.
        n_fovs: Number of fields of view of the recording; None where it is not known.

    Returns:
        0-based indices in the order written, each once.

    Raises:
        ConfigError: The text is not such a list, or names a field of view that does not exist.
    """
    ranges = [_range(part.strip(), n_fovs, _FOVS) for part in text.split(",")]
    return list(dict.fromkeys(fov for part in ranges for fov in part))


def parse_frames(text: str, n_frames: int) -> tuple[int, ...]:
    """Read a selection of frames.

    Args:
        text: `all`, or a list of frames and inclusive ranges as in `parse_fovs`.
        n_frames: Number of frames of the recording.

    Returns:
        0-based indices, ascending, each once.

    Raises:
        ConfigError: The text is not such a list, or names a frame that does not exist.
    """
    if text.strip() == ALL_FRAMES:
        return tuple(range(n_frames))
    ranges = [_range(part.strip(), n_frames, _FRAMES) for part in text.split(",")]
    return tuple(sorted({frame for part in ranges for frame in part}))


def check_frames(text: str) -> None:
    """Check a selection of frames of a recording that is not known.

    Raises:
        ConfigError: `parse_frames` cannot read it.
    """
    for part in text.split(",") if text.strip() != ALL_FRAMES else ():
        _bounds(part.strip(), _FRAMES)


def _range(part: str, n: int | None, kind: _Kind) -> range:
    first, last, step = _bounds(part, kind)
    if last is None:
        if n is None:
            raise ConfigError(f"{part!r} has no end. Write the last one, such as {first}-7.")
        last = max(first, n - 1)
    if n is not None and last >= n:
        raise ConfigError(
            f"{kind.short} {last} does not exist. The recording has {n}, numbered 0 to "
            f"{n - 1}."
        )
    if n is None and last - first >= MAX_FOVS:
        raise ConfigError(f"{part!r} has more than {MAX_FOVS} fields of view.")
    return range(first, last + 1, step)


def _bounds(part: str, kind: _Kind) -> tuple[int, int | None, int]:
    """Return first, last and step of a part of a list; None for a range without an end."""
    match = _PART.fullmatch(part)
    if match is None:
        raise ConfigError(
            f"{part[:SHOWN]!r} is not a {kind.one} or a range. Write numbers from 0 and "
            f"ranges that include their end, separated by commas, such as {kind.example}"
        )
    first, step = int(match[1]), int(match[4] or 1)
    last = int(match[3]) if match[3] else None if match[2] else first
    if last is not None and last < first:
        raise ConfigError(f"{part!r} is in descending order. Write {last}-{first}.")
    if step == 0:
        raise ConfigError(
            f"{part!r} has the step 0. Write 1 for each, 2 for every second one."
        )
    return first, last, step


def fovs_text(fovs: Iterable[int]) -> str:
    """Return indices as `parse_fovs` reads them: ascending, neighbours joined to ranges."""
    numbers = sorted(set(fovs))
    if not numbers:
        return "none"
    breaks = [i for i, (a, b) in enumerate(pairwise(numbers), start=1) if b != a + 1]
    runs = [numbers[a:b] for a, b in pairwise([0, *breaks, len(numbers)])]
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def selection_text(frames: Sequence[int]) -> str:
    """Return ascending frames as `parse_frames` reads them, also every n-th: `0-178:3`."""
    parts, start = [], 0
    while start < len(frames):
        length, step = _run(frames, start)
        first, last = frames[start], frames[start + length - 1]
        every = f":{step}" if step > 1 else ""
        parts.append(str(first) if length == 1 else f"{first}-{last}{every}")
        start += length
    return ",".join(parts)


def _run(frames: Sequence[int], start: int) -> tuple[int, int]:
    """Return how many frames from `start` on are equally spaced, and how far apart."""
    if start + 1 == len(frames):
        return 1, 1
    step, end = frames[start + 1] - frames[start], start + 2
    while end < len(frames) and frames[end] - frames[end - 1] == step:
        end += 1
    return (1, 1) if step > 1 and end - start < 3 else (end - start, step)


def frames_text(frames: Iterable[int]) -> str:
    """Return frames for a sentence as `fovs_text` does; of many, some and the last one."""
    parts = fovs_text(frames).split(",")
    if len(parts) > MAX_SHOWN:
        parts[MAX_SHOWN - 2 : -1] = ["..."]
    return ", ".join(parts)
