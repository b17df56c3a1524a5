"""Labels and tracks of other programs, measured by pyama."""

import json

import numpy as np
import pandas as pd
import pytest
import tifffile

from pyama.errors import ConfigError
from pyama.processing.external.label_images import LabelParams
from pyama.processing.external.label_tracks import mothers, read_tracks, track
from pyama.runs.challenge_import import find_challenge
from pyama.traces.trace_reading import load_traces
from results import made_once
from small_movie import CENTRES, RADIUS, SHAPE, SIGNAL, cell_mask

SETTINGS = ["--pc", "0", "--fl", "1", "--set", "min_frames=2", "--set", "border_margin=2"]
TRACKS = "1 0 2 0\n2 0 1 0\n3 3 5 1\n4 3 5 1\n5 3 5 2\n6 0 5 0\n"
"""1 is the mother of 3 and 4; 5 is 2 after a gap."""


def cell(t, number):
    y, x = np.indices(SHAPE)
    cy, cx = CENTRES[number]
    return (y - cy) ** 2 + (x - cx - 2 * t) ** 2 <= RADIUS**2


def draw(t):
    labels = np.zeros(SHAPE, np.uint16)
    labels[cell(t, 0)] = 1
    if t > 2:
        left = np.arange(SHAPE[1]) < CENTRES[0][1] + 2 * t
        labels[cell(t, 0)] = np.where(left, 3, 4)[np.nonzero(cell(t, 0))[1]]
    if t != 2:
        labels[cell(t, 1)] = 2 if t < 2 else 5
    labels[cell(t, 2)] = 6
    return labels


def write_challenge(folder, image="mask", tracks="res_track.txt"):
    folder.mkdir(parents=True)
    for t in range(6):
        tifffile.imwrite(folder / f"{image}{t:03d}.tif", draw(t))
    (folder / tracks).write_text(TRACKS)
    return folder


def traces_of(folder, fov=0):
    return load_traces(next((folder / f"fov_{fov:03d}").glob("*_traces.csv")))


def test_tracks_and_mothers_are_taken_as_they_are_and_come_back(pyama, movie_file, tmp_path):
    write_challenge(tmp_path / "a/01_RES")
    done = pyama(
        *("import", "ctc", tmp_path / "a", "--recording", movie_file),
        *("--output", tmp_path / "first", *SETTINGS),
    )
    assert done.exit_code == 0, done.output
    assert f"FOV 0 has the labels in {tmp_path / 'a' / '01_RES'}." in done.stderr
    first = traces_of(tmp_path / "first")
    frames = first.groupby("cell")["frame"].agg(list).to_dict()
    assert frames == {
        1: [0, 1, 2],
        2: [0, 1, 3, 4, 5],
        3: [3, 4, 5],
        4: [3, 4, 5],
        6: [*range(6)],
    }
    assert first.groupby("cell")["parent"].first().to_dict() == {1: 0, 2: 0, 3: 1, 4: 1, 6: 0}
    whole = first[first["cell"] == 6]
    assert set(whole["area_ch_0"]) == {cell(0, 2).sum()}
    assert whole["intensity_mean_ch_1"].iloc[3] == pytest.approx(SIGNAL, rel=0.1)

    assert pyama("export", "ctc", tmp_path / "first", "-o", tmp_path / "b").exit_code == 0
    done = pyama(
        *("import", "ctc", tmp_path / "b", "--recording", movie_file),
        *("--output", tmp_path / "second", *SETTINGS),
    )
    assert done.exit_code == 0, done.output
    pd.testing.assert_frame_equal(first, traces_of(tmp_path / "second"), check_exact=True)
    done = pyama("cite", tmp_path / "second")
    assert "by another program, whose tracks were read" in done.stdout
    assert "Divisions were found" not in done.stdout


def test_a_field_of_view_is_found_by_its_number(pyama, movie_file, tmp_path):
    out = tmp_path / "out"
    done = pyama("export", "ctc", made_once(), "-o", tmp_path / "a", "--fovs", "1")
    assert done.exit_code == 0
    done = pyama(
        *("import", "ctc", tmp_path / "a", "--recording", movie_file, "-o", out, *SETTINGS),
        *("--set", "frame_interval=10", "--json"),
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["status"] == "finished"
    expected = load_traces(next((made_once() / "fov_001").glob("*_traces.csv")))
    found = traces_of(out, 1)
    assert (found.pop("parent") == 0).all()
    columns = [name for name in expected if name != "time"]
    pd.testing.assert_frame_equal(found[columns], expected[columns], check_exact=True)
    assert not (out / "fov_000").exists()


def test_numbers_are_needed_from_the_same_label_images(pyama, movie_file, tmp_path):
    done = pyama(
        *("run", movie_file, "-o", tmp_path / "out", "--pc", "0"),
        *("--set", "tracking_method=labels", "--set", "labels.path=x.tif"),
    )
    assert done.exit_code == 2
    assert "Set segmentation_method=labels." in done.output
    write_challenge(tmp_path / "01_RES")
    done = pyama(
        *("import", "ctc", tmp_path, "--recording", movie_file, "-o", tmp_path / "out"),
        *("--pc", "0", "--set", "repair_flicker=true"),
    )
    assert done.exit_code == 2
    assert "Set repair_flicker=false." in done.output


NAMES = [
    pytest.param(["01_RES"], None, "0", 1, id="the challenge counts from 1"),
    pytest.param(["01_RES", "02_RES"], None, "0,1", 1, id="two"),
    pytest.param(["00_RES", "01_RES"], None, "0,1", 0, id="from 0"),
    pytest.param(["001_RES", "003_RES"], None, "1,3", 0, id="pyama counts from 0"),
    pytest.param(["001_RES"], "7", "7", -6, id="said"),
    pytest.param(["tracked"], None, "0", 0, id="no number"),
    pytest.param(["tracked"], "5", "5", 0, id="no number, said"),
]


@pytest.mark.parametrize(("names", "said", "fovs", "offset"), NAMES)
def test_sequences_belong_to_fields_of_view(tmp_path, names, said, fovs, offset):
    for name in names:
        write_challenge(tmp_path / "{x}" / name)
    found = find_challenge(tmp_path / "{x}", said)
    settings = dict(text.split("=", 1) for text in found.settings)
    assert (found.fovs, json.loads(settings["labels.first_fov"])) == (fovs, offset)
    fov = int(fovs.split(",")[-1])
    params = LabelParams(
        path=json.loads(settings["labels.path"]), tracks=json.loads(settings["labels.tracks"])
    )
    for text in (params.path, params.tracks):
        path = text.format(fov=fov + offset, frame=5)
        assert (tmp_path / "{x}" / names[-1]).as_posix() in path


def test_annotations_are_found_in_their_folder(tmp_path):
    write_challenge(tmp_path / "02_GT/TRA", "man_track", "man_track.txt")
    for folder in (tmp_path, tmp_path / "02_GT", tmp_path / "02_GT/TRA"):
        assert "/TRA/man_track{frame:03d}.tif" in "".join(find_challenge(folder).settings)
    write_challenge(tmp_path / "02_RES")
    with pytest.raises(ConfigError, match=r"TRA, 02_RES are not one set of sequences"):
        find_challenge(tmp_path)


def test_what_cannot_be_assigned_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"has no res_track\.txt or man_track\.txt"):
        find_challenge(tmp_path)
    write_challenge(tmp_path / "01_RES")
    write_challenge(tmp_path / "02_RES")
    with pytest.raises(ConfigError, match="names 1 field of view, but there are 2 folders"):
        find_challenge(tmp_path, "3")
    with pytest.raises(ConfigError, match="do not differ by one number"):
        find_challenge(tmp_path, "3,7")
    for file in tmp_path.rglob("*.tif"):
        file.unlink()
    with pytest.raises(ConfigError, match=r"has no label images such as mask000\.tif"):
        find_challenge(tmp_path)


LINES = [
    ("1 0 5", "four whole numbers"),
    ("1 0 5 x", "four whole numbers"),
    ("1 0 5 0\n1 6 7 0", "stands twice"),
    ("0 0 5 0", "not above 0"),
    ("1 5 4 0", "ends before it begins"),
    ("1 0 5 7", "parent of label 1, 7, must be"),
    ("1 0 5 0\n2 3 7 1", "ends before frame 3"),
]


@pytest.mark.parametrize(("text", "problem"), LINES)
def test_a_wrong_file_of_tracks_is_named(tmp_path, text, problem):
    path = tmp_path / "res_track.txt"
    path.write_text(text)
    with pytest.raises(ConfigError, match=problem) as caught:
        read_tracks(path)
    assert str(path) in str(caught.value)


def test_a_daughter_alone_is_no_gap(tmp_path):
    path = tmp_path / "res_track.txt"
    path.write_text("1 0 2 0\n2 3 5 1\n3 7 9 2\n")
    found = read_tracks(path)
    assert found.cells == {1: 1, 2: 2, 3: 2}
    assert found.mothers == {2: 1}


def test_labels_without_a_file_of_tracks_keep_their_numbers():
    frames = [cell_mask(t) * np.uint32(70_000) for t in range(2)]
    params = LabelParams(path="x.tif")
    for labels, frame in zip(track(iter(frames), params), frames, strict=True):
        np.testing.assert_array_equal(labels, frame)
    assert mothers(params, 0) == {}


def test_a_label_without_its_line_is_named(tmp_path):
    (tmp_path / "t.txt").write_text("1 0 5 0\n")
    params = LabelParams(path="x.tif", tracks=str(tmp_path / "t.txt"))
    with pytest.raises(ConfigError, match=r"t\.txt has no line for the label 2"):
        list(track([np.full((3, 3), 2, np.uint16)], params))
    params = LabelParams(path="x.tif", tracks=str(tmp_path / "absent.txt"))
    with pytest.raises(ConfigError, match=r"no file of tracks .*absent\.txt"):
        list(track([np.full((3, 3), 2, np.uint16)], params))
