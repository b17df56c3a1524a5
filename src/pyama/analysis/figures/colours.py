"""Colours and thinning that figures share."""

import numpy as np

COLORS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7"),
    *("#E69F00", "#56B4E9", "#6A3D9A", "#4D4D4D"),
)
"""Colours of samples. Colour-blind readers can distinguish them.

After Okabe and Ito (2008), https://jfly.uni-koeln.de/color.
"""


def color(i: int) -> str:
    """Return the colour of sample `i`."""
    return COLORS[i % len(COLORS)]


def evenly_spaced(n: int, most: int) -> list[int]:
    """Return at most `most` indices out of `n`, evenly spaced, with the first and the last."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int)).tolist()


def random_places(n: int, most: int) -> list[int]:
    """Return at most `most` indices out of `n`, ascending: all, or some at random (seed 0)."""
    if n <= most:
        return list(range(n))
    return sorted(np.random.default_rng(0).choice(n, most, replace=False).tolist())


def drawn_text(drawn: int, n: int) -> str:
    """Return how many cells of a figure are drawn, see `random_places`; empty if all are."""
    return f"{drawn} of {n} cells drawn, chosen at random with seed 0" if drawn < n else ""
