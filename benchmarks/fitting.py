"""Fit real traces here and with scipy's `least_squares` once per cell, and compare.

Run with `python benchmarks/fitting.py TRACES.csv [CELLS] [STARTS]`; the table has the columns
fov, cell, time (hours) and intensity_total_ch_1. Both get the same starts, bounds, analytic
derivatives and tolerances; scipy runs on one core, and so do we in the line compared.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from pyama.analysis.fitting.fit import fit_arrays
from pyama.analysis.fitting.least_squares import TOLERANCE
from pyama.analysis.fitting.losses import Traces
from pyama.analysis.fitting.models import MODELS
from pyama.analysis.fitting.problem import Setup, draw_starts, set_up


def fit_in_a_loop(
    setup: Setup, t: np.ndarray, y: np.ndarray, starts: np.ndarray
) -> np.ndarray:
    """Smallest sum of squares of one trace."""
    free = setup.free

    def residuals(x):
        return setup.model.evaluate(t, setup.complete(x[np.newaxis]))[0] - y

    def slopes(x):
        return setup.model.jacobian(t, setup.complete(x[np.newaxis]))[free, 0].T

    bounds = setup.lower[free], setup.upper[free]
    # scipy refuses starts on a bound.
    low, high = (
        np.nextafter(bound, inner) for bound, inner in zip(bounds, (1, 0), strict=True)
    )
    ends = [
        least_squares(
            residuals,
            np.clip(x, low, high),
            slopes,
            bounds,
            ftol=TOLERANCE,
            xtol=TOLERANCE,
            gtol=None,
            x_scale="jac",
        )
        for x in starts
    ]
    return 2 * min(end.cost for end in ends)


def main(path: Path, n_cells: int = 40, n_starts: int = 10) -> None:
    """Print times and the largest differences of R²."""
    table = pd.read_csv(path)
    wide = table.pivot_table(index="cell", columns="time", values="intensity_total_ch_1")
    t, y = wide.columns.to_numpy(float), wide.to_numpy()
    model = MODELS["maturation"]
    for free in ((), model.names):
        setup = set_up(model, free, {}, {})
        shape = n_starts - 1, len(model.names)
        draws = np.stack(
            [np.random.default_rng((0, 0, i)).uniform(-1, 1, shape) for i in range(n_cells)]
        )
        traces = Traces(y[:n_cells], np.full(n_cells, len(t)), np.zeros(n_cells))
        starts = draw_starts(setup, np.tile(t, (n_cells, 1)), traces, draws)
        starts = starts.reshape(n_cells, n_starts, -1)
        fit_arrays(t, y[:1], model, free=free)  # compile
        begin = time.perf_counter()
        fitted = fit_arrays(t, y[:n_cells], model, free=free, starts=n_starts, workers=1)
        ours = time.perf_counter() - begin
        begin = time.perf_counter()
        squares = [fit_in_a_loop(setup, t, y[i], starts[i]) for i in range(n_cells)]
        theirs = time.perf_counter() - begin
        spread = np.sum((y[:n_cells] - y[:n_cells].mean(1, keepdims=True)) ** 2, axis=1)
        difference = fitted["r_squared"] - (1 - np.array(squares) / spread)
        print(
            f"{len(setup.free)} free, {n_cells} cells, {n_starts} starts: pyama {ours:.2f} s, "
            f"scipy {theirs:.2f} s, {theirs / ours:.0f} times; R² {difference.min():+.1e} to "
            f"{difference.max():+.1e} against scipy"
        )
    begin = time.perf_counter()
    fit_arrays(t, y, model, free="all", starts=n_starts)
    print(f"all {len(y)} cells, 6 free, all cores: {time.perf_counter() - begin:.2f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
