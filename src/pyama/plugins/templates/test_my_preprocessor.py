"""my_preprocessor passes the checks for preprocessors."""

from pathlib import Path

from pyama.plugins.loading import load_file
from pyama.processing.methods import NAMED_PREPROCESSORS
from pyama.runs.plugin_catalog import ALL_TARGETS
from pyama.testing.checks import check_preprocessor

loaded = load_file(Path(__file__).with_name("my_preprocessor.py"), ALL_TARGETS)


def test_it_can_be_loaded():
    assert loaded.problem == ""


def test_it_passes_the_checks():
    check_preprocessor(NAMED_PREPROCESSORS["my_preprocessor"], "my_preprocessor")
