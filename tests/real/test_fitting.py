"""Traces of 136 cells after mRNA transfection, fitted elsewhere from ten starts each."""

from pathlib import Path

import pandas as pd
import pytest
from benchmarks.onsets import residuals as real_residuals
from benchmarks.onsets import share_rising

from pyama.analysis.fitting.fit import fit_traces
from pyama.analysis.statistics import trace_features

TRACES = Path(__file__).parents[3] / "shared" / "data" / "traces"


@pytest.fixture(scope="module")
def traces():
    if not TRACES.is_dir():
        pytest.skip("the measured traces are not on this machine")
    return pd.read_csv(TRACES / "A549_control_GFP_traces.csv")


@pytest.fixture(scope="module")
def reference():
    if not TRACES.is_dir():
        pytest.skip("the measured traces are not on this machine")
    return pd.read_csv(TRACES / "reference_multistart_fit_A549_control_GFP.csv")


def test_with_all_rates_free_no_cell_is_fitted_worse(traces, reference):
    fitted = fit_traces(traces, "maturation", free="all", starts=5)
    assert fitted["cell"].tolist() == reference["cell"].tolist()
    assert (fitted["r_squared"] - reference["r2"]).min() > -0.005
    good = fitted["class"] == "good"
    near = (fitted["t0"] - reference["t0_h"]).abs()[good] < 0.15
    assert good.mean() > 0.9
    assert near.mean() >= 0.95
    assert fitted["success"].mean() > 0.95


def test_the_guess_alone_finds_the_same_onsets(traces, reference):
    fitted = fit_traces(traces, "maturation", free="all", starts=1)
    assert ((fitted["t0"] - reference["t0_h"]).abs() < 0.15).mean() >= 0.95


def test_the_default_rates_describe_most_cells(traces):
    fitted = fit_traces(traces, "maturation", starts=3)
    assert fitted["success"].mean() > 0.95
    assert (fitted["class"] == "good").mean() > 0.9


def test_onsets_without_a_model_come_soon_after_those_of_the_fit(traces, reference):
    features = trace_features(traces)
    assert features["onset"].notna().mean() > 0.95
    late = features["onset"] - reference["t0_h"]
    assert 0 < late.median() < 0.75
    assert late.abs().quantile(0.95) < 1.5


def test_residuals_of_fits_do_not_rise():
    if not TRACES.is_dir():
        pytest.skip("the measured traces are not on this machine")
    residuals = real_residuals(TRACES / "A549_control_GFP_traces.csv")[2]
    assert share_rising(residuals) <= 0.05
