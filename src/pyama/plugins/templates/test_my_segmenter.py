"""my_segmenter passes the checks for segmenters."""

from pathlib import Path

from pyama.plugins.loading import load_file
from pyama.processing.methods import SEGMENTERS
from pyama.runs.plugin_catalog import ALL_TARGETS
from pyama.testing.checks import check_segmenter

loaded = load_file(Path(__file__).with_name("my_segmenter.py"), ALL_TARGETS)


def test_it_can_be_loaded():
    assert loaded.problem == ""


def test_it_passes_the_checks():
    check_segmenter(SEGMENTERS["my_segmenter"], "my_segmenter")
