import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from pyama.algorithms.kernels.bits import pack, unpack
from pyama.algorithms.kernels.labels import (
    Removed,
    fill_mask_holes,
    label,
    label_runs,
    limit_sizes,
    regions,
    remove_small_objects,
    renumber,
)
from pyama.errors import ArrayError


def fill_holes(mask, *limits):
    return unpack(fill_mask_holes(pack(mask), *limits))


def remove_small(mask, *limits):
    return unpack(remove_small_objects(pack(mask), *limits))


SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)
WIDE = st.tuples(st.integers(1, 4), st.integers(60, 135))
MASKS = arrays(bool, SHAPES) | arrays(bool, WIDE, fill=st.booleans())
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


def noise(density, shape=(200, 300), seed=0):
    return np.random.default_rng(seed).random(shape) < density


@given(MASKS)
def test_labels_have_the_numbers_that_scipy_gives(mask):
    found = label(mask)
    assert found.tolist() == ndimage.label(mask)[0].tolist()
    assert found.dtype == np.uint16


@pytest.mark.parametrize("density", [0, 0.05, 0.3, 0.5, 0.6, 0.7, 0.95, 1])
def test_labels_holes_and_small_objects_of_noise_are_those_of_scipy(density):
    mask = noise(density)
    expected, n = ndimage.label(mask)
    sizes = np.bincount(expected.ravel(), minlength=n + 1)
    sizes[0] = 0
    assert np.array_equal(label(mask), expected)
    assert np.array_equal(fill_holes(mask), ndimage.binary_fill_holes(mask))
    assert np.array_equal(remove_small(mask, 5), (sizes >= 5)[expected])


@given(MASKS)
def test_holes_are_those_of_scipy(mask):
    assert fill_holes(mask).tolist() == ndimage.binary_fill_holes(mask).tolist()


@pytest.mark.parametrize(("max_area", "open_holes"), [(0, 2), (1, 2), (2, 1), (5, 1), (6, 0)])
def test_holes_above_the_limit_stay_open(max_area, open_holes):
    mask = np.ones((9, 9), bool)
    mask[1, 1:3] = False
    mask[4:6, 4:7] = False
    mask[8, 0] = False
    assert ndimage.label(~fill_holes(mask, max_area))[1] == open_holes + 1


@pytest.mark.parametrize(("at_edge", "filled"), [(0, 0), (2, 0), (3, 3), (4, 3), (5, 8)])
def test_small_dents_at_the_edge_are_holes_if_wanted(at_edge, filled):
    mask = np.ones((9, 9), bool)
    mask[0, 1:4] = False
    mask[7:, 8] = mask[8, 5:8] = False
    assert fill_holes(mask, None, at_edge).sum() - mask.sum() == filled


def test_a_mask_without_objects_has_no_holes():
    mask = np.zeros((3, 4), bool)
    assert not fill_holes(mask, None, 100).any()


@given(MASKS, st.integers(0, 20), st.integers(0, 20))
def test_objects_at_the_edge_have_a_limit_of_their_own(mask, min_area, at_edge):
    labels, n = ndimage.label(mask)
    expected = np.zeros(mask.shape, bool)
    for i in range(1, n + 1):
        rows, columns = np.nonzero(labels == i)
        sides = (
            rows.min(),
            columns.min(),
            *(np.array(mask.shape) - 1 - (rows.max(), columns.max())),
        )
        expected |= (labels == i) & (len(rows) >= (min_area if min(sides) else at_edge))
    assert remove_small(mask, min_area, at_edge).tolist() == expected.tolist()


@given(MASKS, st.integers(0, 20))
def test_objects_below_the_limit_are_removed(mask, min_area):
    labels, n = ndimage.label(mask)
    expected = np.zeros(mask.shape, bool)
    for i in range(1, n + 1):
        expected |= (labels == i) & ((labels == i).sum() >= min_area)
    assert remove_small(mask, min_area).tolist() == expected.tolist()


def test_masks_are_not_changed_in_place():
    bits = pack(noise(0.6))
    before = bits.words.copy()
    fill_mask_holes(bits)
    remove_small_objects(bits, 50)
    assert np.array_equal(bits.words, before)


def test_labels_that_are_within_the_limits_are_given_back_as_they_are():
    labels = label(noise(0.3))
    assert limit_sizes(labels, 0, None)[0] is labels
    wide = labels.astype(np.uint32)
    found, _ = limit_sizes(wide, 0, None)
    assert found.dtype == np.uint16
    assert np.array_equal(found, labels)


def test_more_than_65535_objects_are_uint32():
    mask = np.indices((600, 600)).sum(axis=0) % 2 == 0
    found = label(mask)
    assert found.dtype == np.uint32
    assert found.max() == 180_000
    kept, removed = limit_sizes(found, 1, None)
    assert kept.dtype == np.uint32
    assert removed == Removed(0, 0, 0, 0, 180_000, 180_000)
    assert regions(kept).ids[-1] == 180_000


@given(
    arrays(np.uint32, SHAPES, elements=st.sampled_from([0, 1, 3, 9, 70_000, 4_294_967_295])),
    st.integers(0, 6),
    st.none() | st.integers(6, 12),
)
def test_limits_drop_objects_and_number_the_others_in_order(labels, min_area, max_area):
    found, removed = limit_sizes(labels, min_area, max_area)
    ids, _, areas = expected_regions(labels)
    small = [a for a in areas if a < min_area]
    large = [a for a in areas if max_area is not None and a > max_area]
    kept = [i for i, a in zip(ids, areas, strict=True) if a not in small + large]
    expected = np.zeros(labels.shape, np.uint16)
    for new, old in enumerate(kept, 1):
        expected[labels == old] = new
    assert found.tolist() == expected.tolist()
    assert found.dtype == np.uint16
    assert removed == Removed(
        len(small),
        len(large),
        sum(small),
        sum(large),
        int((expected > 0).sum()),
        len(kept),
    )


@given(arrays(np.uint16, SHAPES, elements=NUMBERS), st.randoms(), st.sampled_from([9, 70_000]))
def test_some_numbers_are_replaced_and_the_others_go(labels, dice, largest):
    ids = [i for i in np.unique(labels).tolist() if i]
    old = sorted({*dice.sample(ids, dice.randint(0, len(ids))), dice.choice([3, 66_000])})
    new = [dice.randint(1, largest) for _ in old]
    found = renumber(
        label_runs(labels, "test"), np.array(old, int), np.array(new, int), largest
    )
    lookup = dict(zip(old, new, strict=True))
    assert found.tolist() == [[lookup.get(i, 0) for i in row] for row in labels.tolist()]
    assert found.dtype == (np.uint16 if largest == 9 else np.uint32)


def test_a_stack_of_masks_is_refused():
    with pytest.raises(ArrayError, match=r"label\(\) takes one frame"):
        label(np.zeros((2, 3, 4), bool))


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (1, 1), (1, 9), (9, 1)])
@pytest.mark.parametrize("value", [False, True])
def test_thin_and_empty_masks_are_answered(shape, value):
    mask = np.full(shape, value)
    assert label(mask).tolist() == mask.astype(int).tolist()
    assert fill_holes(mask).tolist() == mask.tolist()
    assert remove_small(mask, 10).tolist() == np.zeros(shape, bool).tolist()
    assert limit_sizes(label(mask), 0, None)[1].kept_area == mask.sum()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((2, 3, 4), np.uint16), r"one frame \(H, W\), got shape \(2, 3, 4\)"),
        (np.zeros((3, 4), np.int64), "uint16 or uint32, got int64"),
    ],
)
@pytest.mark.parametrize("function", [regions, lambda x: limit_sizes(x, 0, None)])
def test_what_is_not_a_frame_of_labels_is_refused(labels, message, function):
    with pytest.raises(ArrayError, match=message):
        function(labels)
