"""Parsing of lists of fields of view such as `0-3,7`."""

import re
from collections.abc import Iterable
from itertools import pairwise

from pyama.errors import ConfigError

_PART = re.compile(r"\s*(\d{1,18})\s*(?:-\s*(\d{1,18})\s*)?")
MAX_SHOWN = 8
"""Number of frames and ranges that a sentence lists."""
MAX_FOVS = 100_000
"""A range of more fields of view is taken for a typing error."""
SHOWN = 40
"""Number of characters of a wrong entry that a message repeats."""


def parse_fovs(text: str, n_fovs: int | None = None) -> list[int]:
    """Read a list of fields of view and inclusive ranges.

    Args:
        text: Such as `0-3,7`; `0,5` means two fields of view.
        n_fovs: Number of fields of view of the recording; None where it is not known.

    Returns:
        0-based indices in the order written, each once.

    Raises:
        ConfigError: The text is not such a list, or names a field of view that does not exist.
    """
    ranges = [_range(part.strip(), n_fovs) for part in text.split(",")]
    return list(dict.fromkeys(fov for part in ranges for fov in part))


def _range(part: str, n_fovs: int | None) -> range:
    match = _PART.fullmatch(part)
    if match is None:
        raise ConfigError(
            f"{part[:SHOWN]!r} is not a field of view or a range. Write numbers from 0 and "
            "ranges that include their end, separated by commas, such as 0-3,7"
        )
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise ConfigError(f"{part!r} is in descending order. Write {last}-{first}.")
    if n_fovs is not None and last >= n_fovs:
        raise ConfigError(
            f"FOV {last} does not exist. The recording has {n_fovs}, numbered 0 to "
            f"{n_fovs - 1}."
        )
    if last - first >= MAX_FOVS:
        raise ConfigError(f"{part!r} has more than {MAX_FOVS} fields of view.")
    return range(first, last + 1)


def fovs_text(fovs: Iterable[int]) -> str:
    """Return indices as `parse_fovs` reads them: ascending, neighbours joined to ranges."""
    numbers = sorted(set(fovs))
    if not numbers:
        return "none"
    breaks = [i for i, (a, b) in enumerate(pairwise(numbers), start=1) if b != a + 1]
    runs = [numbers[a:b] for a, b in pairwise([0, *breaks, len(numbers)])]
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def frames_text(frames: Iterable[int]) -> str:
    """Return frames for a sentence as `fovs_text` does; of many, some and the last one."""
    parts = fovs_text(frames).split(",")
    if len(parts) > MAX_SHOWN:
        parts[MAX_SHOWN - 2 : -1] = ["..."]
    return ", ".join(parts)
