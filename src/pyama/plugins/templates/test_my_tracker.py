"""my_tracker passes the checks for trackers."""

from pathlib import Path

from pyama.plugins.loading import load_file
from pyama.processing.methods import TRACKERS
from pyama.runs.plugin_catalog import ALL_TARGETS
from pyama.testing.checks import check_tracker

loaded = load_file(Path(__file__).with_name("my_tracker.py"), ALL_TARGETS)


def test_it_can_be_loaded():
    assert loaded.problem == ""


def test_it_passes_the_checks():
    check_tracker(TRACKERS["my_tracker"], "my_tracker")
