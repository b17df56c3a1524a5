"""Previews of crops: what they are stretched by, and which frames they are made of."""

import numpy as np
import pytest

from pyama.errors import StoreError
from pyama.processing.steps.previews import CellPreviews
from pyama.store import CellList, Crop, NotRecorded, crop_spec

T, SIDE = 6, 8
ALL, SOME = range(T), range(2, 4)
GROUP = "fl_ch_1"


def cell_list_of(*frames):
    """Cells that fill a square of 8 px in some frames, one to the right of the other."""
    boxes = np.zeros((len(frames), T, 4), np.int32)
    valid = np.zeros((len(frames), T), bool)
    for i, there in enumerate(frames):
        boxes[i, list(there)] = 0, SIDE * i, SIDE, SIDE * (i + 1)
        valid[i, list(there)] = True
    return CellList(np.arange(1, len(frames) + 1, dtype=np.int32), boxes, valid)


def crop_of(there, low=100, high=300):
    """Pixels of one cell, as they are stored: half at `low`, half at `high`, 0 elsewhere."""
    stack = np.zeros((T, SIDE, SIDE), np.float32)
    stack[list(there), :, : SIDE // 2] = low / 65536
    stack[list(there), :, SIDE // 2 :] = high / 65536
    return stack


def preview(lost, there=ALL, stack=None):
    cells = CellPreviews(cell_list_of(there), {GROUP: lost})
    crop = cells.of(GROUP, 1, crop_of(there) if stack is None else stack)
    return np.concatenate(list(crop.blocks)), crop.attributes["pyama"]


@pytest.mark.parametrize(
    "boxes",
    [
        pytest.param({}, id="all was recorded"),
        pytest.param(dict.fromkeys(ALL, ((0, 0, 2, 2),)), id="a part of it in every frame"),
        pytest.param({0: ((0, 0, 2, 2),)}, id="a part of it in one frame"),
        pytest.param({0: ((0, 20, 2, 22),)}, id="another place"),
    ],
)
def test_a_cell_is_stretched_between_its_own_intensities(boxes):
    grey, meaning = preview(NotRecorded(boxes=boxes))
    assert meaning["low"] * 65536 == pytest.approx(100, abs=1)
    assert meaning["high"] * 65536 == pytest.approx(300, abs=1)
    assert (grey.min(), grey.max()) == (0, 255)


def test_frames_in_which_a_part_was_not_recorded_do_not_count_if_there_are_others():
    stack = crop_of(ALL)
    stack[0] = 60000 / 65536
    meaning = preview(NotRecorded(boxes={0: ((0, 0, 2, 2),)}), stack=stack)[1]
    assert meaning["high"] * 65536 == pytest.approx(300, abs=1)
    meaning = preview(NotRecorded(frozenset({0})), stack=stack)[1]
    assert meaning["high"] * 65536 == pytest.approx(300, abs=1)


@pytest.mark.parametrize("there", [ALL, SOME, range(1), range(T - 1, T)])
def test_frames_without_a_cell_are_black(there):
    grey, _ = preview(NotRecorded(), there)
    assert grey.shape == (T, SIDE // 2, SIDE // 2)
    assert [t for t in range(T) if grey[t].any()] == list(there)


def test_a_crop_that_is_not_in_memory_is_refused():
    cells = CellPreviews(cell_list_of(ALL), {GROUP: NotRecorded()})
    crop = Crop(GROUP, 1, crop_spec((T, SIDE, SIDE), "float32"), iter(()), {})
    with pytest.raises(StoreError, match="Cell 1 in fl_ch_1 is too large"):
        cells.make_early(crop)
