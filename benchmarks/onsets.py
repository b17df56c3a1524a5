"""How often flat traces are given an onset, and how far onsets are off.

Run with `python -m benchmarks.onsets [TRACES.csv]`; the table of real traces has the columns
fov, cell, time (hours) and intensity_total_ch_1. They are fitted with the maturation model,
all rates free; the residuals of the fits are flat traces with real noise.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pyama.analysis.fitting.fit import fit_traces
from pyama.analysis.fitting.models import MODELS
from pyama.analysis.onsets import find_onsets

Values = NDArray[np.float64]

LENGTHS = (10, 20, 40, 60, 120, 180)
CORRELATIONS = (0.0, 0.3, 0.6, 0.9)
N_TRACES = 1000
INTERVAL = 0.25
"""Hours between two frames."""


def correlated(correlation: float, shape: tuple[int, int], seed: int = 0) -> Values:
    """Return normal noise of standard deviation 1, correlated from frame to frame (AR(1))."""
    draws = np.random.default_rng(seed).normal(size=shape)
    out = draws.copy()
    for k in range(1, shape[1]):
        own = np.sqrt(1 - correlation**2) * draws[:, k]
        out[:, k] = correlation * out[:, k - 1] + own
    return out


def with_outlier(y: Values, size: float = 50, seed: int = 0) -> Values:
    """Return traces with one point of each moved up."""
    out = y.copy()
    out[np.arange(len(y)), np.random.default_rng(seed).integers(0, y.shape[1], len(y))] += size
    return out


def share_rising(y: Values) -> float:
    """Return the share of traces that are said to rise."""
    return float(find_onsets(np.arange(y.shape[1]), y).rises.mean())


def share_unknown(y: Values) -> float:
    """Return the share of traces of which it cannot be told whether they rise."""
    return float(1 - find_onsets(np.arange(y.shape[1]), y).known.mean())


def share_seen(y: Values) -> float:
    """Return the share of traces that are given an onset."""
    return float(find_onsets(np.arange(y.shape[1]), y).seen.mean())


SLOW: dict[str, Callable[[Values], Values]] = {
    "straight line": lambda t: np.maximum(t - 4, 0) / 16,
    "maturation with a half-time of 32 min": lambda t: _matured(np.maximum(t - 4, 0), 1.3),
    "maturation with a half-time of 2 h": lambda t: _matured(np.maximum(t - 4, 0), 0.35),
    "parabola": lambda t: (np.maximum(t - 4, 0) / 16) ** 2,
    "line, baseline falls by a tenth of the rise": lambda t: (
        np.maximum(t - 4, 0) / 16 - 0.1 * np.minimum(t, 4) / 4
    ),
    "line, baseline falls by a third of the rise": lambda t: (
        np.maximum(t - 4, 0) / 16 - 0.33 * np.minimum(t, 4) / 4
    ),
}
"""Rises that begin at 4 h and have a height of about 1, by what they are."""


def _matured(tau: Values, rate: float) -> Values:
    """Return protein made at a constant rate that becomes visible with a rate."""
    return (tau - (1 - np.exp(-rate * tau)) / rate) / 16


def bias(curve: Callable[[Values], Values], ratio: float, correlation: float) -> Values:
    """Return quantiles (5, 50, 95 %) of onset minus truth in hours.

    Args:
        curve: A rise that begins at 4 h.
        ratio: Its height, in units of the noise.
        correlation: Of the noise in successive frames.
    """
    t = np.arange(0, 20, INTERVAL)
    y = ratio * curve(t) + correlated(correlation, (N_TRACES // 2, len(t)))
    late = find_onsets(t, y).time - 4
    return np.nanquantile(late, [0.05, 0.5, 0.95])


def residuals(path: Path) -> tuple[Values, Values, Values, Values]:
    """Return times, real traces, residuals of their fits and fitted onsets."""
    table = pd.read_csv(path)
    fits = fit_traces(table, "maturation", free="all", starts=5)
    wide = table.pivot_table(index="cell", columns="time", values="intensity_total_ch_1")
    t, y = wide.columns.to_numpy(float), wide.to_numpy()
    model = MODELS["maturation"]
    curves = model.evaluate(np.tile(t, (len(y), 1)), fits[list(model.names)].to_numpy().T)
    return t, y, y - curves, fits["t0"].to_numpy()


def main(path: Path | None = None) -> None:
    """Print the shares of flat traces that rise, the errors of onsets, and the time."""
    print("share of flat traces that rise (frames: by correlation of successive frames)")
    for n in LENGTHS:
        found = {r: share_rising(correlated(r, (N_TRACES, n))) for r in CORRELATIONS}
        outlier = with_outlier(correlated(0.6, (N_TRACES, n)))
        unknown = {share_unknown(correlated(r, (N_TRACES, n))) for r in CORRELATIONS}
        text = ", ".join(f"{r:g}: {share:.3f}" for r, share in found.items())
        print(f"{n:4} frames: {text}; 0.6 and an outlier: {share_rising(outlier):.3f}")
        print(
            f"    not known: {max(unknown):.3f}, with an outlier {share_unknown(outlier):.3f}"
        )
    print("share of traces that rise from the first frame on, and are given an onset")
    for r in CORRELATIONS:
        lines = 50 * np.linspace(0, 1, 80) + correlated(r, (N_TRACES, 80))
        print(f"  correlation {r:g}: {share_seen(lines):.3f}")
    print("onset minus truth in h (5, 50, 95 %), height of the rise 50 times the noise")
    for name, curve in SLOW.items():
        for r in (0.0, 0.9):
            print(f"  {name}, correlation {r:g}: {bias(curve, 50, r).round(2)}")
    if path is not None:
        _print_real(path)
    y = correlated(0.6, (10_000, 180))
    begin = time.process_time()
    find_onsets(np.arange(180), y)
    print(f"10,000 traces of 180 frames: {time.process_time() - begin:.1f} s of one core")


def _print_real(path: Path) -> None:
    t, y, noise, t0 = residuals(path)
    found = find_onsets(t, y)
    print(f"residuals of {len(y)} real traces that rise: {share_rising(noise):.3f}")
    print(f"  not known: {share_unknown(noise):.3f}")
    print(
        f"real traces that rise: {found.rises.mean():.3f}, with onset: {found.seen.mean():.3f}"
    )
    late = np.nanquantile(found.time - t0, [0.05, 0.5, 0.95]).round(2)
    print(f"  onset minus that of the fit in h (5, 50, 95 %): {late}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
