"""Previews are made while cropping has everything in memory; what is left, caching makes."""

import threading

import pytest
import zarr

from pyama.config import Channels
from pyama.processing.step_reports import Status
from pyama.processing.steps import previews as previews_step
from pyama.processing.steps.previews import CellPreviews
from pyama.processing.verify import verify
from pyama.processing.workflow import process
from pyama.store import FovStore, array_spec
from pyama.store.marks import MarkFile
from small_movie import MOVIE, contents, make_config, n_cells, recording_of

N_FOVS = 2
CROPS = [4 * n_cells(fov) for fov in range(N_FOVS)]
"""Crops of each field of view: every cell in four groups."""


def make_recording():
    return recording_of(MOVIE[:N_FOVS, :4])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert process(make_recording(), make_config(), folder).succeeded
    return contents(folder)


def statuses(report):
    return {(entry.fov, entry.step): entry.status for entry in report.steps}


def previews(config=None):
    return previews_step.STEP.made_earlier(config or make_config())


def test_all_previews_but_those_of_labels_are_made_in_passing():
    assert previews() == {
        *("pc_ch_0/1", "fl_ch_1/1", "seg_tracked_ch_0/1", "fl_background_ch_1/1", "cells/1"),
    }
    assert previews(make_config(Channels(fl=[1]))) == set()


def test_they_are_finished_when_cropping_is(tmp_path):
    seen = {}

    def watch(progress):
        if progress.step == "extraction" and progress.fov not in seen:
            seen[progress.fov] = set(FovStore(tmp_path, progress.fov).marks())

    report = process(make_recording(), make_config(), tmp_path, watch=watch)
    for fov in range(N_FOVS):
        assert previews() <= seen[fov]
        assert "seg_labeled_ch_0/1" not in seen[fov]
        assert statuses(report)[fov, "caching"] is Status.DONE


def test_the_preview_of_a_cell_shows_nothing_where_it_is_absent(tmp_path):
    images = MOVIE[:1].repeat(2, axis=1)
    images[:, [0, 1, 2, 6, 7, 8, 9, 10, 11]] = 1000
    process(recording_of(images), make_config(min_frames=1), tmp_path)
    cells = zarr.open_group(tmp_path / "fov_000/cells.zarr", mode="r")
    assert sorted(cells["fl_ch_1"]) == ["1", "2", "3", "4"]
    for group in ("pc_ch_0", "fl_ch_1", "seg_tracked_ch_0"):
        for cell in cells[group]:
            preview = cells[f"{group}/{cell}/1"][:]
            assert not preview[[0, 1, 2, 6, 11]].any()
            assert preview[3:6].any(axis=(1, 2)).all()


def test_caching_makes_the_same_bytes_where_they_are_missing(whole, tmp_path):
    process(make_recording(), make_config(), tmp_path)
    for fov in range(N_FOVS):
        for name in previews():
            MarkFile(FovStore(tmp_path, fov).path, name).remove()
    report = process(make_recording(), make_config(), tmp_path)
    redone = {key for key, status in statuses(report).items() if status is Status.DONE}
    assert redone == {(fov, "caching") for fov in range(N_FOVS)}
    assert contents(tmp_path) == whole


@pytest.mark.parametrize("good", [0, 1, 7, 15, 30])
def test_what_fails_in_passing_is_made_by_caching(whole, tmp_path, monkeypatch, good):
    """One preview after so many good ones cannot be made; nobody else is disturbed."""
    calls, real = [], previews_step.preview_of

    def preview_of(group, meaning):
        make = real(group, meaning)

        def made(frame):
            if frame.ndim == 3:  # a crop
                return make(frame)
            calls.append(group)
            if len(calls) == good + 1:
                raise MemoryError("no room")
            return make(frame)

        return made

    monkeypatch.setattr(previews_step, "preview_of", preview_of)
    report = process(make_recording(), make_config(n_workers=1), tmp_path)
    assert report.succeeded
    assert len(calls) > good
    assert contents(tmp_path) == whole
    assert verify(tmp_path).is_intact


@pytest.mark.parametrize("good", [0, 5, CROPS[0] - 1, CROPS[0], sum(CROPS) - 1])
def test_a_crop_whose_preview_fails_in_passing_gets_it_from_caching(
    whole, tmp_path, monkeypatch, good
):
    calls, real = [], CellPreviews.make_early

    def make_early(self, crop):
        calls.append(crop)
        if len(calls) == good + 1:
            raise MemoryError("no room")
        return real(self, crop)

    monkeypatch.setattr(CellPreviews, "make_early", make_early)
    report = process(make_recording(), make_config(), tmp_path)
    assert report.succeeded
    # Nothing more is made in passing for a field of view in which one has failed.
    assert len(calls) == good + 1 + (CROPS[1] if good < CROPS[0] else 0)
    assert contents(tmp_path) == whole


def test_what_always_fails_is_a_failure_of_caching_alone(tmp_path, monkeypatch, caplog):
    def preview_of(group, meaning):
        def made(frame):
            raise MemoryError("no room")

        return made

    monkeypatch.setattr(previews_step, "preview_of", preview_of)
    caplog.set_level("INFO", "pyama.processing.runner")
    report = process(make_recording(), make_config(), tmp_path)
    assert report.succeeded
    found = statuses(report)
    for fov in range(N_FOVS):
        assert found[fov, "cropping"] is found[fov, "extraction"] is Status.DONE
        assert found[fov, "caching"] is Status.FAILED
    told = [entry.getMessage() for entry in caplog.records]
    assert "FOV 0: pc_ch_0/1 is left to caching: MemoryError: no room" in told


def test_crops_in_several_blocks_get_their_previews_from_caching(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(array_spec, "BLOCK_BYTES", 2**13)
    caplog.set_level("INFO", "pyama.processing.runner")
    report = process(make_recording(), make_config(), tmp_path)
    assert statuses(report)[0, "cropping"] is Status.DONE
    store = FovStore(tmp_path, 0)
    assert store.mark("cells/1") is not None
    assert not store.unfinished()
    assert verify(tmp_path).is_intact
    told = [entry.getMessage() for entry in caplog.records]
    cell = "Cell 1 in fl_background_ch_1 is too large to be kept in memory."
    assert f"FOV 0: cells/1 is left to caching: {cell}" in told


def test_a_run_cancelled_in_cropping_leaves_no_preview_half_made(whole, tmp_path):
    event = threading.Event()
    items = []

    def watch(progress):
        items.append(progress.step)
        if items.count("cropping") == 9:
            event.set()

    config = make_config(n_workers=1)
    report = process(make_recording(), config, tmp_path, cancel_event=event, watch=watch)
    assert report.cancelled
    store = FovStore(tmp_path, 0)
    assert not previews() & set(store.mark_names())
    assert not store.unfinished()
    assert process(make_recording(), config, tmp_path).succeeded
    assert contents(tmp_path) == whole


def test_a_preview_that_is_finished_is_not_made_again(whole, tmp_path, monkeypatch):
    process(make_recording(), make_config(), tmp_path)
    for fov in range(N_FOVS):
        MarkFile(FovStore(tmp_path, fov).path, "cells/0").remove()
    frames, real = [], previews_step.preview_of

    def preview_of(group, meaning):
        make = real(group, meaning)

        def made(frame):
            frames.extend([group] if frame.ndim == 2 else [])  # no crop
            return make(frame)

        return made

    monkeypatch.setattr(previews_step, "preview_of", preview_of)
    assert process(make_recording(), make_config(), tmp_path).succeeded
    assert frames == []
    assert contents(tmp_path) == whole
