"""The steps around the network, with functions in its place."""

import numpy as np
import pytest
from scipy import ndimage

from pyama.algorithms.segmenters import network_tiles
from pyama.algorithms.segmenters.network_tiles import LARGEST_TILE, STEP, run_in_tiles
from pyama.algorithms.segmenters.unet import UnetParams, segment
from pyama.errors import ArrayError

NOISE = np.random.default_rng(0).integers(900, 1100, (300, 260)).astype(np.uint16)


def knows(*disks):
    """A network that sees disks (y, x, radius) in its own pixels; neighbours have a border."""

    def network(image):
        y, x = np.indices(image.shape)
        far = np.array([1 - np.hypot(y - v, x - u) / r for v, u, r in disks])
        near = np.sort(far, axis=0)
        border = ((near[-2] > 0) & (near[-1] > 0)) if len(disks) > 1 else np.zeros(y.shape)
        distance = far.max(axis=0).clip(0, 1)
        return np.stack([far.max(axis=0) > 0, border, distance]).astype(np.float32)

    return network


def test_cells_that_touch_are_separated_in_the_size_of_the_frame():
    found = segment(
        NOISE, UnetParams(diameter=50), knows((50, 50, 14), (50, 74, 14), (110, 60, 12))
    )
    assert found.shape == NOISE.shape
    assert found.dtype == np.uint16
    assert len({found[101, 101], found[101, 149], found[221, 121]} - {0}) == 3
    assert found.max() == 3
    area = np.count_nonzero(found == found[221, 121])
    assert area == pytest.approx(np.pi * 24**2, rel=0.05)


def test_specks_are_dropped_but_not_the_visible_part_of_a_cell():
    network = knows((50, 50, 3), (40, 0, 4), (100, 60, 12))
    found = segment(NOISE, UnetParams(diameter=50), network)
    assert found.max() == 2
    assert found[101, 101] == 0
    assert found[81, 0] > 0


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (3, 200), (200, 5), (17, 31), (64, 15)])
@pytest.mark.parametrize("diameter", [8.0, 70.0, 2000.0])
def test_frames_of_any_size(shape, diameter):
    seen = []

    def network(image):
        seen.append(image.shape)
        return np.stack([np.ones_like(image)] * 3)

    frame = NOISE[: shape[0], : shape[1]]
    frame = np.pad(frame, [(0, a - b) for a, b in zip(shape, frame.shape, strict=True)])
    found = segment(frame, UnetParams(diameter=diameter), network)
    assert found.shape == shape
    assert set(np.unique(found)) | {0} == set(range(int(found.max()) + 1))
    assert all(side % STEP == 0 and 0 < side <= LARGEST_TILE for s in seen for side in s)


@pytest.mark.parametrize("value", [0, 1000, 65535])
def test_a_flat_frame_needs_no_network(value):
    found = segment(np.full((40, 50), value, np.uint16), UnetParams(), lambda image: None)
    assert found.shape == (40, 50)
    assert not found.any()


def test_nothing_is_found_where_nothing_was_recorded():
    gaps = np.zeros(NOISE.shape, np.bool_)
    gaps[:, :110] = True
    found = segment(NOISE, UnetParams(diameter=50), knows((60, 50, 14)), gaps)
    assert not found[gaps].any()
    assert found[121, 115] == 1
    assert not segment(NOISE, UnetParams(), knows((60, 50, 14)), np.ones_like(gaps)).any()


def test_a_stack_is_refused():
    with pytest.raises(ArrayError, match=r"one frame \(H, W\)"):
        segment(NOISE[None], UnetParams(), knows((1, 1, 1)))


@pytest.mark.parametrize("shape", [(16, 16), (700, 90), (95, 801), (500, 499), (1, 1000)])
def test_tiles_give_what_the_whole_image_gives(monkeypatch, shape):
    monkeypatch.setattr(network_tiles, "LARGEST_TILE", 256)
    image = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    sizes = []

    def run(tile):
        sizes.append(tile.shape)
        return np.stack([tile, ndimage.uniform_filter(tile, 2 * network_tiles.MARGIN - 1)])

    found = run_in_tiles(image, run)
    assert all(side % STEP == 0 and side <= 256 for size in sizes for side in size)
    pads = [(0, -side % STEP) for side in shape]
    whole = np.pad(image, pads, mode="symmetric")[None].repeat(2, 0)
    whole[1] = ndimage.uniform_filter(whole[1], 2 * network_tiles.MARGIN - 1)
    assert found.shape == (2, *shape)
    np.testing.assert_array_equal(found[0], image)
    np.testing.assert_allclose(found[1], whole[1, : shape[0], : shape[1]], atol=1e-5)
