"""my_plugin passes `pyama plugins check`."""

from pathlib import Path

from pyama.runs.plugin_catalog import check_file


def test_it_passes_the_checks():
    entries, problems = check_file(Path(__file__).with_name("my_plugin.py"))
    assert entries
    assert problems == {}
