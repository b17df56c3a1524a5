"""What is known of a recording survives YAML, and every frame has a time."""

import json
import math
import re

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pyama.algorithms.params import TimeParams
from pyama.errors import ConfigError, StoreError
from pyama.metadata import (
    FILE_STAMPS,
    MicroscopyMetadata,
    MissingPlanes,
    dump_metadata,
    frame_times,
    parse_metadata,
    span_text,
    time_problems,
    times_text,
)
from pyama.time_warnings import time_warnings

NAN = float("nan")


def metadata(times_min=None, n_frames=3, **others):
    return MicroscopyMetadata(
        path="folder/movie.nd2",
        format="nd2",
        basename="movie",
        identity="abc",
        n_frames=n_frames,
        channel_names=("Phase", "GFP"),
        shapes=((4, 5), (6, 7)),
        dtype="uint16",
        times_min=times_min,
        **others,
    )


FULL = metadata(
    times_min=((0.0, 1 / 3, 20.0), (0.5, NAN, 20.5)),
    pixel_size_um=0.65,
    n_z=3,
    position_names=("A1", 'yes: "no"\n#'),
    missing=(MissingPlanes(fov=1, channel=0, frames=(1, 2)),),
    problems=("odd",),
)


@pytest.mark.parametrize("known", [metadata(), metadata(((), ()), 0), FULL])
def test_metadata_survive_yaml(known):
    text = yaml.safe_dump(dump_metadata(known), allow_unicode=True)
    found = parse_metadata(yaml.safe_load(text))
    same = {"times_min": None}
    assert found.replace(**same) == known.replace(**same)
    assert repr(found.times_min) == repr(known.times_min), "NaN included"


def test_metadata_count_what_they_name():
    assert (FULL.n_fovs, FULL.n_channels) == (2, 2)
    assert FULL.missing_frames(1, 0) == {1, 2}
    assert FULL.missing_frames(0, 0) == frozenset()


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (None, "the section: expected"),
        ({}, "path: a value is missing; format: a value is missing; basename: a value"),
        ([1], "the section: "),
        ({**dump_metadata(FULL), "n_frames": "many"}, "n_frames: expected"),
        ({**dump_metadata(FULL), "more": 1}, "more: unknown name"),
        ({**dump_metadata(FULL), "shapes": [[1]]}, r"shapes\.0\.1: a value is missing"),
    ],
)
def test_damaged_metadata_are_named_in_one_line(entries, words):
    with pytest.raises(StoreError, match=words) as caught:
        parse_metadata(entries)
    assert str(caught.value).startswith("The section 'metadata' of processing_config.yaml is")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "a/b", "a\\b", "..", "a\nb", "\x00"])
def test_a_basename_from_a_file_cannot_leave_its_folder(name):
    found = parse_metadata({**dump_metadata(FULL), "basename": name}).basename
    assert found
    assert not set(found) & set("/\\\n\x00")
    assert not found.startswith(".")


STAMPS = ((0.0, 9.5, 20.0), (0.5, 10.0, 20.5))
TIMES = [
    pytest.param(STAMPS, {}, STAMPS[1], FILE_STAMPS, id="the file's own"),
    pytest.param(
        STAMPS, {"frame_interval": 10.0}, (0, 10, 20), "frame_interval 10 min", id="written"
    ),
    pytest.param(
        STAMPS,
        {"frame_interval": 5, "time_mapping": {2: 9, 0: 0, 1: 1}},
        (0, 1, 9),
        "time_mapping",
        id="a mapping before all",
    ),
    pytest.param(
        STAMPS,
        {"time_mapping": {0: 0, 1: 1, 2: 2, 3: 3}},
        (0, 1, 2),
        "time_mapping",
        id="more",
    ),
    pytest.param(None, {}, (0, 10, 20), "default, 10 min per frame", id="nothing known"),
    pytest.param(
        ((0, NAN, 2), STAMPS[1]), {}, (0, 10, 20), "default, 10 min per frame", id="NaN"
    ),
    pytest.param(
        ((0, math.inf, 2), STAMPS[1]), {}, (0, 10, 20), "default, 10 min per frame", id="inf"
    ),
    pytest.param(
        ((0, 2, 2), STAMPS[1]), {}, (0, 10, 20), "default, 10 min per frame", id="repeated"
    ),
    pytest.param(
        ((0, 2, 1), STAMPS[1]), {}, (0, 10, 20), "default, 10 min per frame", id="reversed"
    ),
]


@pytest.mark.parametrize(("stamps", "params", "times", "source"), TIMES)
def test_every_frame_has_a_time_and_its_source(stamps, params, times, source):
    assert frame_times(metadata(stamps), TimeParams(**params), 1) == (times, source)


def test_a_mapping_names_every_frame():
    said = r"time_mapping names 1 frame, but the recording has 12; missing are 0, 2, 3, 4"
    with pytest.raises(ConfigError, match=said + ".* and 3 more. Add every frame"):
        frame_times(metadata(n_frames=12), TimeParams(time_mapping={1: 0}), 0)


PROBLEMS = [
    (None, ["The file has no time stamps."]),
    (STAMPS, []),
    (((0,), (0,)), []),
    (((0, NAN), (0, 1)), ["Time stamps are missing or not finite in FOV 0."]),
    (((0, 0), (1, 0)), ["Time stamps do not increase in FOV 0, 1."]),
    (
        ((0, NAN), (1, 0)),
        [
            "Time stamps are missing or not finite in FOV 0.",
            "Time stamps do not increase in FOV 1.",
        ],
    ),
]


@pytest.mark.parametrize(("stamps", "problems"), PROBLEMS)
def test_what_is_wrong_with_time_stamps_is_said(stamps, problems):
    assert time_problems(metadata(stamps)) == problems


SPANS = [
    (None, {}, ["10 min per frame is assumed. Set the interval in minutes: --set frame_"]),
    (None, {"frame_interval": 5}, []),
    (None, {"frame_interval": 30000}, ["Check this setting: it is in minutes."]),
    (((0, 9, 20_000),) * 2, {}, []),
    (((0, 9, 40_000),) * 2, {}, ["set the interval in minutes: --set frame_interval=5"]),
    (((0, 9, 40_000),) * 2, {"frame_interval": 5}, []),
    (((0, 9, 20),) * 2, {"time_mapping": {0: 0, 1: 1e-3, 2: 2e-3}}, ["Check this"]),
]


@pytest.mark.parametrize(("stamps", "params", "words"), SPANS)
def test_improbable_spans_are_warned_of_with_what_helps(stamps, params, words):
    warnings = time_warnings(metadata(stamps), TimeParams(**params))
    assert len(warnings) == len(words)
    assert all(word in text for word, text in zip(words, warnings, strict=True))


@given(
    st.lists(st.floats(1e-3, 1e5), min_size=1, max_size=20), st.floats(0, 1e6), st.floats(0, 1)
)
def test_times_are_described_by_interval_and_span(steps, start, share):
    times = start + np.cumsum([0, *steps])
    text = span_text(times.tolist())
    assert re.fullmatch(r"every \S+ (s|min|h)( \(.* to .*\))?, \S+ (s|min|h) in all", text)
    even = start + np.arange(3) * steps[0] * (1 + 0.005 * share)
    assert "(" not in span_text(even.tolist())


def test_one_frame_has_no_interval():
    assert times_text(metadata(n_frames=1), TimeParams()) == "one frame"
    expected = "a frame every 10 min, 29.8 h in all; default, 10 min per frame"
    assert times_text(metadata(n_frames=180), TimeParams()) == expected


def test_metadata_are_json():
    assert json.loads(json.dumps(dump_metadata(metadata(STAMPS)))) == dump_metadata(
        metadata(STAMPS)
    )


PAUSES = [
    ((0, 10, 20, 30), ""),
    ((0, 10, 20, 1820, 1830), "30 h lie between frames 2 and 3, otherwise 10 min"),
    ((0, 10, 20, 90, 100, 110), "70 min lie between frames 2 and 3"),  # a clock put forward
    ((0, 1, 2, 3, 13, 23, 33, 43), ""),  # another plan
    ((0, 10, 60), ""),  # nothing is usual
]


@pytest.mark.parametrize(("times", "words"), PAUSES)
def test_a_pause_between_frames_is_warned_of(times, words):
    later = tuple(time + 1 for time in times)
    found = time_warnings(metadata((times, later), n_frames=len(times)), TimeParams())
    assert len(found) == bool(words)
    assert not words or (found[0].startswith("FOV 0-1: ") and words in found[0])


def test_fields_of_view_with_different_intervals_are_named():
    rows = (0, 10, 20), (0, 1, 2)
    (found,) = time_warnings(metadata(rows), TimeParams())
    assert "a frame every 60 s in FOV 1, every 10 min in FOV 0" in found
    assert time_warnings(metadata((rows[0], (0.5, 10, 21))), TimeParams()) == []
