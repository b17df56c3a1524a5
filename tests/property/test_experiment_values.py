"""Values in `experiment.yaml`: refused by name, or such that tables can hold them."""

import copy
import datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyama.analysis.experiments.experiment_file import load_experiment
from pyama.errors import ConfigError

FILE = {
    "experiment": "e",
    "recordings": [
        {
            "name": "a",
            "folder": "fa",
            "replicate": "1",
            "day": 2,
            "plate": 3,
            "condition": "c",
        },
        {"name": "b", "folder": "fb", "replicate": "2"},
        {"name": "c", "folder": "fc", "continues": "b", "gap": 1.0, "cells": "new"},
    ],
    "samples": [{"name": "s", "fovs": "0-3"}, {"name": "t", "fovs": {"a": "4-7"}}],
}
PLACES = [
    ("experiment",),
    *[("recordings", 0, key) for key in FILE["recordings"][0]],
    *[("recordings", 2, key) for key in ("continues", "gap", "cells", "drift")],
    *[("samples", 1, key) for key in ("name", "fovs")],
]
ODD = st.sampled_from(
    ["", " ", " x", "x ", "x\ny", "\u200b", "\u00a0", "A\u0308", "NA", "none", "b ", "x" * 300]
)
VALUES = st.one_of(
    ODD,
    st.text(max_size=5),
    st.integers() | st.sampled_from([-1, 0, 10**15, 10**40]),
    st.floats() | st.sampled_from([1e300, 1e-300, 0.0, -1.0]),
    st.sampled_from([True, None, [], [1], {}, {"a": 1}, b"0", datetime.date(2024, 5, 1)]),
)


def loaded(folder, changes):
    """Return the experiment with other values at some places."""
    entries = copy.deepcopy(FILE)
    for place, value in changes.items():
        at = entries
        for key in place[:-1]:
            at = at[key]
        at[place[-1]] = value
    file = folder / "e.yaml"
    file.write_text(yaml.safe_dump(entries), encoding="utf-8")
    return load_experiment(file)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(place=st.sampled_from(PLACES), value=VALUES)
def test_a_value_is_refused_by_name_or_one_that_tables_can_hold(
    tmp_path_factory, place, value
):
    folder = Path(tmp_path_factory.getbasetemp())
    try:
        experiment = loaded(folder, {place: value})
    except ConfigError:
        return
    parts = [part for parts in experiment.samples.values() for part in parts]
    texts = [experiment.name, *experiment.samples, *experiment.folders]
    for text in map(str, [*texts, *(v for part in parts for v in part.columns.values())]):
        assert text == text.strip()
        assert text.isprintable()
        assert 0 < len(text) <= 255
    replicates = {str(part.columns["replicate"]) for part in parts}
    assert len({text.casefold() for text in replicates}) == len(replicates)
    for entries in experiment.continued.values():
        assert all(e.gap is None or 1 / 3600 <= e.gap <= 366 * 24 for e in entries)


REFUSED = {
    ("experiment",): [" ", -1, 1.5, "x" * 256, "a\tb"],
    ("recordings", 0, "folder"): ["", "\u200b", 1.5, "a\x07", "y" * 5000],
    ("recordings", 0, "replicate"): [" ", "1 ", "NA", "?", -1, 10**15, "\u200b", "x" * 256],
    ("recordings", 0, "day"): ["\n", True, 10**15],
    ("recordings", 2, "gap"): [0, -1, 1e300, 1e-300, float("nan"), True, "long", [1]],
    ("recordings", 2, "cells"): ["Continue", True, 1],
    ("recordings", 2, "drift"): ["no", 1, b"0"],
}

HELP = ("expected", "remove it", "quotation marks", "type it", "leave out", "not allowed")


@pytest.mark.parametrize("place", REFUSED)
def test_wrong_values_are_named_with_what_is_expected(tmp_path, place):
    name = ".".join(map(str, place))
    for value in REFUSED[place]:
        with pytest.raises(ConfigError) as refusal:
            loaded(tmp_path, {place: value})
        (line,) = str(refusal.value).splitlines()[1:]
        assert line.startswith(f"  {name}: ")
        assert any(word in line for word in HELP)


def test_names_that_cannot_be_told_apart_are_refused(tmp_path):
    for changes, text in (
        ({("recordings", 0, "replicate"): "M", ("recordings", 1, "replicate"): "m"}, "'M'"),
        ({("recordings", 1, "name"): "\u00e9", ("recordings", 0, "name"): "e\u0301"}, "twice"),
        ({("samples", 0, "name"): "T"}, "the samples 'T' and 't'"),
        ({("samples", 1, "fovs"): {1: 0, "1": 1}, ("recordings", 0, "name"): 1}, "2 times"),
    ):
        with pytest.raises(ConfigError) as refusal:
            loaded(tmp_path, changes)
        assert text.replace("twice", "occurs 2 times") in str(refusal.value)
