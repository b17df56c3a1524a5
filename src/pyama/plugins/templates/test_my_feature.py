"""my_feature passes the checks for features."""

from pathlib import Path

from pyama.algorithms.features import FLUORESCENCE_FEATURES
from pyama.plugins.loading import load_file
from pyama.runs.plugin_catalog import ALL_TARGETS
from pyama.testing.checks import check_feature

loaded = load_file(Path(__file__).with_name("my_feature.py"), ALL_TARGETS)


def test_it_can_be_loaded():
    assert loaded.problem == ""


def test_it_passes_the_checks():
    check_feature(FLUORESCENCE_FEATURES["my_feature"], "my_feature")
