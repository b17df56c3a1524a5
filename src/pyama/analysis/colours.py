"""Colours and ranges that figures share."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

COLORS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7"),
    *("#E69F00", "#56B4E9", "#6A3D9A", "#4D4D4D"),
)
"""Told apart by colour-blind readers (Okabe and Ito 2008, https://jfly.uni-koeln.de/color)."""
FAR = 3.0
"""Far out is this many distances between the quartiles beyond them (Tukey 1977)."""


def color(i: int) -> str:
    """Return the colour of sample `i`."""
    return COLORS[i % len(COLORS)]


def evenly(n: int, most: int) -> list[int]:
    """Return at most `most` indices out of `n`, evenly spread."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int)).tolist()


def central_range(*samples: NDArray[np.float64]) -> tuple[float, float]:
    """Smallest and largest value that is not far out; never the same number twice.

    Args:
        samples: Values of each sample, shape (n,); what is not finite is left out. Far out is
            what is far from the rest of its sample: a small sample that differs is seen whole.
    """
    ranges = [_central(values[np.isfinite(values)]) for values in samples]
    found = [pair for pair in ranges if pair is not None]
    if not found:
        return 0.0, 1.0
    low, high = min(low for low, _ in found), max(high for _, high in found)
    pad = 0.0 if high > low else max(1e-9, 0.05 * abs(low))
    return low - pad, high + pad


def _central(values: NDArray[np.float64]) -> tuple[float, float] | None:
    if not values.size:
        return None
    q25, q75 = np.quantile(values, [0.25, 0.75])
    reach = FAR * (q75 - q25)
    inside = values[(values >= q25 - reach) & (values <= q75 + reach)]
    return float(inside.min()), float(inside.max())


def bin_edges(*samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edges of a histogram of the values that are not far out.

    Args:
        samples: As for `central_range`.
    """
    n = sum(int(np.isfinite(values).sum()) for values in samples)
    return np.linspace(*central_range(*samples), min(40, 8 + int(np.sqrt(n))) + 1)


def by_sample(table: pd.DataFrame, column: str) -> list[NDArray[np.float64]]:
    """Return the numbers of a column, one array per sample."""
    return [cells[column].to_numpy(float) for _, cells in table.groupby("sample", sort=False)]


def beyond(values: NDArray[np.float64], low: float, high: float) -> str:
    """Say how many values lie outside of a figure; empty if none does."""
    values = values[np.isfinite(values)]
    n = int(np.count_nonzero((values < low) | (values > high)))
    return f"{n} of {len(values)} beyond" if n else ""
