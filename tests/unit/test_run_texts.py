"""What a user reads before and after a run: notes, counts and commands."""

import json
import logging
import shlex
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from pyama import layout
from pyama.algorithms.filters import share_inside
from pyama.config import Channel, Channels, ProcessingParams
from pyama.processing.step_reports import FovStepReport, Status, StepReports
from pyama.runs import active_run
from pyama.runs.command_line import command
from pyama.runs.disk_progress import MAX_LOG_BYTES, log_tail
from pyama.runs.log import write_log
from pyama.runs.plugin_catalog import _parameters
from pyama.runs.request import PreparedRun, Request, prepare
from pyama.runs.run_counts import count_lines, limits
from pyama.runs.run_notes import other_settings, quoted, recording_notes, reselection_notes
from pyama.runs.settings import apply_settings
from pyama.runs.summary import _skipped
from pyama.sentences import WITHOUT_CELLS, WITHOUT_MASK
from pyama.testing.nd2_writer import write_nd2
from small_movie import MOVIE, make_config, recording_of

METADATA = recording_of(MOVIE[:3]).metadata
NO_OBJECTS = {"small": 0, "large": 0}
STAGES = [{"name": "threshold", "area": 120, "taken": 0}]


def counted(**facts):
    """A summary as `count_lines` reads it."""
    return {
        "cells": 9,
        "traces": 4,
        "rows": 40,
        "time": "file",
        "frames": 10,
        "span": "one frame every 10 min",
        "removed": {"min_frames": 0, "border_margin": 0},
        "removed_by_both": 0,
        "limits": {"min_frames": 5, "border_margin": 2, "share_inside": 0.5},
        "accounting": {"pixels": 1000, "stages": STAGES, "fovs": {"0": {}}},
        "objects": {},
    } | facts


def line_of(lines, name):
    (line,) = (line for line in lines if line.split()[0] == name)
    return line


@pytest.mark.parametrize(("n_z", "is_said"), [(1, False), (2, True), (5, True)])
def test_the_plane_of_a_stack_is_named_if_there_is_a_choice(n_z, is_said):
    notes = recording_notes(METADATA.replace(n_z=n_z), make_config())
    said = f"Of {n_z} z planes, z = middle is used. Another: --set z=NUMBER"
    assert any(said in note for note in notes) == is_said


def test_a_plane_that_was_chosen_needs_no_advice():
    notes = recording_notes(METADATA.replace(n_z=2), make_config(z=1))
    assert "Of 2 z planes, z = 1 is used." in notes


@pytest.mark.parametrize(("n_frames", "is_said"), [(1, False), (2, True)])
def test_the_interval_is_said_if_there_is_one(n_frames, is_said):
    metadata = recording_of(MOVIE[:1, :n_frames]).metadata
    notes = recording_notes(metadata, make_config())
    assert any(note.startswith("There is a frame every") for note in notes) == is_said, notes


def test_without_phase_contrast_a_run_says_what_is_missing():
    channels = Channels(fl=[1])
    assert {WITHOUT_CELLS, WITHOUT_MASK} <= {*recording_notes(METADATA, make_config(channels))}
    copied = recording_notes(METADATA, make_config(channels, copy_only=True))
    assert WITHOUT_CELLS in copied
    assert WITHOUT_MASK not in copied  # no background is estimated
    assert not {WITHOUT_CELLS, WITHOUT_MASK} & {*recording_notes(METADATA, make_config())}


def test_objects_that_were_dropped_are_counted_by_their_reason():
    lines = count_lines(counted(objects={"small": 7, "large": 2}))
    assert line_of(lines, "dropped").split(maxsplit=1)[1] == (
        "7 objects as too small, 2 as too large, all frames"
    )
    assert not any("dropped" in line for line in count_lines(counted()))


def test_cells_that_are_left_out_are_counted_by_their_reason():
    removed = {"min_frames": 3, "border_margin": 2}
    text = " ".join(" ".join(count_lines(counted(removed=removed, removed_by_both=1))).split())
    assert "left out 3 " in text
    assert "(min_frames), 2 " in text
    assert "(border_margin); 50 % of the frame is further away, 1 of them for both" in text
    assert line_of(count_lines(counted()), "left").endswith("none")
    removed = {"min_frames": 3, "border_margin": 0}
    lines = count_lines(counted(removed=removed))
    assert not any("of the frame is further away" in line for line in lines)


@pytest.mark.parametrize("fovs", [(0,), (2,), (2, 1), (1, 2, 0)])
def test_the_margin_is_that_of_the_smallest_field_of_view_of_the_run(fovs):
    shapes = ((90, 120), (300, 200), (40, 70))
    report = SimpleNamespace(fovs=fovs, metadata=METADATA.replace(shapes=shapes))
    config = make_config(border_margin=9)
    found = limits(report, config, {})["share_inside"]
    assert found == min(share_inside(shapes[fov], 9) for fov in fovs)


@pytest.mark.parametrize("level", [logging.NOTSET, logging.ERROR])
def test_logging_is_as_before_once_the_log_of_a_run_is_closed(tmp_path, level):
    package = logging.getLogger("pyama")
    before, handlers = package.level, list(package.handlers)
    package.setLevel(level)
    try:
        with write_log(tmp_path, lambda record: None):
            assert package.level == logging.INFO
            assert len(package.handlers) > len(handlers)
        assert (package.level, package.handlers) == (level, handlers)
    finally:
        package.setLevel(before)


def test_the_share_of_pixels_above_the_threshold_is_said():
    marked = line_of(count_lines(counted()), "marked")
    assert marked.split(maxsplit=1)[1] == "12 % of all pixels"


@pytest.mark.parametrize(("n_fovs", "n_lines"), [(1, 0), (2, 2), (10, 10), (11, 0)])
def test_a_few_fields_of_view_have_a_line_each(n_fovs, n_lines):
    cells = {"tracking": 9, "min_frames": 6, "border_margin": 4}
    stages = [
        *STAGES,
        *({"name": name, "area": 50, "taken": 0, "cells": n} for name, n in cells.items()),
    ]
    fovs = {str(fov): {"pixels": 1000, "stages": stages} for fov in range(n_fovs)}
    account = {"pixels": 1000, "stages": STAGES, "fovs": fovs}
    lines = [line for line in count_lines(counted(accounting=account)) if "FOV" in line]
    assert len(lines) == n_lines
    for fov, line in enumerate(lines):
        assert " ".join(line.split()) == (
            f"FOV {fov} 12 % of all pixels marked, 9 cells; min_frames -3, border_margin -2; "
            "4 traces"
        )


def test_other_settings_of_the_last_run_are_listed_with_their_values():
    old = make_config(min_frames=7, border_margin=9, n_workers=2)
    new = make_config(min_frames=2, border_margin=3)
    (note,) = other_settings(old, new, {"border_margin"}, Path("out"))
    assert "(min_frames = 7)" in note
    assert "--config out/processing_config.yaml" in note.replace("\\", "/")
    assert other_settings(old, new, {"border_margin", "min_frames"}, Path("out")) == []


def test_other_frames_than_those_of_the_last_run_are_a_note():
    selected = METADATA.replace(selected_frames=(0, 1, 2, 3, 4, 5), n_recorded_frames=9)
    (note,) = reselection_notes(selected, METADATA)
    assert "(0-5)" in note
    (note,) = reselection_notes(METADATA, selected)
    assert f"({METADATA.selection})" in note
    assert reselection_notes(selected, selected) == []


def test_a_note_names_the_results_that_are_removed_first():
    """Not all fields of view of a run have results, and others may be removed with them."""
    prepared = PreparedRun(Path("m.nd2"), Path("out"), METADATA, make_config(), [0, 2])
    assert active_run.run_notes(prepared, ()) == []
    notes = active_run.run_notes(replace(prepared, notes=("a",), removed=[1, 2]), ["FOV 0: x"])
    assert notes == [
        "a",
        "The results of FOV 1-2 are removed first.",
        "These results are made again: FOV 0: x",
    ]


def test_a_path_with_a_space_is_quoted():
    assert quoted(Path("a b")) == '"a b"'
    assert quoted(Path("ab")) == "ab"


def words_of(config, fovs=(0, 1, 2), **facts):
    run = PreparedRun(Path("m.nd2"), Path("out"), METADATA, config, list(fovs), **facts)
    return shlex.split(command(run, [Path("/plugins")]))


def after(words, option):
    return [words[i + 1] for i, word in enumerate(words) if word == option]


@pytest.mark.parametrize(
    ("fovs", "typed"),
    [
        ([0, 1, 2], []),
        ([0, 1], ["0-1"]),
        ([0, 2], ["0,2"]),
        ([2, 0], ["2,0"]),
        ([1, 1], ["1,1"]),
    ],
)
def test_the_command_names_the_fields_of_view_in_their_order(fovs, typed):
    assert [
        text.replace(" ", "") for text in after(words_of(make_config(), fovs), "--fovs")
    ] == typed


def test_the_command_has_channels_features_and_flags():
    channels = Channels(
        pc=Channel(channel=0, features=["area"]),
        fl=[Channel(channel=1, features=["intensity_total", "intensity_mean"])],
    )
    words = words_of(make_config(channels, frames="0-3", min_frames=9), overwrite=True)
    assert words[:5] == ["pyama", "run", "m.nd2", "--output", "out"]
    assert (after(words, "--pc"), after(words, "--fl")) == (["0"], ["1"])
    assert after(words, "--pc-features") == ["area"]
    assert after(words, "--fl-features") == ["intensity_total,intensity_mean"]
    assert after(words, "--frames") == ["0-3"]
    assert "min_frames=9" in after(words, "--set")
    assert not any(text.startswith("frames") for text in after(words, "--set"))
    assert "--overwrite" in words
    assert "--redo" not in words
    assert "--redo" in words_of(make_config(), redo=True)
    assert "--overwrite" not in words_of(make_config())
    assert "--frames" not in words_of(make_config())


def test_channels_with_different_features_need_a_configuration_file():
    features = [["intensity_total"], ["intensity_mean"]]
    fl = [Channel(channel=i + 1, features=names) for i, names in enumerate(features)]
    words = words_of(make_config(Channels(pc=0, fl=fl)))
    assert [Path(text).name for text in after(words, "--config")] == ["processing_config.yaml"]
    assert not after(words, "--fl")
    same = [Channel(channel=i, features=["intensity_total"]) for i in (1, 2)]
    assert after(words_of(make_config(Channels(pc=0, fl=same))), "--fl") == ["1", "2"]


def test_the_log_of_a_run_ends_with_it(tmp_path):
    heard = []
    for name in ("a", "b"):
        with write_log(tmp_path / name, heard.append):
            logging.getLogger("pyama.runs").info("in %s", name)
    logging.getLogger("pyama.runs").warning("after both")
    texts = [(tmp_path / name / "run.log").read_text(encoding="utf-8") for name in ("a", "b")]
    assert [text.count("in ") for text in texts] == [1, 1]
    assert [record.getMessage() for record in heard] == ["in a", "in b"]


@pytest.mark.parametrize("default", [0, False, None, "", []])
def test_a_default_that_is_nothing_is_a_default(default):
    model = {"properties": {"x": {"description": "Size.", "default": default}, "y": {}}}
    shown = _parameters(model)
    assert shown["x"] == f"Size. [{json.dumps(default)}]"
    assert shown["y"].endswith("[required]")


def test_a_setting_of_copy_only_counts_where_no_option_is_given(tmp_path):
    write_nd2(tmp_path / "m.nd2", MOVIE[:1, :, None], channel_names=["Phase", "GFP"])
    for settings, expected in ((("copy_only=true",), True), ((), False)):
        request = Request(tmp_path / "m.nd2", tmp_path / "out", settings=settings)
        assert prepare(request).config.params.copy_only is expected


def test_why_steps_were_skipped_is_said_once_for_all_fields_of_view():
    reasons = {"tracking": "no phase contrast", "cropping": "no phase contrast", "x": "other"}
    entries = [
        FovStepReport(step, fov, Status.SKIPPED, why)
        for fov in range(3)
        for step, why in reasons.items()
    ]
    reports = StepReports((*entries, FovStepReport("y", 0, Status.DONE)))
    assert _skipped(SimpleNamespace(steps=reports)) == [
        "Skipped tracking, cropping: no phase contrast.",
        "Skipped x: other.",
    ]


def test_what_a_command_sets_gives_the_same_parameters():
    """Also where a value is longer than a line, or means something in YAML or the shell."""
    path = "/data/" + "flat fields of the lamp, " * 9 + "it's #1: a.tif"
    config = make_config(
        flat_field={1: path},
        dark_frame=99.5,
        max_object_size=None,
        plugins={"labels": {"path": "a: b #1"}},
    )
    words = words_of(config)
    assert not any("\n" in word for word in words)
    again = apply_settings({}, after(words, "--set"))["params"]
    assert ProcessingParams(**again) == config.params


def test_a_log_that_does_not_say_where_a_run_begins_is_shown_from_its_start(tmp_path):
    (tmp_path / layout.LOG_FILE).write_text("a\nb\nc\n")
    assert log_tail(tmp_path, 9) == ["a", "b", "c"]
    assert log_tail(tmp_path, 2) == ["b", "c"]
    assert log_tail(tmp_path / "none", 2) == []


@pytest.mark.parametrize("at_the_end", [False, True])
def test_of_a_long_log_the_end_is_shown(tmp_path, at_the_end):
    begin = f"12:00 INFO {active_run.__name__}: pyama 1.0"
    lines = [begin, *(f"{i:05}" for i in range(MAX_LOG_BYTES // 6 + 9))]
    if at_the_end:
        lines[-3] = begin
    (tmp_path / layout.LOG_FILE).write_text("\n".join(lines), newline="\n")
    assert log_tail(tmp_path, 5) == lines[-3 if at_the_end else -5 :]
