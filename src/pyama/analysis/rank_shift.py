"""The Mann-Whitney test with the shift that belongs to it, and an interval of the shift."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

Values = NDArray[np.float64]

MOST_PAIRS = 1_000_000
"""With more pairs of values, a difference of given rank is found by bisection."""
FEW, MOST_EXACT = 8, 10_000
"""The exact distribution is used if a sample has few values and there are not more pairs."""


@dataclass(frozen=True)
class RankShift:
    """How far the values of b lie above those of a.

    Attributes:
        shift: Median of all differences of a value of b and one of a.
        low: Lower limit of its interval; NaN where there are too few values.
        high: Upper limit.
        effect: Cliff's delta: probability that a value of b exceeds one of a, minus the
            reverse, -1 to 1.
        p: Of the two-sided Mann-Whitney test.
    """

    shift: float
    low: float
    high: float
    effect: float
    p: float


NOTHING = RankShift(*[float("nan")] * 5)


def mann_whitney(a: Values, b: Values, confidence: float) -> RankShift:
    """Compare the ranks of two samples of finite values.

    The test is that of Mann & Whitney (1947, doi:10.1214/aoms/1177730491), the effect size
    Cliff's delta (1993, doi:10.1037/0033-2909.114.3.494), the shift and its interval those of
    Hodges & Lehmann (1963, doi:10.1214/aoms/1177704172), which inverts the test.

    Args:
        a: Shape (n_a,).
        b: Shape (n_b,).
        confidence: Level of the interval.

    Returns:
        All NaN if a sample is empty.
    """
    if not len(a) or not len(b):
        return NOTHING
    a, b = np.sort(a), np.sort(b)
    n_pairs = len(a) * len(b)
    middle = [_difference(a, b, rank) for rank in {(n_pairs + 1) // 2, n_pairs // 2 + 1}]
    is_exact = min(len(a), len(b)) <= FEW and n_pairs <= MOST_EXACT
    is_exact &= len(np.unique(np.concatenate([a, b]))) == len(a) + len(b)
    rank = _lower_rank(len(a), len(b), confidence, is_exact=is_exact)
    low = high = float("nan")
    if rank:
        low, high = _difference(a, b, rank), _difference(a, b, n_pairs + 1 - rank)
    effect, p = 0.0, 1.0
    if min(a[0], b[0]) < max(a[-1], b[-1]):
        test = scipy.stats.mannwhitneyu(b, a, method="exact" if is_exact else "asymptotic")
        effect, p = 2 * float(test.statistic) / n_pairs - 1, float(test.pvalue)
    return RankShift(float(np.mean(middle)), low, high, effect, p)


def _difference(a: Values, b: Values, rank: int) -> float:
    """Return the difference b - a of a rank, from 1, over all pairs of sorted values."""
    if len(a) * len(b) <= MOST_PAIRS:
        differences = np.subtract.outer(b, a).ravel()
        return float(np.partition(differences, rank - 1)[rank - 1])
    low, high = b[0] - a[-1], b[-1] - a[0]
    while low < (middle := low + (high - low) / 2) < high:
        below = len(a) * len(b) - int(np.searchsorted(a, b - middle, "left").sum())
        low, high = (low, middle) if below >= rank else (middle, high)
    return float(high)


def _lower_rank(n_a: int, n_b: int, confidence: float, *, is_exact: bool) -> int:
    """Return the rank of the difference that is the lower limit; 0 if there is none."""
    tail = (1 - confidence) / 2
    if is_exact:
        return int(np.searchsorted(_cumulated(n_a, n_b), tail, "right"))
    spread = np.sqrt(n_a * n_b * (n_a + n_b + 1) / 12)
    return max(0, int(n_a * n_b / 2 + 0.5 + scipy.stats.norm.ppf(tail) * spread))


@lru_cache(64)
def _cumulated(n_a: int, n_b: int) -> Values:
    """Probabilities that U is at most 0, 1, ... if the samples do not differ."""
    ways = np.zeros(n_a * n_b + 1)
    ways[0] = 1
    for i in range(1, n_a + 1):  # times (1 - x^(n_b + i)) / (1 - x^i)
        for u in range(len(ways) - 1, n_b + i - 1, -1):
            ways[u] -= ways[u - n_b - i]
        for u in range(i, len(ways)):
            ways[u] += ways[u - i]
    return np.cumsum(ways) / ways.sum()
