"""An output is finished when its mark says so, and a mark is believed only to the bit."""

import os
import time
from dataclasses import replace

import numpy as np
import pytest

from pyama.errors import StoreError
from pyama.store import Mark, MarkFile, Recipe, replace_file, seal, unseal, write_atomically
from pyama.store.chunks import compress
from pyama.store.damages import Damage
from pyama.store.files import FolderFiles, Ledger, checksum, file_checksum, path_in_errors

RECIPE = Recipe(
    "tracking", 1, "iou", {"min_iou": 0.1, "max_gap": 0}, {"seg_labeled_ch_0/0": "a"}
)
MARK = Mark(RECIPE, {"objects": 3, "name": "gr\u00fc\u00df", "by_frame": {2: 1, 10: 0}}, 2, 77)


CHANGES = [
    pytest.param({}, [], id="nothing"),
    pytest.param(
        {"params": {"min_iou": 0.3, "max_gap": 0}},
        ["min_iou changed 0.1 -> 0.3"],
        id="a parameter",
    ),
    pytest.param(
        {"params": {"min_iou": 0.1, "max_gap": None}},
        ["max_gap changed 0 -> None"],
        id="a parameter is null",
    ),
    pytest.param(
        {"params": {"min_iou": 0.1, "min_size": None}},
        ["max_gap is gone", "min_size is new"],
        id="other parameters",
    ),
    pytest.param({"method": "mask_iou"}, ["method changed iou -> mask_iou"], id="the method"),
    pytest.param({"version": 2}, ["tracking has a new version"], id="the version"),
    pytest.param(
        {"inputs": {"seg_labeled_ch_0/0": "b"}}, ["seg_labeled_ch_0/0 changes"], id="an input"
    ),
    pytest.param(
        {"inputs": {"other/0": "a"}},
        ["other/0 changes", "seg_labeled_ch_0/0 changes"],
        id="other inputs",
    ),
]


@pytest.mark.parametrize(("changes", "words"), CHANGES)
def test_a_recipe_says_what_changed(changes, words):
    new = replace(RECIPE, **changes)
    assert new.changes_since(RECIPE) == words
    assert (new.digest == RECIPE.digest) == (not words)


def test_nested_parameters_are_named_one_by_one():
    old = replace(
        RECIPE, params={"functions": {"area": "1", "mine": "x"}, "groups": ("a", "b")}
    )
    new = replace(
        RECIPE, params={"functions": {"area": "1", "mine": "y"}, "groups": ["a", "b"]}
    )
    assert new.changes_since(old) == ["functions.mine changed x -> y"]


def test_the_order_of_parameters_does_not_matter():
    assert replace(RECIPE, params={"max_gap": 0, "min_iou": 0.1}).digest == RECIPE.digest


def test_a_mark_is_read_back():
    found = Mark.from_bytes(MARK.to_bytes())
    assert found is not None
    assert (found.recipe, found.files, found.sums) == (MARK.recipe, MARK.files, MARK.sums)
    assert found.recipe.digest == MARK.recipe.digest
    assert found.notes == {**MARK.notes, "by_frame": {"2": 1, "10": 0}}


def test_a_mark_with_any_flipped_bit_is_none():
    data = MARK.to_bytes()
    for bit in range(len(data) * 8):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        assert Mark.from_bytes(bytes(damaged)) is None, f"bit {bit} in {bytes(damaged)!r}"


def test_a_mark_cut_anywhere_is_none():
    data = MARK.to_bytes()
    assert not any(Mark.from_bytes(data[:size]) for size in range(len(data)))
    assert Mark.from_bytes(data + b" ") is None


@pytest.mark.parametrize(
    "data",
    [
        b"[]",
        b"null",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        seal({"check": 1}),
        seal({"recipe": 5, "notes": {}, "files": 1, "sums": 1}),
        seal({"recipe": {"step": "x"}, "notes": {}, "files": 1, "sums": 1}),
        seal({"notes": {}, "files": 1, "sums": 1}),
    ],
)
def test_what_is_no_mark_is_none(data):
    assert Mark.from_bytes(data) is None


def test_sealed_json_opens_again_and_keeps_its_order():
    entries = {"b": [1, {"c": None}], "a": float("inf"), "text": "\u2028\x00"}
    assert list(unseal(seal(entries)).items()) == list(entries.items())
    assert unseal(seal(entries).replace(b"null", b"true")) is None


def test_two_chunks_have_two_fingerprints():
    chunks = [compress(np.full((4, 4), value, np.uint16), "shuffle") for value in (1, 2)]
    assert checksum(chunks[0]) == checksum(chunks[1]), "or fingerprints need no trailer"
    assert file_checksum(chunks[0]) != file_checksum(chunks[1])


@pytest.mark.parametrize("data", [b"", b"a", b"abcd", b"abcde", bytes(100)])
def test_any_flipped_bit_changes_the_fingerprint(data):
    for bit in range(len(data) * 8):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        assert file_checksum(bytes(damaged)) != file_checksum(data)


NAMES = ["a.csv", "deep/er/c.0.0", "with space", "line\nbreak", "a\u2028b", "2024:01"]


@pytest.fixture
def finished(tmp_path):
    """Files with a mark of their own, all older than the mark."""
    ledger = Ledger(FolderFiles(tmp_path))
    for name in NAMES:
        ledger.write(name, f"content of {name!r}".encode())
        os.utime(tmp_path / name, (1, 1))
    mark_file = MarkFile(tmp_path, "pc_ch_0/0")
    mark_file.write(RECIPE, {"n": 1}, ledger)
    return mark_file


@pytest.mark.parametrize("thorough", [True, False])
def test_a_sound_output_has_no_damage(finished, thorough):
    assert finished.read().recipe == RECIPE
    assert finished.damages(thorough=thorough) == []
    assert sorted(finished.files()) == sorted(
        [*NAMES, ".marks/pc_ch_0.0.json", ".marks/pc_ch_0.0.sums"]
    )


DAMAGES = [
    pytest.param(lambda path: path.unlink(), "missing", id="deleted"),
    pytest.param(lambda path: path.write_bytes(b""), "truncated: 0 of", id="emptied"),
    pytest.param(
        lambda path: path.write_bytes(path.read_bytes() + b"x"), "truncated", id="longer"
    ),
    pytest.param(
        lambda path: path.write_bytes(bytes(path.stat().st_size)), "changed", id="blanked"
    ),
    pytest.param(lambda path: (path.unlink(), path.mkdir()), "", id="a folder"),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("damage", "words"), DAMAGES)
@pytest.mark.parametrize("thorough", [True, False])
def test_a_damaged_file_is_named(finished, name, damage, words, thorough):
    damage(finished.root / name)
    (found,) = finished.damages(thorough=thorough)
    assert found.path == name
    assert words in found.problem


def test_content_of_files_that_are_older_than_the_mark_is_read_only_thoroughly(finished):
    path = finished.root / "a.csv"
    path.write_bytes(bytes(path.stat().st_size))
    os.utime(path, (1, 1))
    assert finished.damages(thorough=False) == []
    assert [found.path for found in finished.damages(thorough=True)] == ["a.csv"]
    finished.point_out("a.csv")
    assert [found.path for found in finished.damages(thorough=False)] == ["a.csv"]
    finished.point_out("not there")


def test_a_file_as_old_as_the_mark_is_read(finished):
    path = finished.root / "a.csv"
    path.write_bytes(bytes(path.stat().st_size))
    same = finished.path.stat().st_mtime_ns
    os.utime(path, ns=(same, same))
    assert [found.path for found in finished.damages(thorough=False)] == ["a.csv"]


def test_a_file_in_the_place_of_a_folder_is_damage(finished):
    for path in (finished.root / "deep/er").iterdir():
        path.unlink()
    (finished.root / "deep/er").rmdir()
    (finished.root / "deep/er").write_bytes(b"")
    assert finished.damages(thorough=True) == [Damage("deep/er/c.0.0", "missing")]


def test_two_swapped_files_are_damage(tmp_path):
    ledger = Ledger(FolderFiles(tmp_path))
    for value in (1, 2):
        ledger.write(str(value), compress(np.full((4, 4), value, np.uint16), "shuffle"))
    mark_file = MarkFile(tmp_path, "x/0")
    mark_file.write(RECIPE, {}, ledger)
    first, second = (tmp_path / name for name in "12")
    assert first.stat().st_size == second.stat().st_size
    contents = first.read_bytes(), second.read_bytes()
    second.write_bytes(contents[0])
    first.write_bytes(contents[1])
    assert [found.path for found in mark_file.damages(thorough=True)] == ["1", "2"]


@pytest.mark.parametrize("suffix", ["path", "sums_path"])
@pytest.mark.parametrize("thorough", [True, False])
def test_damage_of_the_mark_itself_is_named(finished, suffix, thorough):
    path = getattr(finished, suffix)
    name = path.relative_to(finished.root).as_posix()
    data = path.read_bytes()
    for bit in range(0, len(data) * 8, 37):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        (found,) = finished.damages(thorough=thorough)
        assert (found.path, found.problem[:7]) == (name, "changed")
    path.unlink()
    assert finished.damages(thorough=thorough) == [Damage(name, "missing")]


def test_missing_checksums_of_no_files_are_damage(tmp_path):
    mark_file = MarkFile(tmp_path, "cells/1")
    mark_file.write(RECIPE, {}, Ledger(FolderFiles(tmp_path)))
    assert mark_file.damages(thorough=True) == []
    mark_file.sums_path.unlink()
    assert mark_file.damages(thorough=True) == [Damage(".marks/cells.1.sums", "missing")]


def test_a_mark_that_cannot_be_read_is_an_error_and_a_damage(finished):
    finished.path.unlink()
    finished.path.mkdir()
    with pytest.raises(StoreError, match=r"pc_ch_0\.0\.json cannot be read: .*permissions"):
        finished.read()
    (found,) = finished.damages(thorough=False)
    assert found.problem.startswith("unreadable")


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../b", "..\\x"])
def test_checksums_do_not_look_outside_the_folder(tmp_path, name):
    ledger = Ledger(FolderFiles(tmp_path))
    ledger.add(name, b"x")
    mark_file = MarkFile(tmp_path, "x/0")
    mark_file.write(RECIPE, {}, ledger)
    assert mark_file.damages(thorough=True) == [
        Damage(name, "unreadable: it lies outside the folder")
    ]


def test_the_list_of_checksums_does_not_depend_on_the_order_of_writing(tmp_path):
    lists = []
    for names in (NAMES, NAMES[::-1]):
        ledger = Ledger(FolderFiles(tmp_path))
        for name in names:
            ledger.write(name, name.encode())
        lists.append(ledger.to_bytes())
    assert lists[0] == lists[1]
    assert len(ledger) == len(NAMES)


def test_a_reader_sees_the_old_content_or_the_new(tmp_path):
    path = tmp_path / "mark.json"
    write_atomically(path, b"old")
    with replace_file(path) as one, replace_file(path) as other:
        assert one != other, "two computers may have the same process id"
        one.write_bytes(b"old")
        other.write_bytes(b"other")
    with replace_file(path) as temporary:
        temporary.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert [found.name for found in tmp_path.iterdir()] == ["mark.json"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_an_interrupted_replacement_leaves_the_old_content(tmp_path, error):
    path = tmp_path / "mark.json"
    write_atomically(path, b"old")

    def interrupted():
        with replace_file(path) as temporary:
            temporary.write_bytes(b"half of the n")
            raise error

    with pytest.raises(error):
        interrupted()
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["mark.json"]


def test_what_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match=r"file cannot be written: (File exists|Not a dir)"):
        Ledger(FolderFiles(tmp_path)).write("file/c.0", b"x")
    with pytest.raises(StoreError, match=r"m\.json cannot be written: "):
        write_atomically(tmp_path / "file" / "m.json", b"x")
    full = OSError(28, "No space left on device")
    said = r"here cannot be written: No space left.*same command again"
    with pytest.raises(StoreError, match=said), path_in_errors(tmp_path / "here"):
        raise full


def test_a_mark_is_newer_than_what_it_vouches_for(finished):
    assert finished.path.stat().st_mtime_ns <= time.time_ns()
    assert finished.path.stat().st_mtime_ns >= finished.sums_path.stat().st_mtime_ns
