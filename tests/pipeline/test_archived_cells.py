"""Cells in one archive per field of view: results, damage and repair as in folders."""

import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import zarr
from zarr.storage import ZipStore

from pyama import layout
from pyama.errors import NotReadyError, StoreError
from pyama.processing.step_reports import Status
from pyama.processing.steps import previews as previews_step
from pyama.processing.verify import verify
from pyama.processing.workflow import process
from pyama.runs.cell_conversion import Outcome, convert
from pyama.runs.cleaning import clean
from pyama.store import (
    CELL_PREVIEWS_MARK,
    CELLS_MARK,
    FovStore,
    MarkFile,
    archive,
    convert_cells,
    files,
    lock_fovs,
    stored_files,
)
from small_movie import MOVIE, contents, make_config, recording_of

ARCHIVE = f"fov_000/{layout.CELLS_ARCHIVE}"
FOLDER = f"fov_000/{layout.CELLS}"


def run(folder, cells="zip", **params):
    report = process(recording_of(MOVIE[:1, :4]), make_config(cells=cells, **params), folder)
    assert report.succeeded, str(report)
    return {entry.step for entry in report.steps if entry.status is Status.DONE}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    made = {}
    for form in ("folder", "zip"):
        made[form] = tmp_path_factory.mktemp(form)
        run(made[form], form)
    return made


@pytest.fixture
def zipped(finished, tmp_path):
    """A copy with its dates, which a test may damage."""
    return Path(shutil.copytree(finished["zip"], tmp_path / "results"))


@pytest.fixture
def unzipped(finished, tmp_path):
    return Path(shutil.copytree(finished["folder"], tmp_path / "results"))


def members(path):
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


def fov_path(results):
    return FovStore(results, 0).path


def test_all_files_but_those_of_cells_are_the_same(finished):
    whole, packed = contents(finished["folder"]), contents(finished["zip"])
    inside = f"{FOLDER}/"
    cells = {
        name.removeprefix(inside): data
        for name, data in whole.items()
        if name.startswith(inside)
    }
    assert members(finished["zip"] / ARCHIVE) == cells
    others = {name: data for name, data in whole.items() if not name.startswith(inside)}
    assert packed == others | {ARCHIVE: packed[ARCHIVE]}


def test_zarr_finds_the_same_groups_and_arrays(finished):
    folder = zarr.open_group(finished["folder"] / FOLDER, mode="r")
    with ZipStore(finished["zip"] / ARCHIVE, mode="r") as store:
        packed = zarr.open_group(store, mode="r")
        expected = dict(folder.members(max_depth=None))
        found = dict(packed.members(max_depth=None))
        assert found.keys() == expected.keys()
        assert {"metadata/cell_ids", "pc_ch_0/1/0", "fl_ch_1/4/1"} <= found.keys()
        for name, node in expected.items():
            assert dict(node.attrs) == dict(found[name].attrs)
            if isinstance(node, zarr.Array):
                np.testing.assert_array_equal(node[:], found[name][:])


def test_entries_are_stored_without_a_date(finished):
    with zipfile.ZipFile(finished["zip"] / ARCHIVE) as file:
        infos = file.infolist()
    assert {info.compress_type for info in infos} == {zipfile.ZIP_STORED}
    assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
    assert len({info.filename for info in infos}) == len(infos) > 90


def test_the_same_input_gives_the_same_archive(finished, unzipped):
    assert convert_cells(fov_path(unzipped), "zip")
    assert (unzipped / ARCHIVE).read_bytes() == (finished["zip"] / ARCHIVE).read_bytes()
    assert not (unzipped / FOLDER).exists()


def test_packing_and_unpacking_change_no_byte_and_nothing_is_made_again(unzipped):
    before = contents(unzipped)
    assert [entry.outcome for entry in convert(unzipped, "zip")] == [Outcome.CONVERTED]
    assert verify(unzipped).is_intact
    assert run(unzipped, "folder") == set(), "the parameter converts nothing"
    assert [entry.outcome for entry in convert(unzipped, "zip")] == [Outcome.UNCHANGED]
    assert [entry.outcome for entry in convert(unzipped, "folder")] == [Outcome.CONVERTED]
    assert contents(unzipped) == before
    assert run(unzipped, "zip") == set()
    report = verify(unzipped)
    assert (report.damages, report.leftovers) == ((), ())


def flip(path, where):
    data = bytearray(path.read_bytes())
    data[where] ^= 1
    path.write_bytes(data)


def middle_of(path, name):
    with zipfile.ZipFile(path) as file:
        info = file.getinfo(name)
    return info.header_offset + 30 + len(name) + info.file_size // 2


DAMAGES = {
    "truncated": lambda path: os.truncate(path, path.stat().st_size - 9),
    "emptied": lambda path: os.truncate(path, 0),
    "missing": Path.unlink,
    "pixels": lambda path: flip(path, middle_of(path, "fl_ch_1/2/0/c.0.0.0")),
    "preview": lambda path: flip(path, middle_of(path, "fl_ch_1/2/1/c.0.0.0")),
    "document": lambda path: flip(path, middle_of(path, "fl_ch_1/2/zarr.json")),
    "list of cells": lambda path: flip(path, middle_of(path, "metadata/bboxes/c.0.0.0")),
    "header": lambda path: flip(path, 4),
    "directory": lambda path: flip(path, path.stat().st_size - 200),
    "comment": lambda path: flip(path, path.stat().st_size - 1),
    "mark": lambda path: MarkFile(path.parent, CELLS_MARK).path.unlink(),
    "mark of previews": lambda path: MarkFile(path.parent, CELL_PREVIEWS_MARK).path.unlink(),
    "checksums": lambda path: MarkFile(path.parent, CELLS_MARK).sums_path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_and_repaired(zipped, damage):
    before = contents(zipped)
    times = (zipped / ARCHIVE).stat()
    DAMAGES[damage](zipped / ARCHIVE)
    if damage not in {"missing", "mark", "mark of previews", "checksums"}:
        os.utime(zipped / ARCHIVE, ns=(times.st_atime_ns, times.st_mtime_ns))
    report = verify(zipped)
    assert damage != "pixels" or str(report.damages[0]) == (
        f"{ARCHIVE}: changed: the checksum of fl_ch_1/2/0/c.0.0.0 differs"
    )
    assert {found.output for found in report.damages} <= {CELLS_MARK, CELL_PREVIEWS_MARK}
    assert 0 < len(report.damages) <= 2, report.damages
    assert run(zipped) <= {"cropping", "caching"}
    assert contents(zipped) == before
    assert verify(zipped).is_intact


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_damaged_crop_is_not_read(zipped, place):
    name = "fl_ch_1/2/0/c.0.0.0"
    with zipfile.ZipFile(zipped / ARCHIVE) as file:
        info = file.getinfo(name)
    flip(zipped / ARCHIVE, info.header_offset + 30 + len(name) + int(place * info.file_size))
    with pytest.raises(StoreError, match=r"cells\.zarr\.zip.* is damaged: "):
        FovStore(zipped, 0).cells().crop("fl_ch_1", 2)


def test_previews_that_are_made_later_are_added(finished, tmp_path, monkeypatch):
    real, calls = previews_step.CellPreviews.make_early, []

    def failing(self, crop):
        calls.append(crop)
        if len(calls) == 5:
            raise StoreError("no preview")
        return real(self, crop)

    monkeypatch.setattr(previews_step.CellPreviews, "make_early", failing)
    assert "caching" in run(tmp_path)
    assert len(calls) == 5
    assert contents(tmp_path) == contents(finished["zip"])


@pytest.mark.parametrize("kinds", [["previews"], ["crops"], ["crops", "previews"]])
def test_what_is_removed_is_made_again(zipped, kinds):
    before = contents(zipped)
    size = (zipped / ARCHIVE).stat().st_size
    clean(zipped, kinds)
    assert (zipped / ARCHIVE).exists() is ("crops" not in kinds)
    assert kinds != ["previews"] or (zipped / ARCHIVE).stat().st_size < size
    assert verify(zipped).is_intact, "it was removed on purpose"
    run(zipped)
    assert contents(zipped) == before


def test_a_conversion_is_continued_wherever_it_was_killed(unzipped, monkeypatch):
    """Both forms are there: the archive counts, and the next run removes the other one."""
    before = contents(unzipped)
    shutil.copytree(unzipped / FOLDER, unzipped / "kept")
    convert_cells(fov_path(unzipped), "zip")
    partly = unzipped / FOLDER
    shutil.move(unzipped / "kept", partly)
    shutil.rmtree(partly / "fl_ch_1")
    report = verify(unzipped)
    assert report.is_intact
    assert [str(found) for found in report.leftovers] == [
        f"{FOLDER}: another form of the cells counts"
    ]
    assert FovStore(unzipped, 0).cells().crop("fl_ch_1", 2).any()
    assert run(unzipped) == set()
    assert not partly.exists()
    convert_cells(fov_path(unzipped), "folder")
    assert contents(unzipped) == before


def test_the_form_with_the_valid_mark_counts(unzipped):
    before = contents(unzipped)
    with zipfile.ZipFile(unzipped / ARCHIVE, "w") as file:  # of another recording
        file.writestr("zarr.json", "{}")
    assert FovStore(unzipped, 0).cells().crop("fl_ch_1", 2).any()
    assert verify(unzipped).is_intact
    assert run(unzipped) == set()
    assert contents(unzipped) == before


def test_nothing_that_is_not_finished_is_packed(unzipped):
    MarkFile(fov_path(unzipped), CELLS_MARK).remove()
    with pytest.raises(NotReadyError, match=r"is not finished"):
        convert_cells(fov_path(unzipped), "zip")
    assert [entry.outcome for entry in convert(unzipped, "zip")] == [Outcome.UNFINISHED]


def test_a_damaged_file_or_one_of_others_is_not_packed(unzipped):
    path = unzipped / FOLDER / "fl_ch_1/2/0/c.0.0.0"
    intact = path.read_bytes()
    flip(path, 40)
    with pytest.raises(StoreError, match=r"c\.0\.0\.0 is damaged: its checksum differs"):
        convert_cells(fov_path(unzipped), "zip")
    path.write_bytes(intact)
    (unzipped / FOLDER / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"notes\.txt belongs to no finished output"):
        convert_cells(fov_path(unzipped), "zip")
    assert not (unzipped / ARCHIVE).exists()
    assert not list(fov_path(unzipped).glob("*.tmp"))


def test_a_damaged_archive_is_not_unpacked(zipped):
    flip(zipped / ARCHIVE, middle_of(zipped / ARCHIVE, "seg_tracked_ch_0/4/0/c.0.0.0"))
    (found,) = convert(zipped, "folder")
    assert found.outcome is Outcome.FAILED
    assert "seg_tracked_ch_0/4/0/c.0.0.0 is damaged: its checksum differs" in found.message
    assert (zipped / ARCHIVE).exists()
    assert not (zipped / FOLDER).exists()


def test_a_field_of_view_in_use_is_left_out(unzipped):
    with lock_fovs(unzipped, [0]):
        (found,) = convert(unzipped, "zip")
    assert found.outcome is Outcome.FAILED
    assert "is in use by" in found.message
    assert (unzipped / FOLDER).is_dir()


def test_an_offset_beyond_4_gib_is_found(tmp_path, monkeypatch):
    """As if every entry were so far behind the first."""
    monkeypatch.setattr(archive, "_ELSEWHERE", 10)
    path = tmp_path / "a.zip"
    with stored_files.new_archive(path) as sink:
        for name in ("a", "b/c"):
            sink.write(name, b"content of ", name.encode())
    found = archive.Archive(path)
    assert {name: found.read(name) for name in found.entries} == {
        "a": b"content of a",
        "b/c": b"content of b/c",
    }


def test_more_entries_than_zip_can_count_are_read_by_others(tmp_path):
    path, n = tmp_path / "a.zip", 70_000
    with stored_files.new_archive(path) as sink:
        for number in range(n):
            sink.write(f"{number}", b"%d" % number)
    with zipfile.ZipFile(path) as file:
        assert len(file.namelist()) == n
        assert file.read("69999") == b"69999"


def test_a_full_disk_leaves_what_was_there(unzipped, monkeypatch):
    before = contents(unzipped)

    def full(self, *parts):
        raise files.cannot_be_written(self._path, OSError(28, "No space left on device"))

    monkeypatch.setattr(archive.ArchiveWriter, "_put", full)
    (found,) = convert(unzipped, "zip")
    assert found.outcome is Outcome.FAILED
    assert f"{layout.CELLS_ARCHIVE} cannot be written: No space left" in found.message
    assert contents(unzipped) == before
