"""my_reader passes the checks for readers."""

from pathlib import Path

from pyama.plugins.loading import load_file
from pyama.readers import READERS
from pyama.runs.plugin_catalog import ALL_TARGETS
from pyama.testing.checks import check_reader

loaded = load_file(Path(__file__).with_name("my_reader.py"), ALL_TARGETS)


def test_it_can_be_loaded():
    assert loaded.problem == ""


def test_it_passes_the_checks():
    check_reader(READERS["my_reader"], "my_reader")
