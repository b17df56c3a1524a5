"""How often the comparison of samples finds differences that are not there.

Run with `python -m benchmarks.statistics`. Two equal samples of three fields of view with 50
cells each are drawn many times; a share of the variance (the intraclass correlation) belongs
to the field of view. Printed are, for the test on medians of fields of view and for that on
cells, the share of false positives at 5 % and the share of 95 % intervals that contain the
true difference, 0.
"""

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd

from pyama.analysis.comparing import comparison

N_FOVS, N_CELLS = 3, 50
CORRELATIONS = (0.0, 0.05, 0.2)
N_EXPERIMENTS = 2000


def experiments(correlation: float, n: int, seed: int = 0) -> Iterator[pd.DataFrame]:
    """Yield tables of two equal samples.

    Args:
        correlation: Intraclass correlation within a field of view, 0 to 1.
        n: Number of tables.
        seed: Of the random numbers.
    """
    rng = np.random.default_rng(seed)
    fovs = np.arange(2 * N_FOVS).repeat(N_CELLS)
    names = {"sample": np.where(fovs < N_FOVS, "a", "b"), "fov": fovs}
    for _ in range(n):
        shared = rng.normal(0, np.sqrt(correlation), 2 * N_FOVS)[fovs]
        own = rng.normal(0, np.sqrt(1 - correlation), len(fovs))
        yield pd.DataFrame({**names, "cell": np.arange(len(fovs)), "x": shared + own})


def shares(correlation: float, n: int) -> dict[str, float]:
    """Return false positives and coverage of both tests, as shares of `n` experiments."""
    rows = pd.concat([comparison(table) for table in experiments(correlation, n)])
    return {
        "false positives": float((rows["p"] < 0.05).mean()),
        "coverage": float(((rows["low"] <= 0) & (rows["high"] >= 0)).mean()),
        "of cells: false positives": float((rows["p_cells"] < 0.05).mean()),
        "of cells: coverage": float(
            ((rows["shift_low"] <= 0) & (rows["shift_high"] >= 0)).mean()
        ),
    }


def main(n: int = N_EXPERIMENTS) -> None:
    """Print the shares for every correlation."""
    print(f"{n} experiments, {N_FOVS} fields of view x {N_CELLS} cells per sample")
    for correlation in CORRELATIONS:
        found = shares(correlation, n)
        text = ", ".join(f"{name} {value:.3f}" for name, value in found.items())
        print(f"intraclass correlation {correlation:g}: {text}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
