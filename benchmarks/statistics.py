"""How often the comparison of samples finds differences that are not there.

Run with `python -m benchmarks.statistics`. Two equal samples of three fields of view with 50
cells each are drawn many times; a share of the variance (the intraclass correlation) belongs
to the field of view. Printed are, for the test on medians of fields of view and for that on
cells, the share of false positives at 5 % and the share of 95 % intervals that contain the
true difference, 0. Then two equal samples are drawn in the same three or six replicates, which
change both: the same is printed for the test within replicates and, with other names of the
replicates of b, for that of independent samples.
"""

import sys
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from pyama.analysis.comparing import comparison

N_FOVS, N_CELLS = 3, 50
CORRELATIONS = (0.0, 0.05, 0.2)
COMMON = (0.0, 0.5, 2.0)
"""Variance that a replicate adds to both samples, relative to that which it adds to one."""
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


def in_replicates(
    common: float, n_replicates: int, n: int, seed: int = 0
) -> Iterator[pd.DataFrame]:
    """Yield tables of two equal samples in the same replicates, with 20 cells in each.

    Args:
        common: See `COMMON`; the variance that is not common is 0.2, that of cells 0.8.
        n_replicates: Number of replicates.
        n: Number of tables.
        seed: Of the random numbers.
    """
    rng = np.random.default_rng(seed)
    place = np.arange(2 * n_replicates).repeat(20)
    replicate = place % n_replicates
    names = {"sample": np.where(place < n_replicates, "a", "b"), "fov": place}
    for _ in range(n):
        both = rng.normal(0, np.sqrt(0.2 * common), n_replicates)[replicate]
        one = rng.normal(0, np.sqrt(0.2), 2 * n_replicates)[place]
        x = both + one + rng.normal(0, np.sqrt(0.8), len(place))
        cells = {"replicate": replicate.astype(str), "cell": np.arange(len(place)), "x": x}
        yield pd.DataFrame(names | cells)


def shares(tables: Iterable[pd.DataFrame]) -> dict[str, float]:
    """Return false positives and coverage of both tests, as shares of experiments."""
    rows = pd.concat([comparison(table) for table in tables])
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
        print(f"intraclass correlation {correlation:g}: {_text(experiments(correlation, n))}")
    for n_replicates in (3, 6):
        for common in COMMON:
            tables = list(in_replicates(common, n_replicates, n))
            others = [
                table.assign(replicate=table["sample"] + table["replicate"])
                for table in tables
            ]
            print(f"{n_replicates} replicates, common variance {common:g}")
            print(f"  within replicates: {_text(tables)}")
            print(f"  independent: {_text(others)}", flush=True)


def _text(tables: Iterable[pd.DataFrame]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in shares(tables).items())


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
