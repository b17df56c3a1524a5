"""Spans of time as people write them: `3h50m`, `90m`, `1d`."""

import re

from pyama.errors import ConfigError

UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_SPAN = re.compile("".join(rf"(?:(\d{{1,6}}){unit})?" for unit in UNITS))


def parse_time_limit(text: str) -> int:
    """Return a span of time in seconds.

    Args:
        text: Days, hours, minutes, seconds, each at most once and in this order.

    Raises:
        ConfigError: The text is not such a span, or is 0.
    """
    match = _SPAN.fullmatch(text.replace(" ", "").lower())
    seconds = 0
    if match is not None:
        parts = zip(match.groups(default="0"), UNITS.values(), strict=True)
        seconds = sum(int(number) * unit for number, unit in parts)
    if not seconds:
        raise ConfigError(
            f"{text[:40]!r} is not a time limit. Write hours, minutes and seconds with their "
            "units, such as 3h50m or 90m."
        )
    return seconds
