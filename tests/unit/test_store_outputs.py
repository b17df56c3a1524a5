"""Each output is finished or it does not exist."""

from dataclasses import replace
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from pyama import layout
from pyama.errors import NotReadyError, StoreError
from pyama.store import (
    CELL_PREVIEWS_MARK,
    CELLS_MARK,
    ROOT_MARK,
    SHIFTS_MARK,
    TRACES_MARK,
    CellList,
    CellPreviewsOutput,
    CellsOutput,
    Crop,
    FovStore,
    PreviewOutput,
    Recipe,
    RootOutput,
    Scale,
    Series,
    StackOutput,
    StoredArray,
    TableOutput,
    crop_spec,
)

RECIPE = Recipe("copying", 1)
T, H, W = 3, 6, 8
FRAMES = np.random.default_rng(1).integers(0, 60_000, (T, H, W), dtype=np.uint16)
CELL_GROUPS = ("pc_ch_0", "seg_tracked_ch_0")
TABLE = "movie_fov_004_traces.csv"
SHIFTS = "movie_fov_004_shifts.csv"


@pytest.fixture
def store(tmp_path):
    return FovStore(tmp_path, 4)


def stack_output(store, group="pc_ch_0", shape=(T, H, W), dtype="uint16"):
    return StackOutput(store.path, group, shape, dtype)


def fill(output, items, recipe=RECIPE, notes=None):
    with output.writing(recipe, notes or {}) as write:
        for item in items:
            write(item)
    return output


def crop(group, cell, dtype="float32", shape=(T, 2, 2)):
    return Crop(group, cell, crop_spec(shape, dtype), [np.full(shape, cell, dtype)], {})


def cell_list(*ids):
    n = len(ids)
    boxes = np.tile(np.array([0, 0, 2, 2], np.int32), (n, T, 1))
    return CellList(np.array(ids, np.int32), boxes, np.ones((n, T), np.bool_))


def crops(ids, dtypes=("float32", "uint8")):
    return [
        crop(group, cell, dtype)
        for group, dtype in zip(CELL_GROUPS, dtypes, strict=True)
        for cell in ids
    ]


def outputs(store):
    return {
        ROOT_MARK: RootOutput(
            store.path, [Series("pc_ch_0", "Phase", (T, H, W), "uint16")], Scale()
        ),
        "pc_ch_0/0": stack_output(store),
        "pc_ch_0/1": PreviewOutput(store.path, "pc_ch_0", (T, 3, 4), {}),
        CELLS_MARK: CellsOutput(store.path, CELL_GROUPS),
        CELL_PREVIEWS_MARK: CellPreviewsOutput(store.path),
        TRACES_MARK: TableOutput(store.path, TABLE),
        SHIFTS_MARK: TableOutput(store.path, SHIFTS, SHIFTS_MARK),
    }


def items_of(name):
    return {
        ROOT_MARK: [],
        "pc_ch_0/0": FRAMES,
        "pc_ch_0/1": FRAMES[:, :3, :4].astype(np.uint8),
        CELLS_MARK: [cell_list(2, 5), *crops((2, 5))],
        CELL_PREVIEWS_MARK: crops((2, 5), ("uint8", "uint8")),
        TRACES_MARK: ["fov,cell\n", "4,2\n"],
        SHIFTS_MARK: ["frame,shift_y\n", "0,0.0\n"],
    }[name]


KINDS = [
    *(ROOT_MARK, "pc_ch_0/0", "pc_ch_0/1", CELLS_MARK),
    *(CELL_PREVIEWS_MARK, TRACES_MARK, SHIFTS_MARK),
]


def everything(store):
    """Write one output of every kind."""
    for name, output in outputs(store).items():
        fill(output, items_of(name))


def tree(store):
    files = (path for path in store.path.rglob("*") if path.is_file())
    return {path.relative_to(store.path).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(autouse=True)
def small_previews(monkeypatch):
    monkeypatch.setattr("pyama.store.array_spec.TILE", 2)


def test_a_finished_stack_is_read_frame_by_frame(store):
    fill(stack_output(store), FRAMES, notes={"levels": [1, 2]})
    stack = store.stack("pc_ch_0", digest=RECIPE.digest)
    assert (len(stack), stack.shape, stack.dtype) == (T, (T, H, W), np.uint16)
    np.testing.assert_array_equal(np.stack(list(stack)), FRAMES)
    assert store.mark("pc_ch_0/0").notes == {"levels": [1, 2]}
    for frame in (-1, T):
        with pytest.raises(IndexError, match=f"frame {frame} of 3"):
            stack[frame]


def test_a_preview_says_what_its_grey_levels_mean(store):
    attributes = {}
    output = PreviewOutput(store.path, "pc_ch_0", (T, 3, 4), attributes)
    with output.writing(RECIPE, {}) as write:
        for frame in FRAMES[:, :3, :4].astype(np.uint8):
            write(frame)
        attributes["low"] = 7
    stack = store.stack("pc_ch_0", "1")
    assert stack.attributes == {"pyama": {"low": 7}}
    np.testing.assert_array_equal(np.stack(list(stack)), FRAMES[:, :3, :4].astype(np.uint8))


def test_cells_are_read_back(store):
    fill(CellsOutput(store.path, CELL_GROUPS), [cell_list(2, 5), *crops((2, 5))])
    cells = store.cells(digest=RECIPE.digest)
    assert cells.cell_list.ids.tolist() == [2, 5]
    assert cells.cell_list.bboxes.shape == (2, T, 4)
    assert cells.cell_list.valid_frames.dtype == np.bool_
    assert (cells.crop("pc_ch_0", 5) == 5).all()
    assert cells.crop("seg_tracked_ch_0", 2).dtype == np.uint8
    with pytest.raises(StoreError, match=r"There is no cell 3 in .*cells\.zarr"):
        cells.crop("pc_ch_0", 3)


def test_no_cells_are_an_answer(store):
    fill(CellsOutput(store.path, CELL_GROUPS), [cell_list()])
    fill(CellPreviewsOutput(store.path), [])
    assert store.cells().cell_list.bboxes.shape == (0, T, 4)
    assert CellPreviewsOutput(store.path).is_done(RECIPE)


@pytest.mark.parametrize("name", KINDS)
def test_what_is_finished_is_done_until_its_recipe_changes(store, name):
    everything(store)
    output = outputs(store)[name]
    assert output.is_done(RECIPE)
    assert not output.is_done(replace(RECIPE, version=2))
    assert store.damages(name, thorough=True) == []


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_interrupted_writing_leaves_no_mark(store, name, error):
    everything(store)
    output = outputs(store)[name]

    def interrupted():
        with output.writing(RECIPE, {}) as write:
            for item in items_of(name)[:2]:
                write(item)
            raise error

    with pytest.raises(error):
        interrupted()
    assert output.mark() is None
    assert not output.is_done(RECIPE)


@pytest.mark.parametrize("name", KINDS)
def test_abandoned_writing_leaves_no_mark(store, name):
    output = outputs(store)[name]

    def steps():
        with output.writing(RECIPE, {}) as write:
            for item in items_of(name):
                write(item)
                yield
            yield

    running = steps()
    next(running)
    running.close()
    assert output.mark() is None


@pytest.mark.parametrize("name", KINDS)
def test_rewriting_withdraws_the_mark_first(store, name):
    everything(store)
    before = tree(store)
    output = outputs(store)[name]
    with output.writing(RECIPE, {}) as write:
        assert output.mark() is None
        assert not output.mark_file.sums_path.exists()
        for item in items_of(name):
            write(item)
    if name == CELLS_MARK:  # the previews of crops go with them
        fill(CellPreviewsOutput(store.path), items_of(CELL_PREVIEWS_MARK))
    assert tree(store) == before


def test_the_same_items_give_the_same_bytes(tmp_path):
    first, second = FovStore(tmp_path / "a", 4), FovStore(tmp_path / "b", 4)
    everything(first)
    everything(second)
    assert tree(first) == tree(second)


def test_every_single_file_is_vouched_for(store):
    everything(store)
    vouched = {path for kind in KINDS for path in outputs(store)[kind].mark_file.files()}
    assert vouched == set(tree(store))


def flip_a_bit(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES = [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-1]), flip_a_bit]


def test_damage_of_any_single_file_is_found_and_undone(store):
    everything(store)
    sound = tree(store)
    for path, damage in zip(sound, cycle(DAMAGES), strict=False):
        damage(store.path / path)
        hit = [name for name in KINDS if store.damages(name, thorough=True)]
        assert [name for name in KINDS if not outputs(store)[name].is_done(RECIPE)] == hit
        (name,) = hit
        fill(outputs(store)[name], items_of(name))
        if name == CELLS_MARK:
            fill(CellPreviewsOutput(store.path), items_of(CELL_PREVIEWS_MARK))
        assert tree(store) == sound, path


def wide(frames):
    return frames.astype(np.uint32)


def test_labels_widen_when_a_number_does_not_fit(tmp_path):
    labels = np.zeros((4, H, W), np.uint32)
    labels[:, 0, 0] = [1, 65_535, 65_536, 3]
    grown, known = FovStore(tmp_path / "a", 4), FovStore(tmp_path / "b", 4)
    narrow = [labels[0].astype(np.uint16), labels[1].astype(np.uint16), labels[2], labels[3]]
    fill(stack_output(grown, "seg_tracked_ch_0", labels.shape), narrow)
    fill(stack_output(known, "seg_tracked_ch_0", labels.shape, "uint32"), labels)
    assert tree(grown) == tree(known)
    np.testing.assert_array_equal(np.stack(list(grown.stack("seg_tracked_ch_0"))), labels)
    assert grown.stack("seg_tracked_ch_0").dtype == np.uint32


def test_labels_that_fit_stay_narrow(store):
    labels = np.full((2, H, W), 65_535, np.uint32)
    fill(stack_output(store, "seg_labeled_ch_0", labels.shape), labels)
    assert store.stack("seg_labeled_ch_0").dtype == np.uint16
    assert (store.stack("seg_labeled_ch_0")[1] == 65_535).all()


REFUSED = [
    pytest.param("pc_ch_0", [FRAMES[0, :-1]], "Frame 0 of pc_ch_0/0 has shape", id="shape"),
    pytest.param("pc_ch_0", FRAMES[:2], "got 2 frames, expected 3", id="too few"),
    pytest.param("pc_ch_0", [*FRAMES, FRAMES[0]], "got 4 frames, expected 3", id="too many"),
    pytest.param("pc_ch_0", wide(FRAMES), "type uint32 does not fit", id="too wide"),
    pytest.param("fl_ch_1", FRAMES / 2, "type float64 does not fit", id="fractions"),
    pytest.param(
        "seg_labeled_ch_0", -FRAMES.astype(np.int32), "type int32 does", id="negative labels"
    ),
]


@pytest.mark.parametrize(("group", "frames", "message"), REFUSED)
def test_frames_that_do_not_fit_are_refused(store, group, frames, message):
    output = stack_output(store, group)
    with pytest.raises(StoreError, match=message):
        fill(output, frames)
    assert output.mark() is None


CROPS = [
    pytest.param(
        [cell_list(2, 5), *crops((2, 5))[:-1]], "cells/0 lacks 1 of its", id="one less"
    ),
    pytest.param([], "cells/0 lacks all of its crops", id="nothing"),
    pytest.param(
        [cell_list(2), *crops((3,))], "A crop of cell 3 in pc_ch_0 was not", id="unknown cell"
    ),
    pytest.param([cell_list(2), *crops((2,)), *crops((2,))], "A crop of cell 2", id="twice"),
    pytest.param([cell_list(2), crop("fl_ch_9", 2)], "cell 2 in fl_ch_9", id="unknown group"),
    pytest.param(
        [cell_list(2), replace(crop("pc_ch_0", 2), blocks=[])], "got 0 frames", id="no block"
    ),
    pytest.param(
        [
            cell_list(2),
            replace(crop("pc_ch_0", 2), blocks=[np.ones((1, 2, 2), np.float32)] * 3),
        ],
        "Block 0 of .* has 1 frames; expected blocks of 3 frames",
        id="short blocks",
    ),
    pytest.param(
        [cell_list(2), replace(crop("pc_ch_0", 2), spec=crop_spec((T, 2, 2), "uint8"))],
        "type float32",
        id="type",
    ),
]


@pytest.mark.parametrize(("items", "message"), CROPS)
def test_crops_that_do_not_fit_are_refused(store, items, message):
    output = CellsOutput(store.path, CELL_GROUPS)
    with pytest.raises(StoreError, match=message):
        fill(output, items)
    assert output.mark() is None


def test_the_root_takes_no_items(store):
    with pytest.raises(StoreError, match="images takes no items, got 1"):
        fill(outputs(store)[ROOT_MARK], [1])


def test_a_table_appears_as_a_whole(store):
    output = TableOutput(store.path, TABLE)
    with output.writing(RECIPE, {}) as write:
        write("fov,cell\n")
        assert not (store.path / TABLE).exists()
    assert (store.path / TABLE).read_bytes() == b"fov,cell\n"


def test_a_table_replaces_the_one_of_an_older_name_but_no_inspection(store):
    fill(TableOutput(store.path, "old_fov_004_traces.csv"), ["a\n"])
    inspected = store.path / "old_fov_004_traces_inspected.csv"
    inspected.write_text("mine")
    (store.path / "notes.csv").write_text("mine")
    fill(TableOutput(store.path, TABLE), ["b\n"], replace(RECIPE, version=2))
    found = sorted(path.name for path in store.path.glob("*.csv"))
    assert found == [TABLE, "notes.csv", inspected.name]


def test_one_table_does_not_replace_the_other(store):
    fill(TableOutput(store.path, TABLE), ["a\n"])
    fill(TableOutput(store.path, SHIFTS, SHIFTS_MARK), ["b\n"])
    fill(TableOutput(store.path, "new_fov_004_shifts.csv", SHIFTS_MARK), ["c\n"])
    found = sorted(path.name for path in store.path.glob("*.csv"))
    assert found == sorted([TABLE, "new_fov_004_shifts.csv"])


def test_a_table_of_shifts_is_given_only_if_it_is_finished_and_sound(store):
    with pytest.raises(NotReadyError, match=r"shifts is missing. Run the step that writes"):
        store.shifts()
    (store.path).mkdir(parents=True, exist_ok=True)
    (store.path / SHIFTS).write_text("0\n")
    with pytest.raises(NotReadyError, match=r"_shifts\.csv is unfinished"):
        store.shifts()
    fill(TableOutput(store.path, SHIFTS, SHIFTS_MARK), ["1\n"])
    assert store.shifts() == store.path / SHIFTS
    assert store.shifts(digest=RECIPE.digest) == store.path / SHIFTS
    with pytest.raises(NotReadyError, match="was made with other settings"):
        store.shifts(digest="another")
    (store.path / SHIFTS).write_text("2\n")
    with pytest.raises(StoreError, match=r"_shifts\.csv is changed.*Run again"):
        store.shifts()


@pytest.mark.parametrize(
    ("started", "state"), [(True, "unfinished"), (False, "missing")], ids=str
)
def test_what_is_not_ready_is_named_with_the_step(store, started, state):
    if started:
        with pytest.raises(StoreError, match="got 1 frames"):
            fill(stack_output(store, "seg_labeled_ch_0"), [FRAMES[0]])
        (store.path / layout.CELLS).mkdir()
    said = (
        rf"images\.zarr.seg_labeled_ch_0.0 is {state}\. Run the step that writes seg_labeled"
    )
    with pytest.raises(NotReadyError, match=said):
        store.stack("seg_labeled_ch_0")
    with pytest.raises(NotReadyError, match=rf"cells\.zarr is {state}"):
        store.cells()


def test_what_was_made_with_other_settings_is_not_ready(store):
    everything(store)
    with pytest.raises(NotReadyError, match=r"pc_ch_0.0 was made with other settings"):
        store.stack("pc_ch_0", digest="other")
    with pytest.raises(NotReadyError, match="made with other settings"):
        store.cells(digest="other")


def test_a_missing_chunk_is_an_error_and_no_black_frame(store):
    everything(store)
    (store.path / "images.zarr/pc_ch_0/0/c.1.0.0").unlink()
    stack = store.stack("pc_ch_0")
    np.testing.assert_array_equal(stack[0], FRAMES[0])
    with pytest.raises(StoreError, match=r"c.1.0.0 cannot be read: .*pyama verify"):
        stack[1]


@pytest.mark.parametrize("name", KINDS)
def test_clean_up_removes_what_is_unfinished_and_keeps_the_rest(store, name):
    everything(store)
    sound = tree(store)
    output = outputs(store)[name]
    own = set(output.mark_file.files())
    output.mark_file.path.unlink()
    (store.path / "x.csv.12.tmp").write_bytes(b"")
    (store.path / ".marks" / "a.json.12.tmp").write_bytes(b"")
    removed = store.clean_up()
    left = tree(store)
    kept = {path: data for path, data in sound.items() if path not in own}
    if name == CELLS_MARK:
        kept = {p: d for p, d in kept.items() if not p.startswith((".marks/cells", "cells"))}
    if name == ROOT_MARK:  # a few documents, harmless without their mark
        left = {path: data for path, data in left.items() if path not in own}
    assert left == kept
    assert removed == ([] if name == ROOT_MARK else [name, CELL_PREVIEWS_MARK][: len(removed)])
    assert store.clean_up() == []


def test_clean_up_removes_a_group_that_was_only_begun(store):
    with pytest.raises(StoreError, match="got 1 frames"):
        fill(stack_output(store, "fl_ch_1"), [FRAMES[0]])
    assert store.clean_up() == ["fl_ch_1/0"]
    assert store.groups() == []
    assert store.clean_up() == []


def test_clean_up_of_nothing_is_nothing(store):
    assert store.clean_up() == []
    assert store.marks() == {}
    assert store.groups() == []


def test_discard_removes_all_but_what_is_not_pyamas(store):
    everything(store)
    (store.path / "notes.txt").write_text("mine")
    (store.path / "movie_fov_004_traces_inspected.csv").write_text("mine")
    store.discard()
    assert set(tree(store)) == {"notes.txt", "movie_fov_004_traces_inspected.csv"}


def test_marks_are_listed_by_the_names_of_outputs(store):
    everything(store)
    assert sorted(store.marks()) == sorted(KINDS) == sorted(store.mark_names())
    outputs(store)[CELLS_MARK].mark_file.path.unlink()
    assert CELLS_MARK in store.mark_names(), "its checksums are still there"
    assert CELLS_MARK not in store.marks()
    assert store.damages(CELLS_MARK, thorough=False)[0].problem == "missing"


def test_stray_files_do_no_harm(store):
    everything(store)
    (store.path / "zarr.json").write_text("{}")  # napari leaves one
    (store.path / "images.zarr" / "labels").mkdir()
    assert all(outputs(store)[name].is_done(RECIPE) for name in KINDS)
    assert store.groups() == ["pc_ch_0"]
    assert StoredArray(store.path / "images.zarr/pc_ch_0/0").shape == (T, H, W)
