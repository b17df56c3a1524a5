"""my_model is a model, and a fit finds the parameters of simulated traces."""

from pathlib import Path

import numpy as np

from pyama.analysis.fitting.fit import fit_arrays
from pyama.analysis.fitting.models import MODELS
from pyama.runs.plugin_catalog import check_file


def test_a_fit_finds_its_parameters():
    _, problems = check_file(Path(__file__).with_name("my_model.py"))
    assert problems == {}
    model = MODELS["my_model"]
    t = np.linspace(0, 10, 60)
    true_values = model.defaults[:, np.newaxis]
    fitted = fit_arrays(t, model.evaluate(t, true_values), "my_model")
    assert fitted["r_squared"][0] > 0.999
