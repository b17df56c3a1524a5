"""Standard errors for noise that is correlated, and the choice among models."""

import warnings

import numpy as np
import pandas as pd
import pytest
from benchmarks.uncertainty import T, autoregressive, coverage, recognised, traces

from pyama.analysis.fitting.fit import fit_arrays
from pyama.analysis.fitting.fit_files import fit_file
from pyama.analysis.fitting.losses import Traces
from pyama.analysis.fitting.models import MODELS
from pyama.analysis.fitting.problem import set_up
from pyama.analysis.fitting.residual_noise import (
    CORRELATIONS,
    covariances,
    residual_noise,
    typical_intervals,
)
from pyama.analysis.fitting.standard_errors import noise_of_fit, standard_errors
from pyama.analysis.fitting.weighted_traces import LARGEST_RISE, WeightedTraces

N = 80
LEAST = [0.88, 0.84, 0.82, 0.82, 0.77]
"""Coverage that 80 cells reach, of every kind of noise; printed by the benchmark."""


def test_intervals_cover_the_truth_and_are_not_much_wider_than_necessary():
    for least, (name, found) in zip(LEAST, coverage(N), strict=True):
        found = found.drop("offset")
        assert found["coverage"].min() >= least, (name, found)
        assert found["NaN"].max() == 0
        assert found["width"].max() < 1.4, (name, found)


@pytest.mark.parametrize(("correlation", "least"), [(0, 0.83), (0.9, 0.75)])
def test_constant_traces_are_recognised(correlation, least):
    ((name, shares),) = recognised(30, correlation, names=("constant",))
    assert shares[name] >= least


def test_traces_that_two_models_explain_are_undecided():
    rng = np.random.default_rng(2)
    y = 100 + 2 * np.maximum(T - 25, 0) ** 1.5 + 3 * rng.normal(size=(60, len(T)))
    fitted = fit_arrays(T, y, "auto", starts=2)
    open_ones = fitted[fitted["model_type"] == "undecided"]
    assert 0 < len(open_ones) < len(fitted)
    assert not open_ones["success"].any()
    assert open_ones[["t0", "t0_se", "offset"]].isna().all(axis=None)
    assert open_ones["message"].str.startswith("undecided, weights of the models: ").all()
    assert open_ones[["r_squared", "bic"]].notna().all(axis=None)


def dense_covariance(t, level, correlation, white, growth):
    """The covariance of noise of the variance 1 at the level 0."""
    lags = np.abs(np.subtract.outer(t, t)) / np.median(np.diff(t))
    size = np.sqrt((1 - white) * (1 + growth * level**2))
    return np.outer(size, size) * correlation**lags + white * np.eye(len(t))


def test_covariances_are_those_of_a_dense_matrix():
    rng = np.random.default_rng(4)
    t = np.cumsum(rng.integers(1, 4, (2, 60)), axis=1) / 4.0
    level = np.linspace(0, 1, 60) * np.ones((2, 1))
    residual = (1 + level) * autoregressive(rng, (2, 60), 0.8)
    slopes = rng.normal(size=(2, 60, 3))
    number = np.array([60, 40])
    noise = residual_noise(residual, slopes, t, level, number)
    found = covariances(slopes, t, level, number, noise)
    for i, n in enumerate(number):
        dense = sum(
            variance * dense_covariance(t[i, :n], level[i, :n], r, *rest)
            for variance, r in zip(noise.variances[i], CORRELATIONS, strict=True)
            for rest in [(noise.white[i], noise.growth[i])]
        )
        x = slopes[i, :n]
        np.testing.assert_allclose(found[i], x.T @ dense @ x, rtol=1e-9)


@pytest.mark.parametrize("white", [0, 0.6, 1])
def test_weights_are_the_inverse_of_a_dense_matrix(white):
    rng = np.random.default_rng(5)
    t = np.cumsum(rng.integers(1, 4, (3, 50)), axis=1) / 4.0
    level, number = rng.uniform(size=(3, 50)), np.array([50, 50, 20])
    y, f, slopes = (
        rng.normal(size=(3, 50)),
        rng.normal(size=(3, 50)),
        rng.normal(size=(2, 3, 50)),
    )
    decays = np.array([0.7] * 3)[:, np.newaxis] ** typical_intervals(t, number)
    whites = np.full(3, float(white))
    traces = WeightedTraces(y, number, np.zeros(3), np.sqrt(1 + 9 * level**2), decays, whites)
    costs, (curvature, gradient) = traces.costs(f), traces.normal_equations(f, slopes)
    columns = np.ascontiguousarray(np.moveaxis(slopes, 0, 2))
    weighed = traces.weigh(columns)
    for i, n in enumerate(number):
        weights = np.linalg.inv(dense_covariance(t[i, :n], level[i, :n], 0.7, white, 9))
        residual, x = (f - y)[i, :n], columns[i, :n]
        np.testing.assert_allclose(costs[i], residual @ weights @ residual / 2)
        np.testing.assert_allclose(curvature[i], x.T @ weights @ x, rtol=1e-6)
        np.testing.assert_allclose(gradient[i], x.T @ weights @ residual, rtol=1e-6)
        np.testing.assert_allclose(weighed[i, :n], weights @ x, atol=1e-9)


def test_weights_do_not_make_fits_of_a_wrong_model_worse(monkeypatch):
    rng = np.random.default_rng(7)
    p, *_ = traces(rng, 40)
    p[4] = 0.2  # the model takes 1.28: its residuals are largest where the signal is
    y = MODELS["maturation"].evaluate(T, p)
    y += 0.01 * (y - 200) * autoregressive(rng, y.shape, 0.9) + rng.normal(size=y.shape)

    def unexplained(largest_rise):
        monkeypatch.setattr(f"{WeightedTraces.__module__}.LARGEST_RISE", largest_rise)
        return 1 - fit_arrays(T, y)["r_squared"]

    plain = unexplained(0)
    assert (unexplained(np.inf) / plain).median() > 1.5
    assert (unexplained(LARGEST_RISE) / plain).between(1, LARGEST_RISE).all()


def test_a_parameter_at_its_bound_leaves_the_errors_of_the_others():
    _, y, _ = traces(np.random.default_rng(0), 4)
    y += 0.02 * np.ptp(y) * autoregressive(np.random.default_rng(1), y.shape, 0.9)
    bounded = fit_arrays(T, y, bounds={"delta": (0, 0.01)})
    assert bounded["delta_se"].isna().all()
    assert bounded[["ktl_se", "offset_se"]].gt(0).all(axis=None)
    fixed = fit_arrays(T, y, fix={"delta": 0.01})
    for name in ("t0_se", "ktl_se", "offset_se"):  # t0 of two cells is at its bound, too
        np.testing.assert_allclose(bounded[name], fixed[name], rtol=1e-3)


def test_what_the_data_do_not_determine_has_no_error_and_the_rest_has():
    model = MODELS["exponential_rise"]  # before t0 nothing depends on the rate
    setup = set_up(model, (), {}, {})
    y = 5 + np.random.default_rng(0).normal(size=(1, len(T)))
    x = np.array([[40.0, 100, 0.5, y.mean()]])
    t, p = T[np.newaxis], setup.complete(x)
    f, slopes = model.evaluate(t, p), model.jacobian(t, p)
    data = Traces(y, np.array([len(T)]), np.zeros(1))
    noise = noise_of_fit(setup, t, data, x)
    errors, _ = standard_errors(setup, t, data, f, slopes, x, noise)
    assert np.isnan(errors[0, :3]).all()
    assert errors[0, 3] == pytest.approx(y.std() / np.sqrt(len(T)), rel=0.6)


@pytest.mark.parametrize(("km", "n_notes"), [(0.3, 1), (1.28, 0)])
def test_rates_of_another_protein_are_noted(km, n_notes, tmp_path):
    rng = np.random.default_rng(1)
    p, *_ = traces(rng, 12)
    p[4] = km
    y = MODELS["maturation"].evaluate(T, p)
    y += 0.02 * np.ptp(y, axis=1, keepdims=True) * rng.normal(size=y.shape)
    cells, times = np.repeat(np.arange(12), len(T)), np.tile(T, 12)
    path = tmp_path / "traces.csv"
    pd.DataFrame({"cell": cells, "time": times, "value": y.ravel()}).to_csv(path, index=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = fit_file(path)
    notes = [str(warning.message) for warning in caught if "fit badly" in str(warning.message)]
    assert notes == list(fitted.warnings)
    assert len(notes) == n_notes
    for note in notes:
        assert "cells fit clearly better" in note
        assert "t0 moves by -" in note
    chosen = fit_file(path, fix={"km": km}, free=["beta"])
    assert chosen.warnings == ()


def test_independent_points_are_counted():
    rng = np.random.default_rng(0)
    for correlation, low, high in ((0, 90, 120), (0.9, 2, 25)):
        y = autoregressive(rng, (100, len(T)), correlation)
        fitted = fit_arrays(T, y, "constant")
        assert low <= fitted["n_effective"].median() <= high
    short = fit_arrays(np.arange(6), rng.normal(size=(3, 6)), "constant")
    assert isinstance(short, pd.DataFrame)
    assert set(short["n_effective"]) == {6}  # too few to tell: taken for white


def test_profile_intervals_are_as_wide_as_the_errors_say_and_end_at_bounds():
    rng = np.random.default_rng(1)
    p, y, _ = traces(rng, 30)
    y += 0.02 * np.ptp(y, axis=1, keepdims=True) * autoregressive(rng, y.shape, 0.6)
    fitted = fit_arrays(T, y, bounds={"delta": (0.02, np.inf)}, profile=True)
    for name in ("t0", "ktl", "offset"):
        low, high = fitted[f"{name}_low"], fitted[f"{name}_high"]
        assert ((low < fitted[name]) & (fitted[name] < high)).mean() > 0.9
        errors = (high - low) / 2 / fitted[f"{name}_se"]
        assert errors.median() == pytest.approx(1.96, rel=0.15)
    assert (fitted["delta_low"] >= 0.02).all()
    assert ((fitted["t0_low"] <= p[0]) & (p[0] <= fitted["t0_high"])).mean() > 0.8
    assert fitted["km_low"].isna().all()
    constant = fit_arrays(T, y, "constant", profile=True)
    expected = constant["offset"] + 1.959964 * constant["offset_se"]
    np.testing.assert_allclose(constant["offset_high"], expected)
    flat = fit_arrays(T, 5 + rng.normal(size=(6, len(T))), "linear_onset", profile=True)
    assert np.isinf(flat["slope_high"]).any()  # an onset at the end allows every slope
