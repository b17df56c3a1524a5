"""The order of planes in a stack as a user writes it, such as `t,c=2`."""

import re
from math import prod

from pyama.errors import ConfigError

_AXIS = re.compile(r"([ptzc])(?:=([1-9]\d{0,6}))?")
HELP = (
    "write the axes of the planes, the slowest first, all but one with its size: t if every "
    "plane is a frame, t,c=2 if the two channels of a frame follow each other, z for a z stack"
)


def check_page_axes(text: str) -> list[tuple[str, int | None]]:
    """Return the axes in upper case with their sizes, None for the one without.

    Raises:
        ConfigError: The text has another form.
    """
    axes = []
    for part in text.lower().replace(" ", "").split(","):
        match = _AXIS.fullmatch(part)
        if match is None:
            raise ConfigError(f"{text!r} is no list of axes; {HELP}")
        axes.append((match[1].upper(), int(match[2]) if match[2] else None))
    names = [name for name, _ in axes]
    if len(set(names)) < len(names) or sum(size is None for _, size in axes) > 1:
        raise ConfigError(f"{text!r} is no list of axes; {HELP}")
    return axes


def sized_axes(text: str, n_planes: int) -> dict[str, int]:
    """Return the axes of a stack with their sizes, the slowest first.

    Where the slowest axis has no size, planes may lack at the end of a recording that was
    stopped.

    Args:
        text: As `check_page_axes` reads it.
        n_planes: Number of planes of the stack.

    Raises:
        ConfigError: They do not fit the number of planes.
    """
    axes = check_page_axes(text)
    known = prod(size for _, size in axes if size is not None)
    is_slowest = axes[0][1] is None
    free = -(-n_planes // known) if is_slowest else max(1, n_planes // known)
    sizes = {name: size or free for name, size in axes}
    if prod(sizes.values()) < n_planes or (free * known != n_planes and not is_slowest):
        raise ConfigError(f"axes = {text!r} does not fit {n_planes} planes; {HELP}.")
    return sizes
