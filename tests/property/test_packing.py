"""Any cells are the same bytes after they were packed and unpacked."""

import tempfile
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from pyama.store import (
    CellList,
    CellPreviewsOutput,
    Cells,
    CellsOutput,
    Crop,
    FovStore,
    Recipe,
    convert_cells,
    crop_dtype,
    crop_spec,
)

GROUPS = st.lists(
    st.sampled_from(["pc_ch_0", "fl_ch_2", "fl_ch_10", "seg_tracked_ch_0"]),
    min_size=1,
    unique=True,
)
RECIPE = Recipe("cropping", 1)


@st.composite
def fields(draw):
    """Groups, the list of cells, and whether their previews are finished."""
    ids = sorted(draw(st.sets(st.integers(1, 1200), max_size=5)))
    frames, sides = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    boxes = np.zeros((len(ids), frames, 4), np.int32)
    boxes[..., 2:] = sides
    cells = CellList(np.array(ids, np.int32), boxes, boxes[..., 2] > 0)
    return draw(GROUPS), cells, draw(st.booleans())


def crops(groups, cells, dtype=None):
    for group in sorted(groups):
        for cell, boxes in zip(cells.ids.tolist(), cells.bboxes, strict=True):
            shape = (len(boxes), *boxes.max(axis=0)[2:].tolist())
            kind = dtype or crop_dtype(group)
            spec = crop_spec(shape, kind)
            yield Crop(group, cell, spec, [np.full(shape, cell % 250, kind)], {"of": group})


def write(store, field, form):
    groups, cells, with_previews = field
    output = CellsOutput(store.path, groups, form=form)
    previews = CellPreviewsOutput(store.path, output)
    with output.writing(RECIPE, {}) as put:
        put(cells)
        if not with_previews:
            for crop in crops(groups, cells):
                put(crop)
            return
        with previews.writing(RECIPE, {}) as put_preview:
            for crop, grey in zip(
                crops(groups, cells), crops(groups, cells, "uint8"), strict=True
            ):
                put(crop)
                put_preview(grey)


def tree(store):
    files = (path for path in store.path.rglob("*") if path.is_file())
    return {path.relative_to(store.path).as_posix(): path.read_bytes() for path in files}


@settings(max_examples=12)
@given(fields())
def test_packing_and_unpacking_change_no_byte(field):
    _, cells, _ = field
    with tempfile.TemporaryDirectory() as folder:
        store, archived = FovStore(Path(folder), 0), FovStore(Path(folder), 1)
        write(store, field, "folder")
        write(archived, field, "zip")
        before = tree(store)
        assert convert_cells(store.path, "zip")
        assert tree(store) == tree(archived), "packed and written directly"
        assert convert_cells(store.path, "folder")
        assert tree(store) == before
        assert isinstance(archived.cells(), Cells)
        for group in field[0]:
            for cell in cells.ids.tolist():
                one, other = (found.cells().crop(group, cell) for found in (store, archived))
                assert one.dtype == other.dtype
                np.testing.assert_array_equal(one, other)
