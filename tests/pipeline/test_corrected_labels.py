"""Labels that a person has corrected are an input of the segmentation."""

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import ome_zarr_models
import pytest
import zarr

from pyama import layout
from pyama.errors import ArrayError, ConfigError, InspectedError, LockedError, StoreError
from pyama.fov_ranges import parse_frames
from pyama.processing.recipes import FovContexts, recipes
from pyama.processing.step_reports import Status
from pyama.processing.steps import STEPS
from pyama.processing.workflow.planned_steps import plan_fov
from pyama.processing.workflow.run import process
from pyama.processing.workflow.worker import run_steps
from pyama.readers.frame_selection import select_frames
from pyama.store import FovStore, label_corrections, lock_fovs
from pyama.store.label_corrections import canonical
from pyama.traces.corrected_labels import (
    current_corrections,
    save_corrected_labels,
    withdraw_corrected_labels,
)
from pyama.traces.corrections import MarkCell
from pyama.traces.inspection import Inspection
from pyama.traces.trace_files import traces_of
from pyama.traces.trace_reading import load_traces
from results import results_in
from small_movie import MOVIE, SHAPE, contents, make_config, recording_of

LABELED, TRACKED = "seg_labeled_ch_0", "seg_tracked_ch_0"
CORRECTED = "fov_000/seg_corrected_ch_0.zarr"
RECORDING = recording_of(MOVIE[:2])


@pytest.fixture
def folder(tmp_path):
    return results_in(tmp_path)


def stack(folder, group, fov=0):
    return np.stack(list(FovStore(folder, fov).stack(group)))


def without_a_cell(folder, frame=2, group=TRACKED):
    labels = stack(folder, group)[frame]
    return np.where(labels == labels.max(), 0, labels)


def run_again(folder, **options):
    return process(RECORDING, make_config(), folder, **options)


def reasons(folder, fov=0):
    steps = plan_fov(FovContexts(RECORDING.metadata, make_config(), folder), fov)
    return {step.step: step.reasons for step in steps if step.reasons}


def found(folder, fov=0):
    return current_corrections(folder, RECORDING.metadata, make_config(), fov)


def test_a_run_takes_corrected_labels_and_makes_again_what_depends_on_them(folder):
    before = stack(folder, LABELED)
    labels = without_a_cell(folder)
    saved = save_corrected_labels(folder, 0, {2: labels, 3: before[3]}, by="Ana")
    assert (saved.frames, saved.unchanged, saved.notes) == ((2,), (3,), ())
    planned = reasons(folder)
    assert planned["segmentation"][0].startswith("corrected_frames changed none -> 2 (")
    assert planned["tracking"] == (f"{LABELED}/0 changes",)
    assert "copying" not in planned
    assert not reasons(folder, fov=1), "no other field of view"
    report = run_again(folder)
    assert report.succeeded
    statuses = {(r.step, r.fov): r.status for r in report.steps}
    assert statuses["copying", 0] == Status.UNCHANGED
    assert statuses["segmentation", 0] == statuses["extraction", 0] == Status.DONE
    assert statuses["extraction", 1] == Status.UNCHANGED
    after = stack(folder, LABELED)
    np.testing.assert_array_equal(after[2], canonical(labels))
    for frame in (0, 1, 3, 4, 5):
        np.testing.assert_array_equal(after[frame], before[frame])
    table = load_traces(traces_of(folder, 0))
    assert table.groupby("frame").size().to_dict() == {0: 4, 1: 4, 2: 3, 3: 4, 4: 4, 5: 4}
    assert not reasons(folder)
    assert run_again(folder).succeeded


def test_results_are_reproducible_from_method_and_corrections(folder, tmp_path):
    save_corrected_labels(folder, 0, {2: without_a_cell(folder)}, by="Ana")
    run_again(folder)
    fresh = tmp_path / "fresh"
    (fresh / "fov_000").mkdir(parents=True)
    shutil.copytree(folder / CORRECTED, fresh / CORRECTED)
    assert run_again(fresh).succeeded
    assert contents(fresh) == contents(folder)


def test_who_and_when_are_kept_with_the_frame(folder):
    labels = without_a_cell(folder)
    save_corrected_labels(folder, 0, {2: labels}, by="Ana")
    entry = found(folder)[2]
    assert (entry.by, entry.cells, entry.frame) == ("Ana", 3, 2)
    assert entry.at.endswith("+00:00")
    save_corrected_labels(folder, 0, {2: labels * 3}, by="Ben")
    assert found(folder)[2] == entry, "the same cells with other numbers are no correction"
    labels[:5, :5] = 99
    save_corrected_labels(folder, 0, {2: labels}, by="Ben")
    assert (found(folder)[2].by, found(folder)[2].cells) == ("Ben", 4)
    history = json.loads((folder / CORRECTED / "zarr.json").read_bytes())
    assert [e["by"] for e in history["attributes"]["pyama"]["corrections"]] == ["Ana", "Ben"]


def test_the_name_of_the_user_is_the_default(folder, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "carla")
    save_corrected_labels(folder, 0, {2: without_a_cell(folder)})
    assert found(folder)[2].by == "carla"

    def fail():
        raise OSError

    monkeypatch.setattr("getpass.getuser", fail)
    save_corrected_labels(folder, 0, {3: without_a_cell(folder, 3)})
    assert found(folder)[3].by == "unknown"


def test_only_frames_that_differ_from_what_was_opened_are_saved(folder):
    tracked = stack(folder, TRACKED)
    tracked[4][tracked[4] == 1] = 0
    saved = save_corrected_labels(folder, 0, dict(enumerate(tracked)), opened_from=TRACKED)
    assert saved.frames == (4,)
    files = sorted(p.name for p in (folder / CORRECTED / "0").iterdir())
    assert files == ["c.4.0.0", "zarr.json"]


def test_what_is_saved_is_an_ome_zarr_image_of_labels(folder):
    save_corrected_labels(folder, 0, {2: without_a_cell(folder)})
    group = zarr.open_group(folder / CORRECTED, mode="r")
    model = ome_zarr_models.open_ome_zarr(group)
    (multiscale,) = model.ome_attributes.multiscales
    assert multiscale.datasets[0].coordinateTransformations[0].scale == [1, 0.65, 0.65]
    source = group.attrs["ome"]["image-label"]["source"]["image"]
    assert (folder / CORRECTED / source / "0").resolve().is_dir()
    np.testing.assert_array_equal(group["0"][2], canonical(without_a_cell(folder)))
    assert not group["0"][3].any()


def test_withdrawn_corrections_are_segmented_again(folder):
    before = contents(folder)
    save_corrected_labels(folder, 0, {2: without_a_cell(folder)})
    run_again(folder)
    assert withdraw_corrected_labels(folder, 0, [2, 3], by="Ana") == (2,)
    (why,) = reasons(folder)["segmentation"]
    assert why.startswith("corrected_frames changed 2 (")
    assert why.endswith("-> none")
    run_again(folder)
    after = contents(folder)
    assert {name for name in after if after[name] != before.get(name)} == {
        f"{CORRECTED}/zarr.json",
        f"{CORRECTED}/0/zarr.json",
    }


@pytest.mark.parametrize("killed_before", ["zarr.json", "c.2.0.0"])
@pytest.mark.parametrize("earlier", [False, True])
def test_a_writer_that_is_killed_leaves_the_frame_as_it_was(
    folder, monkeypatch, killed_before, earlier
):
    labels = without_a_cell(folder)
    if earlier:
        save_corrected_labels(folder, 0, {2: labels}, by="Ana")
    before = found(folder)
    write = label_corrections.write_atomically

    def killed(path, data):
        if path == folder / CORRECTED / killed_before or path.name == killed_before:
            raise KeyboardInterrupt
        write(path, data)

    monkeypatch.setattr(label_corrections, "write_atomically", killed)
    labels[:5, :5] = 99
    with pytest.raises(KeyboardInterrupt):
        save_corrected_labels(folder, 0, {2: labels}, by="Ben")
    assert found(folder) == before
    monkeypatch.undo()
    save_corrected_labels(folder, 0, {2: labels}, by="Ben")
    assert found(folder)[2].by == "Ben"


def test_a_withdrawal_that_is_killed_leaves_the_correction(folder, monkeypatch):
    save_corrected_labels(folder, 0, {2: without_a_cell(folder)}, by="Ana")

    unlink = Path.unlink

    def killed(path, **options):
        if path.name == "c.2.0.0":
            raise KeyboardInterrupt
        unlink(path, **options)

    monkeypatch.setattr(Path, "unlink", killed)
    with pytest.raises(KeyboardInterrupt):
        withdraw_corrected_labels(folder, 0, [2], by="Ben")
    monkeypatch.undo()
    assert found(folder)[2].by == "Ana"


def test_damage_is_found(folder):
    save_corrected_labels(folder, 0, {2: without_a_cell(folder)})
    file = folder / CORRECTED / "0/c.2.0.0"
    data = file.read_bytes()
    file.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    with pytest.raises(StoreError, match=r"c\.2\.0\.0 is damaged.*frame 2 is then segmented"):
        reasons(folder)
    file.unlink()
    assert found(folder) == {}
    document = folder / CORRECTED / "zarr.json"
    document.write_bytes(document.read_bytes()[:-30])
    with pytest.raises(StoreError, match=r"zarr\.json is damaged.*move the folder away"):
        reasons(folder)


def test_labels_that_are_corrected_while_a_run_starts_are_not_mixed(folder):
    contexts = FovContexts(RECORDING.metadata, make_config(), folder)
    contexts.compute_recipes([0])
    FovStore(folder, 0).discard()
    save_corrected_labels(folder, 0, {2: MOVIE[0, 2, 0] * 0 + 1})
    steps = [step for step in STEPS if step.name == "copying"]
    copying = FovContexts(RECORDING.metadata, make_config(), folder, lambda: RECORDING)
    run_steps(copying[0], None, None, steps)
    steps = [step for step in STEPS if step.name == "segmentation"]
    (report,) = run_steps(contexts[0], None, None, steps)
    assert report.message == (
        "Labels of FOV 0 were corrected while the run was starting. Run it again."
    )


def test_corrections_are_numbered_as_in_the_recording(folder):
    save_corrected_labels(folder, 0, {4: without_a_cell(folder, 4)})
    config = make_config(frames="1-5:3")
    part = select_frames(RECORDING.metadata, "1-5:3")
    assert part.recorded_frames == parse_frames("1-5:3", 6) == (1, 4)
    assert list(current_corrections(folder, part, config, 0)) == [1]
    recipe = FovContexts(RECORDING.metadata, config, folder).recipes(0)[f"{LABELED}/0"]
    assert recipe.params["corrected_frames"].startswith("1 (")


def test_corrections_of_another_recording_are_not_used_but_kept(folder):
    save_corrected_labels(folder, 0, {2: without_a_cell(folder)})
    other = recording_of(MOVIE[1:])
    contexts = FovContexts(other.metadata, make_config(), folder)
    assert contexts.recipes(0) == recipes(other.metadata, make_config(), 0)
    assert process(other, make_config(), folder, overwrite=True, redo=True).succeeded
    save_corrected_labels(folder, 0, {2: without_a_cell(folder)}, by="Ben")
    kept = folder / "fov_000/seg_corrected_ch_0_1.zarr"
    assert (kept / "0/c.2.0.0").exists()
    assert len(current_corrections(folder, other.metadata, make_config(), 0)) == 1


def test_overwrite_keeps_corrections(folder):
    labels = without_a_cell(folder)
    save_corrected_labels(folder, 0, {2: labels})
    assert process(RECORDING, make_config(), folder, overwrite=True).succeeded
    np.testing.assert_array_equal(stack(folder, LABELED)[2], canonical(labels))


def test_an_inspection_is_asked_about_and_carried_over(folder):
    Inspection(folder, 0).add(MarkCell(cell=2, good=False, frame=3), "Ana")
    save_corrected_labels(folder, 0, {2: without_a_cell(folder)})
    with pytest.raises(InspectedError, match="has been inspected"):
        run_again(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert run_again(folder, redo=True).succeeded
    table = load_traces(traces_of(folder, 0))
    assert {*table.loc[~table["good"], "cell"]} == {2}


def test_a_cell_of_several_parts_is_said(folder):
    labels = without_a_cell(folder)
    labels[:4, :4] = labels[150:, 150:] = 99
    saved = save_corrected_labels(folder, 0, {2: labels})
    assert saved.notes == (
        "In frame 2, a cell consists of several parts, which count as one cell. If they are "
        "several cells, give each a number of its own and save again.",
    )
    assert found(folder)[2].cells == 4


@pytest.mark.parametrize(
    ("fov", "labels", "error", "text"),
    [
        (7, {}, ConfigError, r"There is no FOV 7 in .*\. Choose one with results\."),
        (0, {6: np.zeros(SHAPE, int)}, ConfigError, "no frame 6: .* have 6 frames"),
        (0, {0: np.zeros((80, 80), int)}, ArrayError, r"shape \(80, 80\), expected \(172, 16"),
        (0, {0: np.zeros(SHAPE)}, ArrayError, "have the type float64; expected whole"),
        (0, {0: np.full(SHAPE, -1)}, ArrayError, "have the type int64; expected whole"),
    ],
)
def test_wrong_labels_are_refused(folder, fov, labels, error, text):
    with pytest.raises(error, match=text):
        save_corrected_labels(folder, fov, labels)
    assert not (folder / CORRECTED).exists()


def test_nothing_is_saved_while_a_run_works(folder):
    with lock_fovs(folder, [0]), pytest.raises(LockedError, match="is in use by"):
        save_corrected_labels(folder, 0, {2: without_a_cell(folder)})


def test_a_run_without_phase_contrast_has_no_labels_to_correct(tmp_path):
    folder = tmp_path / "results"
    channels = {"fl": [1]}
    assert process(RECORDING, make_config(channels), folder, fovs=[0]).succeeded
    with pytest.raises(ConfigError, match="had no phase contrast channel"):
        save_corrected_labels(folder, 0, {0: np.zeros(SHAPE, int)})


def test_labels_are_numbered_in_the_order_of_their_first_pixels():
    labels = np.array([[0, 7, 7], [9, 0, 7], [9, 2, 0]])
    np.testing.assert_array_equal(canonical(labels), [[0, 1, 1], [2, 0, 1], [2, 3, 0]])
    np.testing.assert_array_equal(canonical(np.array([[5, 5], [3, 3]])), [[1, 1], [2, 2]])
    assert not canonical(np.zeros((2, 2), int)).any()
    with pytest.raises(StoreError, match="A frame has 65537 cells; at most 65535"):
        canonical(np.arange(65_538).reshape(2, -1))


def test_a_link_in_place_of_corrections_is_refused(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (folder / CORRECTED).symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(StoreError, match="does not write through links"):
        save_corrected_labels(folder, 0, {2: without_a_cell(folder)})
    assert layout.corrected_dir(0) in CORRECTED
