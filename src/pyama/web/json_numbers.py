"""Numbers in JSON, which has no NaN and no infinity."""

import math
from collections.abc import Iterable, Mapping
from typing import Any


def finite_or_null(values: Iterable[float]) -> list[float | None]:
    """Return numbers with null in place of what is not finite."""
    return [value if math.isfinite(value) else None for value in values]


def finite_entries(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return entries with null in place of numbers that are not finite."""
    return {
        str(name): None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }
