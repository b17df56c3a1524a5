"""Numbers in JSON, which has no NaN and no infinity."""

import math
from collections.abc import Iterable


def finite_or_null(values: Iterable[float]) -> list[float | None]:
    """Return numbers with null in place of what is not finite."""
    return [value if math.isfinite(value) else None for value in values]
