"""How often the intervals of fits contain the truth, and which model `auto` finds.

Run with `python -m benchmarks.uncertainty [CELLS] [TRACES.csv]`; 300 cells take some minutes.
For the model `maturation` and five kinds of noise, it prints the share of intervals (estimate
± 1.96 standard errors) that contain the true t0, ktl and delta, and the median width relative
to that of generalised least squares which knows the noise. For every model, it prints how
often `auto` finds it. For a table with the columns fov, cell, time (hours) and
intensity_total_ch_1, it prints the standard errors relative to the spread of refits in which
blocks of residuals are drawn again (block bootstrap, Künsch 1989, doi:10.1214/aos/1176347265).
"""

import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pyama.analysis.fitting.fit import fit_arrays, fit_traces
from pyama.analysis.fitting.models import MODELS
from pyama.analysis.trace_shape import trace_arrays

Values = NDArray[np.float64]

T = np.arange(0, 30, 0.25)
NAMES = ("t0", "ktl", "delta", "offset")
BLOCK = 20
"""Length in points of the blocks of residuals."""
KM, BETA = 1.28, 5.22e-3


def autoregressive(
    rng: np.random.Generator, shape: tuple[int, int], correlation: float
) -> Values:
    """Return noise of unit variance with a correlation between neighbouring points."""
    noise = rng.normal(size=shape)
    for k in range(1, shape[1]):
        noise[:, k] *= np.sqrt(1 - correlation**2)
        noise[:, k] += correlation * noise[:, k - 1]
    return noise


def traces(rng: np.random.Generator, n: int) -> tuple[Values, Values, Values]:
    """Return parameters (6, n) of `maturation`, traces (n, T) and slopes (4, n, T)."""
    p = np.stack(
        [
            rng.uniform(1.5, 6, n),
            rng.lognormal(np.log(1000), 0.5, n),
            rng.lognormal(np.log(0.09), 0.4, n),
            rng.normal(200, 50, n),
            np.full(n, KM),
            np.full(n, BETA),
        ]
    )
    model = MODELS["maturation"]
    return p, model.evaluate(T, p), model.jacobian(T, p)[:4]


def noises(y: Values, offset: Values) -> dict[str, tuple[Values, float, Values]]:
    """Return the kinds of noise: size (n, T), its correlation, size (n, T) of white noise."""
    height, none = np.ptp(y, axis=1, keepdims=True) + 0 * y, 0 * y
    proportional = np.hypot(0.02 * height, 0.03 * y)
    return {
        "white 2 %": (none, 0.0, 0.02 * height),
        "white 2 % and 3 % of the value": (none, 0.0, proportional),
        "AR(1) .6, 2 %": (0.02 * height, 0.6, none),
        "AR(1) .9, 2 %": (0.02 * height, 0.9, none),
        "AR(1) .9, 4 % of the signal, and white 1 %": (
            0.04 * (y - offset[:, np.newaxis]),
            0.9,
            0.01 * height,
        ),
    }


def best_errors(
    slopes: Values, size: Values, correlation: float, white: Values
) -> Iterator[Values]:
    """Yield the standard errors of generalised least squares with the true noise."""
    lags = np.abs(np.subtract.outer(np.arange(len(T)), np.arange(len(T))))
    for i in range(len(size)):
        covariance = np.outer(size[i], size[i]) * correlation**lags + np.diag(white[i] ** 2)
        x = slopes[:, i].T
        yield np.sqrt(np.diag(np.linalg.inv(x.T @ np.linalg.solve(covariance, x))))


def coverage(n: int, seed: int = 3) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield, for each kind of noise, coverage, relative width and share of NaN."""
    rng = np.random.default_rng(seed)
    p, y, slopes = traces(rng, n)
    for name, (size, correlation, white) in noises(y, p[3]).items():
        noise = size * autoregressive(rng, y.shape, correlation)
        fitted = fit_arrays(T, y + noise + white * rng.normal(size=y.shape), "maturation")
        best = np.median(list(best_errors(slopes, size, correlation, white)), axis=0)
        found = pd.DataFrame(index=NAMES, columns=["coverage", "width", "NaN"], dtype=float)
        for i, parameter in enumerate(NAMES):
            error = fitted[f"{parameter}_se"]
            inside = (fitted[parameter] - p[i]).abs() <= 1.96 * error
            found.loc[parameter] = (
                inside[error.notna()].mean(),
                error.median() / best[i],
                error.isna().mean(),
            )
        yield name, found


def curves(rng: np.random.Generator) -> dict[str, Callable[[], Values]]:
    """Return, for each model, a function that draws a trace."""

    def onset() -> float:
        return rng.uniform(1.5, 6)

    def loss() -> float:
        return rng.lognormal(np.log(0.09), 0.4)

    draws: dict[str, Callable[[], list[float]]] = {
        "maturation": lambda: [
            onset(),
            rng.lognormal(np.log(1e3), 0.5),
            loss(),
            200,
            KM,
            BETA,
        ],
        "mrna_decay": lambda: [onset(), 1000, loss(), 200, BETA],
        "exponential_decay": lambda: [3000, rng.uniform(0.05, 0.4), 200],
        "exponential_rise": lambda: [rng.uniform(1, 6), 3000, rng.uniform(0.1, 0.5), 200],
        "logistic": lambda: [3000, rng.uniform(8, 18), rng.uniform(0.3, 1), 200],
        "linear_onset": lambda: [rng.uniform(2, 12), 150, 200],
        "constant": lambda: [500],
    }

    def draw(name: str) -> Values:
        return np.asarray(MODELS[name].evaluate(T, np.array(draws[name]())[:, np.newaxis])[0])

    return {name: lambda name=name: draw(name) for name in draws}


def recognised(
    n: int, correlation: float, seed: int = 3, names: tuple[str, ...] = ()
) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield each model that makes traces, and the shares of the models that `auto` finds."""
    rng = np.random.default_rng(seed)
    for name, draw in curves(rng).items():
        if names and name not in names:
            continue
        y = np.array([draw() for _ in range(n)])
        size = 0.02 * np.maximum(np.ptp(y, axis=1, keepdims=True), 100)
        noise = size * autoregressive(rng, y.shape, correlation)
        fitted = fit_arrays(T, y + noise, "auto")
        yield name, fitted["model_type"].value_counts(normalize=True).to_dict()


def refits(table: pd.DataFrame, n: int = 50, seed: int = 3) -> pd.DataFrame:
    """Return, for each parameter, standard errors relative to the spread of refits.

    Args:
        table: Traces, see `fit_traces`.
        n: Refits of each cell.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    fitted = fit_traces(table, "maturation")
    t, y, _ = trace_arrays(table, "intensity_total_ch_1", "time")
    model = MODELS["maturation"]
    curve = model.evaluate(t, fitted[list(model.names)].to_numpy(float).T)
    rest = (y - curve) * np.sqrt(y.shape[1] / (y.shape[1] - len(NAMES)))
    starts = rng.integers(0, y.shape[1], (n, y.shape[1] // BLOCK + 1))
    places = (starts[:, :, np.newaxis] + np.arange(BLOCK)) % y.shape[1]
    again = [
        fit_arrays(t, curve + rest[:, place.ravel()[: y.shape[1]]], "maturation", starts=2)
        for place in places
    ]
    rows = {}
    for name in NAMES:
        draws = np.array([table[name].to_numpy(float) for table in again])
        low, high = np.nanpercentile(draws, [16, 84], axis=0)
        ratio = fitted[f"{name}_se"] / ((high - low) / 2)
        rows[name] = ratio.replace(np.inf, np.nan).describe()[["25%", "50%", "75%", "count"]]
    return pd.DataFrame(rows).T


def main(n: int = 300, path: str | None = None) -> None:
    """Print coverage, recognised models, and the time of 10,000 cells."""
    print(f"{n} cells; coverage, median width / generalised least squares, share of NaN")
    for name, found in coverage(n):
        print(f"{name}\n{found.round(2).to_string()}", flush=True)
    for correlation in (0.0, 0.9):
        for name, shares in recognised(n // 3, correlation):
            text = ", ".join(f"{other} {share:.2f}" for other, share in shares.items())
            print(f"auto, correlation {correlation:g}, {name}: {text}", flush=True)
    y = traces(np.random.default_rng(0), 1000)[1]
    y = y + 0.02 * np.ptp(y, axis=1, keepdims=True) * np.random.default_rng(1).normal(
        size=y.shape
    )
    begin = time.perf_counter()
    fit_arrays(T, np.tile(y, (10, 1)), "maturation")
    print(f"10,000 cells: {time.perf_counter() - begin:.0f} s")
    if path:
        print(f"standard error / spread of refits\n{refits(pd.read_csv(path)).round(2)}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:3])
