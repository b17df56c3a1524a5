import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from pyama.algorithms.labels import regions
from pyama.errors import ArrayError

SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)
NUMBERS = st.sampled_from([0, 0, 1, 2, 7, 300, 65535])


def expected_regions(labels):
    ids = [i for i in np.unique(labels) if i]
    boxes = []
    for i in ids:
        y, x = np.nonzero(labels == i)
        boxes.append([y.min(), x.min(), y.max() + 1, x.max() + 1])
    return ids, boxes, [int((labels == i).sum()) for i in ids]


@given(arrays(np.uint16, SHAPES, elements=NUMBERS))
def test_regions_are_tight_boxes_and_pixel_counts_in_order_of_number(labels):
    ids, boxes, areas = expected_regions(labels)
    found = regions(labels)
    assert found.ids.tolist() == ids
    assert found.boxes.tolist() == [list(map(int, box)) for box in boxes]
    assert found.areas.tolist() == areas
    assert (found.ids.dtype, found.boxes.dtype, found.areas.dtype) == ("i8", "i4", "i8")
    assert found.boxes.shape == (len(ids), 4)


@pytest.mark.parametrize("number", [70_000, 4_294_967_295])
def test_regions_take_large_numbers_without_a_table_of_that_length(number):
    labels = np.zeros((30, 40), np.uint32)
    labels[3:5, 7:9] = number
    labels[29, 39] = number - 1
    found = regions(labels)
    assert found.ids.tolist() == [number - 1, number]
    assert found.boxes.tolist() == [[29, 39, 30, 40], [3, 7, 5, 9]]
    assert found.areas.tolist() == [1, 4]


def test_regions_of_a_view_are_those_of_its_copy():
    labels = ndimage.label(np.random.default_rng(0).random((20, 30)) > 0.6)[0].astype(
        np.uint16
    )
    view = labels.T[::2]
    assert regions(view).boxes.tolist() == regions(view.copy()).boxes.tolist()


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (4, 4)])
def test_no_objects_have_no_regions(shape):
    found = regions(np.zeros(shape, np.uint16))
    assert found.ids.shape == (0,)
    assert found.boxes.shape == (0, 4)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((2, 3, 4), np.uint16), r"one frame \(H, W\), got shape \(2, 3, 4\)"),
        (np.zeros((3, 4), np.int64), "uint16 or uint32, got int64"),
    ],
)
def test_what_is_not_a_frame_of_labels_is_refused(labels, message):
    with pytest.raises(ArrayError, match=message):
        regions(labels)
