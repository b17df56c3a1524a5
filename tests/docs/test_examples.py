"""The examples in docstrings of the Python interface run, and print what they say."""

import doctest
import inspect

import pyama
from pyama.testing.nd2_writer import write_nd2
from small_movie import MOVIE, make_config

EXAMPLES = [
    *("open_reader", "load_config", "open_results", "load_traces"),
    *("write_merged", "load_merged", "fit_traces"),
]
"""Functions that have one; later ones use what earlier ones have written."""


def test_every_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_nd2("recording.nd2", MOVIE[:, :, None], channel_names=["Phase", "GFP"])
    assert pyama.process("recording.nd2", make_config(), "results").succeeded
    said = []
    runner = doctest.DocTestRunner()
    for name in EXAMPLES:
        text = inspect.getdoc(getattr(pyama, name))
        example = doctest.DocTestParser().get_doctest(text, {"pyama": pyama}, name, None, 0)
        assert example.examples, name
        runner.run(example, out=said.append, clear_globs=False)
    assert "".join(said) == ""


def test_every_function_with_an_example_is_listed():
    found = {
        name
        for name in pyama.__all__
        if ">>> " in (inspect.getdoc(getattr(pyama, name)) or "")
    }
    assert found == set(EXAMPLES)
