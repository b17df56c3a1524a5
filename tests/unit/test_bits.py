import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pyama.algorithms.kernels.bits import clear_padding, invert, pack, pack_above, unpack

SIDES = st.integers(0, 150)


@st.composite
def masks(draw):
    """Masks of any size, drawn as bytes: one draw for every pixel takes seconds."""
    height, width = draw(SIDES), draw(SIDES)
    n = (height * width + 7) // 8
    drawn = np.frombuffer(draw(st.binary(min_size=n, max_size=n)), np.uint8)
    return np.unpackbits(drawn, count=height * width).astype(bool).reshape(height, width)


@given(masks())
def test_a_mask_is_the_same_after_packing(mask):
    found = unpack(pack(mask))
    assert found.dtype == bool
    assert found.tolist() == mask.tolist()


@given(masks())
def test_inverted_bits_are_those_of_the_inverted_mask(mask):
    assert pack(~mask).words.tolist() == invert(pack(mask)).words.tolist()


def test_the_first_column_is_the_lowest_bit():
    mask = np.zeros((2, 70), bool)
    mask[0, [0, 63]] = mask[1, [1, 64, 69]] = True
    assert pack(mask).words.tolist() == [[1 | 1 << 63, 0], [2, 1 | 1 << 5]]


@pytest.mark.parametrize("width", [1, 63, 64, 65, 128, 200])
def test_bits_beyond_the_last_column_are_cut_off(width):
    full = pack(np.ones((3, width), bool))
    words = np.full_like(full.words, 2**64 - 1)
    assert clear_padding(full._replace(words=words)).words.tolist() == full.words.tolist()
    assert not invert(full).words.any()


@pytest.mark.parametrize("order", ["C", "F"])
def test_masks_may_lie_in_memory_in_any_order(order):
    mask = np.array(np.random.default_rng(0).random((70, 130)) < 0.5, order=order)
    assert np.array_equal(unpack(pack(mask)), mask)
    assert np.array_equal(unpack(pack(mask[::2, 1::3])), mask[::2, 1::3])


@given(
    arrays(np.float32, st.tuples(st.integers(1, 3), st.integers(1, 140)),
           elements=st.sampled_from([0.0, 1.0, 2.0, np.inf])),
    st.sampled_from([0.0, 1.0, np.inf]),
)  # fmt: skip
def test_values_above_a_limit_are_set(values, limit):
    found = unpack(pack_above(values, np.float32(limit)))
    assert found.tolist() == (values > np.float32(limit)).tolist()
