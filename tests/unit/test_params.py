"""Parameters have the names, defaults, units and bounds that are written down."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from pyama.algorithms import params
from pyama.algorithms.copy_params import CopyParams
from pyama.algorithms.params import (
    BackgroundParams,
    ExtractionParams,
    LogStdParams,
    Params,
    TimeParams,
    TrackingParams,
    WatershedParams,
)
from pyama.config import Channel, Channels, ProcessingConfig, ProcessingParams
from pyama.errors import ConfigError

REFERENCE = {
    "logstd_window_size": 3,
    "morph_size": 7,
    "morph_iterations": 3,
    "min_object_size": 50,
    "max_object_size": 10000,
    "min_iou": 0.1,
    "min_frames": 30,
    "border_margin": 50,
    "background_weight": 1.0,
    "frame_interval": 10.0,
    "time_mapping": None,
}
"""The three dictionaries of the reference, "Algorithm Parameters"."""

DECIDED = {
    "z": "middle",
    "closing_size": 3,
    "closing_iterations": 1,
    "erosion_size": None,
    "split_h": None,
    "max_gap": 0,
    "min_size": None,
    "max_size": None,
    "background_method": "tiles",
    "tile_size": 100,
    "tile_overlap": 0.5,
    "copy_only": False,
    "segmentation_method": "logstd",
    "tracking_method": "iou",
    "batch_size": 2,
    "plugin_timeout": 600.0,
    "cells": "folder",
    "seed": 0,
}
"""What spec/decisions.md adds."""


@pytest.mark.parametrize(("name", "default"), {**REFERENCE, **DECIDED}.items())
def test_every_parameter_has_its_name_and_default(name, default):
    found = getattr(ProcessingParams(), name)
    assert (found, type(found)) == (default, type(default))


def test_the_features_of_the_reference_are_the_default():
    features = ProcessingParams().features
    assert features.phase == ("area", "aspect_ratio")
    assert features.fluorescence == ("intensity_total", "intensity_mean")


BOUNDS = [
    (LogStdParams, "logstd_window_size", [2, 255], [1, 256, -3, 2.5, None, "x"]),
    (LogStdParams, "morph_size", [0, 255], [-1, 256]),
    (LogStdParams, "morph_iterations", [0, 100], [-1, 101]),
    (LogStdParams, "closing_size", [0, 255], [-1, 256]),
    (LogStdParams, "closing_iterations", [0, 100], [-1, 101]),
    (LogStdParams, "erosion_size", [None, 0, 255], [-1, 256]),
    (LogStdParams, "min_object_size", [0, 10_000], [-1, 10_001, 2**31]),
    (LogStdParams, "max_object_size", [None, 50, 2**31 - 1], [49, -1, 2**31]),
    (WatershedParams, "split_h", [None, 0.1], [0, -1, float("inf"), float("nan")]),
    (TrackingParams, "min_iou", [0, 1, 0.5], [-0.1, 1.1, float("nan"), True]),
    (TrackingParams, "max_gap", [0, 5], [-1, 2**31, False]),
    (TrackingParams, "min_size", [None, 0], [-1]),
    (TrackingParams, "max_size", [None, 0], [-1]),
    (BackgroundParams, "background_method", ["tiles", "planes"], ["plane", None, 1, True]),
    (BackgroundParams, "tile_size", [4, 65535], [3, 65536]),
    (BackgroundParams, "tile_overlap", [0, 0.9], [-0.1, 0.91]),
    (ExtractionParams, "min_frames", [0, 1], [-1, True]),
    (ExtractionParams, "border_margin", [0, 65535], [-1, 2**40]),
    (
        ExtractionParams,
        "background_weight",
        [0, 1, 0.5],
        [float("nan"), float("inf"), "x", True],
    ),
    (TimeParams, "frame_interval", [0.1, 60], [0, -1, float("inf")]),
    (
        TimeParams,
        "time_mapping",
        [None, {}, {0: 0.0, 1: 2.5}, {1: 2.5, 0: -1}, {"0": 1}],
        [
            {-1: 0.0},
            {0: 0, 1: True},
            {True: 1.0},
            {0: 1.0, 1: 1.0},
            {0: 2.0, 1: 1.0},
            {0: float("nan")},
            {"x": 1},
        ],
    ),
    (
        CopyParams,
        "z",
        ["middle", "max", 0, 7, "7", {0: "max", 1: 2}],
        [-1, 1.5, "top", "-1", True, None, [0], {0: "top"}, {0: True}, {-1: 0}, {}],
    ),
    (ProcessingParams, "n_workers", [1, 1024], [0, 1025]),
    (ProcessingParams, "batch_size", [1, 1000], [0]),
    (ProcessingParams, "seed", [0, 2**64], [-1]),
    (ProcessingParams, "copy_only", [True, False], [None, 7]),
]
CASES = [
    pytest.param(model, name, value, allowed, id=f"{name}={value}")
    for model, name, good, bad in BOUNDS
    for allowed, values in ((True, good), (False, bad))
    for value in values
]


@pytest.mark.parametrize(("model", "name", "value", "allowed"), CASES)
def test_bounds_are_kept(model, name, value, allowed):
    if allowed:
        model(**{name: value})
    else:
        with pytest.raises((ValidationError, ConfigError), match=name):
            model(**{name: value})


@pytest.mark.parametrize(
    ("given", "used"), [(1.5, 1.0), (-0.2, 0.0), (7, 1.0), (10**400, 1.0)]
)
def test_a_background_weight_outside_is_clipped_with_a_warning(given, used):
    said = rf"background_weight is {given}; expected 0 to 1\. {used} is used"
    with pytest.warns(UserWarning, match=said):
        assert ExtractionParams(background_weight=given).background_weight == used


def test_a_time_mapping_is_sorted_by_frame():
    assert list(TimeParams(time_mapping={2: 5.0, 0: 1.0, 1: 3.0}).time_mapping) == [0, 1, 2]


def test_parameters_cannot_be_changed_but_replaced():
    old = ProcessingParams(min_iou=0.2)
    with pytest.raises(ValidationError, match="frozen"):
        old.min_iou = 0.3
    new = old.replace(min_frames=5)
    assert (new.min_iou, new.min_frames, old.min_frames) == (0.2, 5, 30)
    with pytest.raises(ValidationError, match="morf_size"):
        old.replace(morf_size=7)
    with pytest.raises(ValidationError, match="min_iou"):
        old.replace(min_iou=2)


def test_replacing_does_not_count_as_writing_the_frame_interval():
    assert "frame_interval" not in ProcessingParams().replace(seed=1).model_fields_set
    assert (
        "frame_interval"
        in ProcessingParams(frame_interval=10).replace(seed=1).model_fields_set
    )


MODELS = [
    *(
        found
        for found in vars(params).values()
        if isinstance(found, type) and issubclass(found, Params) and found is not Params
    ),
    Channel,
    Channels,
    ProcessingParams,
    ProcessingConfig,
]
FIELDS = [
    pytest.param(model, name, id=f"{model.__name__}.{name}")
    for model in MODELS
    for name in model.model_fields
]


@pytest.mark.parametrize(("model", "name"), FIELDS)
def test_every_parameter_says_what_it_means_and_in_which_unit(model, name):
    schema = model.model_json_schema()
    entry = schema["properties"][name]
    assert re.match(r"[A-Z0-9`].*\.$", entry.get("description", ""), re.DOTALL), entry
    text = json.dumps({key: entry[key] for key in entry if key != "default"})
    if '"integer"' in text or '"number"' in text:
        assert '"unit": "' in text, entry


def test_the_bounds_are_in_the_schema():
    entry = ProcessingParams.model_json_schema()["properties"]["min_iou"]
    assert (entry["minimum"], entry["maximum"], entry["default"]) == (0, 1, 0.1)
    assert entry["unit"] == "1"


def test_models_are_documented():
    assert all(issubclass(model, BaseModel) and model.__doc__ for model in MODELS)


def test_parameters_import_neither_numpy_nor_numba():
    code = (
        "import sys; import pyama.config; "
        "print(sorted({'numpy', 'numba', 'zarr', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.strip() == "[]"
    assert Path(params.__file__).is_file()


def test_wrong_arguments_are_named_as_on_the_command_line():
    with pytest.raises(ConfigError) as said:
        ProcessingParams(min_frame=20, min_iou=2)
    assert str(said.value) == (
        "ProcessingParams has 2 wrong entries:\n"
        "  min_iou = 2: expected at most 1\n"
        "  min_frame = 20: unknown name; did you mean min_frames?"
    )
    with pytest.raises(ConfigError, match="pc = 'Phase': expected the index of a channel"):
        Channels(pc="Phase")
    with pytest.raises(ConfigError, match="unknown name; did you mean params"):
        ProcessingConfig(param=ProcessingParams())
