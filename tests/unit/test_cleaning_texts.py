"""What `pyama clean` says, from listings made by hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from pyama.analysis.removed_outputs import KINDS
from pyama.errors import ConfigError
from pyama.runs.cleaning import (
    Listing,
    listing_lines,
    nothing_text,
    parse_kinds,
    removed_text,
)
from pyama.runs.removable import Found, Removable, seconds_of
from pyama.runs.temporary_files import LeftOvers

NOTHING = LeftOvers({}, (), 0)


def found_of(**outputs):
    """What was found: sizes by kind, field of view and name."""
    found = Found()
    for kind, fovs in outputs.items():
        found.groups[kind].outputs.update(fovs)
    return found


def listing_of(found, left=NOTHING):
    return Listing(Path("out"), Path("m.nd2"), left, found, None, 10**9)


def test_kinds_may_be_listed_with_commas_and_have_an_order():
    assert parse_kinds(["crops, previews", ""]) == [
        k for k in KINDS if k in ("previews", "crops")
    ]
    assert parse_kinds(["all"]) == list(KINDS)
    assert parse_kinds([]) == []
    with pytest.raises(ConfigError, match="--also traces, x: there is no such kind"):
        parse_kinds(["traces,crops", "x"])


def test_an_output_of_two_kinds_is_counted_once():
    found = found_of(
        previews={0: {"a/1": 5, "cells/1": 7}, 1: {"a/1": 3}},
        crops={0: {"cells/0": 100, "cells/1": 7}},
    )
    listing = listing_of(found, LeftOvers({}, (Path("x.tmp"),), 11))
    assert [group.kind for group in listing.groups] == [
        k for k in KINDS if k in ("previews", "crops")
    ]
    assert found.groups["previews"].size == 15
    assert listing.size([]) == 11
    assert listing.size(["previews"]) == 26
    assert listing.size(["previews", "crops"]) == 126


def test_what_is_removed_is_named_with_its_size():
    found = found_of(previews={1: {"pc_ch_0/1": 2000}})
    assert removed_text(listing_of(found), []) == ""
    text = removed_text(listing_of(found), ["previews"])
    assert "left-overs" not in text
    assert "previews" in text
    assert text.endswith("(2 kB)")
    left = LeftOvers({0: ("a",)}, (), 1000)
    assert removed_text(listing_of(found, left), []) == "left-overs (1 kB)"
    assert removed_text(listing_of(found, left), ["previews"]).endswith("(3 kB)")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seconds", [0.4, 95.0])
def test_the_time_of_a_step_is_named_unless_it_is_short_or_previews_alone(kind, seconds):
    """Previews are made while another step has the pixels in memory."""
    found = found_of(**{kind: {3: {"a/0": 5}}})
    found.groups[kind].steps.add("x")
    run = {"fovs": {"3": {"x": {"status": "done", "seconds": seconds}}}}
    (line,) = [
        line
        for line in listing_lines(replace(listing_of(found), run=run))
        if line.startswith(f"  {kind} ")
    ]
    assert "FOV 3; made again by x" in line
    assert ("took 1 min 35 s" in line) == (seconds > 1 and kind != "previews")
    assert ("took" in line) == ("took 1 min 35 s" in line)


def test_nothing_was_removed_says_what_helps():
    assert nothing_text(listing_of(Found()), "x") == "Nothing was removed. --yes removes x."
    found = found_of(previews={0: {"pc_ch_0/1": 1}}, crops={0: {"cells/0": 1}})
    kinds = ",".join(k for k in KINDS if k in ("previews", "crops"))
    assert nothing_text(listing_of(found), "").startswith(
        f"Nothing was removed. --also {kinds}"
    )
    assert "nothing that a run could make again" in nothing_text(listing_of(Found()), "")


@pytest.mark.parametrize(
    ("left", "text"),
    [
        (NOTHING, "none"),
        (
            LeftOvers({0: ("a",), 1: ("b",)}, (), 1),
            "unfinished outputs of killed runs in FOV 0-1",
        ),
        (LeftOvers({}, (Path("a"), Path("b")), 1), "temporary files (2)"),
        (
            LeftOvers({3: ("a",)}, (Path("a"),), 1),
            "unfinished outputs of killed runs in FOV 3; temporary files (1)",
        ),
    ],
)
def test_left_overs_are_described(left, text):
    assert str(left) == text
    assert bool(left) == (text != "none")


def test_what_stays_is_one_sentence_for_every_reason():
    found = Found()
    found.kept["why"][2]["pc_ch_0/1"] = 1500
    found.kept["why"][0]["cells/0"] = 500
    found.kept["other"][1]["pc_ch_0/1"] = 1
    first, second = found.kept_lines()
    assert "of FOV 0,2 (2 kB) stay: why" in first
    assert first.startswith("previews, crops")
    assert second.endswith("stay: other")


def test_the_time_of_steps_is_that_of_the_run_that_made_them():
    def fov(status, seconds):
        return {"cropping": {"status": status, "seconds": seconds}}

    run = {"fovs": {"0": fov("done", 2.5), "1": fov("done", 4), "2": fov("unchanged", 0)}}
    assert seconds_of(run, {"cropping"}, {0, 1}) == 6.5
    assert seconds_of(run, {"cropping"}, {0, 2}) is None
    assert seconds_of(run, {"cropping", "tracking"}, {0}) is None
    assert seconds_of(None, {"cropping"}, {0}) is None
    assert seconds_of(run, set(), {0}) == 0


def test_a_group_without_outputs_has_no_size():
    assert Removable("crops").size == 0
