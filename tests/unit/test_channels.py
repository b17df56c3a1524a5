"""Channels by index, by name, and proposed from their names."""

import pytest

from pyama.config import METADATA_KEY
from pyama.errors import ConfigError
from pyama.runs.channels import (
    channel_entries,
    channel_kind,
    channel_list,
    compare_names,
    example_options,
    find_channel,
    names_before,
    propose_channels,
    with_features,
)

NAMES = ["Phase", "GFP", "mCherry", "GFP long", "1"]


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ("0", 0),
        ("4", 4),
        ("phase", 0),
        (" PHASE ", 0),
        ("gfp", 1),  # the whole name counts before a part of another
        ("long", 3),
        ("cherry", 2),
    ],
)
def test_a_channel_is_found_by_index_name_or_a_part_of_it(text, channel):
    assert find_channel(text, NAMES, "--fl") == channel


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("5", "is not a channel"),
        ("-1", "is not a channel"),
        ("", "is not a channel"),
        ("h", "means 2 channels"),
        ("1", "means 2 channels"),  # an index, and the name of another
        ("YFP", "is not a channel"),
    ],
)
def test_a_text_that_means_no_channel_or_several_is_refused(text, problem):
    with pytest.raises(ConfigError) as refused:
        find_channel(text, NAMES, "--fl")
    assert f"--fl {text} {problem}" in str(refused.value)
    assert str(refused.value).endswith(channel_list(NAMES))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("5-FAM/pH 9.0", "fl"),
        ("Ph 2", "pc"),
        ("488", "fl"),
        ("1488", None),
        ("Cy5", "fl"),
        ("Cy 55", None),
        ("DIC GFP", None),
        ("Camera", None),
        ("halos", None),
        ("Brightfield", "pc"),
    ],
)
def test_what_the_name_of_a_channel_says(name, kind):
    assert channel_kind(name) == kind


@pytest.mark.parametrize(
    ("names", "proposal"),
    [
        (["GFP", "Phase", "DAPI"], (1, [0, 2])),
        (["Phase"], (0, [])),
        (["Phase", "DIC"], None),
        (["Phase", "Camera"], None),
        (["GFP"], None),
    ],
)
def test_channels_are_proposed_if_their_names_leave_no_doubt(names, proposal):
    assert propose_channels(names) == proposal


def test_the_example_of_an_answer_takes_the_phase_contrast_that_is_known():
    assert example_options(["Camera", "Phase", "GFP"]) == "--pc 1 --fl 0 --fl 2"
    assert example_options(["a", "b"]) == "--pc 0 --fl 1"


def test_renamed_channels_are_noted_and_moved_ones_refused():
    assert compare_names([0, 1], ["Phase", "GFP"], ["Phase", "GFP", "DAPI"]) == []
    (note,) = compare_names([0, 1], ["Phase", "GFP"], ["Phase", "EGFP"])
    assert note.startswith("Channel 1 is EGFP; ")
    assert note.endswith("it was GFP.")
    assert compare_names([0], ["Phase", "GFP"], ["Phase", "EGFP"]) == []  # 1 is not used
    # What a recording does not have is refused elsewhere, and this must not fail before.
    assert compare_names([0, 7], ["Phase"], ["Phase"]) == []
    assert compare_names([0, 1], ["Phase", "GFP"], ["Phase"]) == []
    with pytest.raises(ConfigError, match="GFP was channel 1"):
        compare_names([1], ["Phase", "GFP"], ["GFP", "Phase"])


def test_features_belong_to_channels_that_are_there():
    both = channel_entries(0, [1, 2])
    changed = with_features(both, "area, perimeter,", "intensity_total")
    assert changed["pc"] == {"channel": 0, "features": ["area", "perimeter"]}
    assert [entry["features"] for entry in changed["fl"]] == [["intensity_total"]] * 2
    assert [entry["channel"] for entry in changed["fl"]] == [1, 2]
    assert with_features(channel_entries(None, []), None, None) == {"pc": None, "fl": []}
    with pytest.raises(ConfigError, match="--pc-features needs"):
        with_features(channel_entries(None, [1]), "area", None)
    with pytest.raises(ConfigError, match="--fl-features needs"):
        with_features(channel_entries(0, []), None, "area")


def test_names_of_an_earlier_recording_are_read_from_its_configuration():
    assert names_before({METADATA_KEY: {"channel_names": ["a", 1]}}) == ["a", "1"]
    for damaged in ({}, {METADATA_KEY: 3}, {METADATA_KEY: {"channel_names": "a"}}):
        assert names_before(damaged) == []
