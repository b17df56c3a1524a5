"""Fields of view as people write them: `0-3,7`."""

import re
from collections.abc import Iterable
from itertools import pairwise

from pyama.errors import ConfigError

_PART = re.compile(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?")


def parse_fovs(text: str, n_fovs: int) -> list[int]:
    """Read a list of fields of view and inclusive ranges.

    Args:
        text: Such as `0-3,7`; `0,5` means two fields of view.
        n_fovs: How many there are.

    Returns:
        0-based indices in the order written, each once.

    Raises:
        ConfigError: The text is no such list, or names a field of view that does not exist.
    """
    chosen: list[int] = []
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise ConfigError(
                f"--fovs {text}: {part.strip()!r} is not a field of view. Write numbers from "
                "0 and ranges that include their end, separated by commas: --fovs 0-3,7"
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise ConfigError(
                f"--fovs {text}: {first}-{last} runs backwards. Write {last}-{first}."
            )
        if last >= n_fovs:
            raise ConfigError(
                f"--fovs {text}: FOV {last} does not exist. The recording has {n_fovs}, "
                f"numbered 0 to {n_fovs - 1}."
            )
        chosen += range(first, last + 1)
    return list(dict.fromkeys(chosen))


def fovs_text(fovs: Iterable[int]) -> str:
    """Return fields of view as `parse_fovs` reads them, ranges drawn together."""
    numbers = sorted(set(fovs))
    if not numbers:
        return "none"
    breaks = [i for i, (a, b) in enumerate(pairwise(numbers), start=1) if b != a + 1]
    runs = [numbers[a:b] for a, b in pairwise([0, *breaks, len(numbers)])]
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
