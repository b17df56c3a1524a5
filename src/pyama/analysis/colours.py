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
