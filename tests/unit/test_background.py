from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.interpolate import RectBivariateSpline

from pyama.algorithms import background_surface
from pyama.algorithms.background_surface import estimate
from pyama.algorithms.kernels.tile_medians import tile_medians
from pyama.algorithms.params import BackgroundParams
from pyama.errors import ArrayError

DEFAULT = BackgroundParams()
PLANES = BackgroundParams(background_method="planes")
METHODS = pytest.mark.parametrize("params", [DEFAULT, PLANES], ids=["tiles", "planes"])
DISK = np.hypot(*np.mgrid[-10:11, -10:11]) <= 10


def nothing(frame):
    return np.zeros(frame.shape, np.bool_)


def tiles(length, size, overlap):
    """First pixel and end of every tile, as the description says, in plain Python."""
    step = max(1, round(size * (1 - overlap)))
    n = 1
    while (n - 1) * step + size < length:
        n += 1
    spare = max(0, (n - 1) * step + size - length)
    starts = [k * step - spare // 2 for k in range(n)]
    return [(max(0, start), min(length, start + size)) for start in starts]


def literal_medians(frame, covered, params):
    """Median of every tile, the way one would write it down."""
    values = np.where(covered, np.nan, frame.astype(float))
    rows, columns = (tiles(n, params.tile_size, params.tile_overlap) for n in frame.shape)
    medians = np.full((len(rows), len(columns)), np.nan)
    for i, (y0, y1) in enumerate(rows):
        for j, (x0, x1) in enumerate(columns):
            tile = values[y0:y1, x0:x1]
            seen = tile[np.isfinite(tile)]
            if 10 * len(seen) >= tile.size:
                medians[i, j] = np.median(seen)
    return medians


def medians_of(frame, covered, params):
    rows, columns = (
        background_surface._axis(n, params.tile_size, params.tile_overlap) for n in frame.shape
    )
    return tile_medians(
        frame,
        covered,
        *background_surface._window(frame, covered),
        *(rows.bounds, rows.cuts, rows.blocks),
        *(columns.bounds, columns.cuts, columns.blocks),
    )


@given(
    shape=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    tile_size=st.integers(4, 40),
    overlap=st.sampled_from([0.0, 0.3, 0.5, 0.9]),
    share=st.sampled_from([0.0, 0.5, 0.9, 0.97]),
    levels=st.sampled_from([(600, 601), (0, 40), (65000, 65535), (0, 65535)]),
    seed=st.integers(0, 99),
)
def test_medians_are_exact(shape, tile_size, overlap, share, levels, seed):
    rng = np.random.default_rng(seed)
    frame = rng.integers(*levels, shape, np.uint16, endpoint=True)
    covered = rng.random(shape) < share
    params = BackgroundParams(tile_size=tile_size, tile_overlap=overlap)
    found = medians_of(frame, covered, params)
    np.testing.assert_array_equal(found, literal_medians(frame, covered, params))


def test_medians_outside_the_histogram_are_exact():
    rng = np.random.default_rng(0)
    steep = np.linspace(0, 60_000, 400)[:, None] + rng.integers(0, 50, (400, 300))
    frame = steep.astype(np.uint16)
    found = medians_of(frame, nothing(frame), DEFAULT)
    np.testing.assert_array_equal(found, literal_medians(frame, nothing(frame), DEFAULT))


@pytest.mark.parametrize(("seen", "used"), [(9, False), (10, True)])
def test_a_tile_needs_ten_percent_of_background(seen, used):
    frame = np.full((10, 10), 7, np.uint16)
    covered = np.arange(100).reshape(10, 10) >= seen
    found = medians_of(frame, covered, BackgroundParams(tile_size=10))
    assert found.tolist() == [[7.0]] if used else np.isnan(found).all()


@pytest.mark.parametrize(
    ("medians", "expected"),
    [
        pytest.param([[1, np.nan, 3]], [[1, 2, 3]], id="between two"),
        pytest.param([[1, np.nan, np.nan, 4]], [[1, 1, 4, 4]], id="from both sides at once"),
        pytest.param([[1, 2], [6, np.nan]], [[1, 2], [6, 3]], id="corner"),
        pytest.param([[5] + [np.nan] * 6], [[5] * 7], id="one for all"),
    ],
)
def test_tiles_without_background_take_the_mean_of_their_neighbours(medians, expected):
    np.testing.assert_array_equal(
        background_surface._filled(np.array(medians, float)), expected
    )


@pytest.mark.parametrize(
    ("shape", "params"),
    [
        pytest.param((430, 517), DEFAULT, id="cubic"),
        pytest.param((200, 170), DEFAULT, id="three tiles and three"),
        pytest.param((140, 330), DEFAULT, id="two tiles and six"),
        pytest.param((300, 200), BackgroundParams(tile_size=37, tile_overlap=0.2), id="odd"),
        pytest.param((90, 60), BackgroundParams(tile_size=10, tile_overlap=0.9), id="dense"),
    ],
)
def test_the_surface_is_the_spline_of_scipy(shape, params):
    rows, columns = (tiles(n, params.tile_size, params.tile_overlap) for n in shape)
    y, x = (np.array([(a + b - 1) / 2 for a, b in t]) for t in (rows, columns))
    values = np.random.default_rng(0).uniform(0, 4000, (len(y), len(x)))
    axes = [background_surface._axis(n, params.tile_size, params.tile_overlap) for n in shape]
    found = np.empty(shape, np.float32)
    matrices = (m for axis in axes for m in (axis.solve, axis.first, axis.weights))
    background_surface._surface(values, *matrices, found)
    orders = {"kx": min(3, len(y) - 1), "ky": min(3, len(x) - 1)}
    spline = RectBivariateSpline(y, x, values, **orders)
    inside = [
        np.arange(np.ceil(centres[0]), np.floor(centres[-1]) + 1, dtype=int)
        for centres in (y, x)
    ]
    expected = spline(*inside)
    np.testing.assert_allclose(found[np.ix_(*inside)], expected, rtol=0, atol=1 / 32 + 1e-3)


@pytest.mark.parametrize("shape", [(430, 517), (120, 260), (50, 260), (99, 101)])
@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.7])
def test_a_plane_is_continued_to_the_edge(shape, overlap):
    y, x = np.mgrid[: shape[0], : shape[1]]
    slopes = [0 if n <= 100 else k for n, k in zip(shape, (4, 2), strict=True)]
    frame = (5000 + slopes[0] * y - slopes[1] * x).astype(np.uint16)
    found = estimate(frame, nothing(frame), BackgroundParams(tile_overlap=overlap))
    np.testing.assert_allclose(found.background, frame, rtol=0, atol=1 / 16)


@pytest.mark.parametrize("value", [0, 1, 600, 65535])
@pytest.mark.parametrize("shape", [(1, 1), (1, 250), (250, 1), (8, 8), (100, 100), (101, 350)])
@METHODS
def test_a_constant_frame_is_its_own_background(shape, value, params):
    frame = np.full(shape, value, np.uint16)
    found = estimate(frame, nothing(frame), params)
    assert found.background.dtype == np.float32
    assert found.is_fallback == (params is PLANES and frame.size < 25)
    np.testing.assert_array_equal(found.background, frame)


@settings(max_examples=60)
@given(
    shape=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    tile_size=st.sampled_from([4, 25, 100, 1000]),
    overlap=st.sampled_from([0.0, 0.5, 0.8]),
    share=st.sampled_from([0.0, 0.001, 0.01, 1.0]),
    method=st.sampled_from(["tiles", "planes"]),
    seed=st.integers(0, 99),
)
def test_any_frame_has_a_finite_background_on_the_grid(
    shape, tile_size, overlap, share, method, seed
):
    rng = np.random.default_rng(seed)
    frame = rng.integers(0, 65535, shape, np.uint16, endpoint=True)
    foreground = rng.random(shape) < share
    params = BackgroundParams(
        tile_size=tile_size, tile_overlap=overlap, background_method=method
    )
    found = estimate(frame, foreground, params)
    assert found.background.shape == shape
    assert np.isfinite(found.background).all()
    np.testing.assert_array_equal(found.background * 16 % 1, 0)
    assert found.is_fallback >= foreground.all()


@METHODS
def test_an_empty_frame_has_an_empty_background(params):
    frame = np.zeros((0, 7), np.uint16)
    assert estimate(frame, nothing(frame), params).background.shape == (0, 7)


@METHODS
def test_without_background_the_low_percentile_stands_for_it(params):
    frame = np.arange(10_000, dtype=np.uint16).reshape(100, 100)
    found = estimate(frame, ~nothing(frame), params)
    assert found.is_fallback
    np.testing.assert_array_equal(found.background, np.float32(499.9375))


def test_a_frame_in_which_no_tile_shows_enough_background_falls_back():
    frame = np.full((100, 100), 500, np.uint16)
    foreground = ~nothing(frame)
    foreground[:, -20:] = False  # 10 columns of it are left once the foreground has grown
    assert not estimate(frame, foreground, DEFAULT).is_fallback
    foreground[:, -19] = True
    assert estimate(frame, foreground, DEFAULT).is_fallback


def test_the_foreground_is_grown_by_ten_pixels():
    outside = ~np.pad(DISK, 1)
    frame = np.full(outside.shape, 60_000, np.uint16)
    frame[outside] = np.arange(outside.sum())  # one pixel more or less moves the median
    foreground = nothing(frame)
    foreground[11, 11] = True
    found = estimate(frame, foreground, DEFAULT).background
    np.testing.assert_array_equal(found, np.median(frame[outside]))


@METHODS
def test_bright_cells_under_their_masks_do_not_matter(params):
    rng = np.random.default_rng(0)
    frame = rng.poisson(600, (300, 300)).astype(np.uint16)
    foreground = nothing(frame)
    foreground[140:170, 100:150] = True
    bright = frame.copy()
    bright[ndimage.binary_dilation(foreground, DISK)] = 60_000
    one, other = (estimate(f, foreground, params).background for f in (frame, bright))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("shape", [(300, 400), (230, 310)])
def test_a_mirrored_frame_has_the_mirrored_background(shape):
    rng = np.random.default_rng(0)
    frame, mask = rng.integers(0, 900, shape).astype(np.uint16), rng.random(shape) < 1e-3
    found = estimate(frame, mask, DEFAULT).background
    mirrored = estimate(frame[::-1, ::-1], mask[::-1, ::-1], DEFAULT).background
    np.testing.assert_allclose(mirrored[::-1, ::-1], found, rtol=0, atol=1 / 16)
    turned = estimate(frame.T, mask.T, DEFAULT).background
    np.testing.assert_allclose(turned.T, found, rtol=0, atol=1 / 16)


@METHODS
def test_threads_do_not_change_a_bit(params):
    rng = np.random.default_rng(0)
    frames = rng.integers(400, 900, (8, 210, 320)).astype(np.uint16)
    masks = rng.random(frames.shape) < 2e-4

    def bits(frame, mask):
        return estimate(frame, mask, params).background.tobytes()

    alone = [bits(*pair) for pair in zip(frames, masks, strict=True)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(bits, frames, masks)) == alone


def cells_on_a_slope(rng, n):
    """Smooth background of 600 ± 60 counts, a frame with cells on it, their rough masks."""
    y, x = np.mgrid[:n, :n] / n
    smooth = np.cos(2.5 * x + 0.4) * np.cos(1.8 * y - 0.9) - 0.5 * (x - 0.4) ** 2 + 0.4 * y * x
    smooth = 540 + 120 * (smooth - smooth.min()) / np.ptp(smooth)
    light, mask = np.zeros((n, n)), np.zeros((n, n), np.bool_)
    yy, xx = np.mgrid[-32:32, -32:32]
    for cy, cx in rng.integers(32, n - 32, (n * n // 14_000, 2)):
        at = np.s_[cy - 32 : cy + 32, cx - 32 : cx + 32]
        a, b = rng.uniform(12, 26, 2)
        light[at] += rng.uniform(200, 3000) * ((yy / a) ** 2 + (xx / b) ** 2 < 1)
        dy, dx, size = *rng.integers(-3, 4, 2), rng.uniform(0.85, 1.05)
        mask[at] |= ((yy - dy) / a) ** 2 + ((xx - dx) / b) ** 2 < size**2
    counts = rng.poisson(smooth + ndimage.gaussian_filter(light, 2))
    return smooth, (counts + rng.normal(0, 5, (n, n))).astype(np.uint16), mask


@METHODS
def test_the_error_is_about_one_count(params):
    smooth, frame, mask = cells_on_a_slope(np.random.default_rng(0), 1024)
    error = estimate(frame, mask, params).background - smooth
    inside = np.zeros(frame.shape, np.bool_)
    inside[128:-128, 128:-128] = True
    rms = [np.sqrt(np.mean(error[part] ** 2)) for part in (inside, ~inside)]
    assert rms[0] <= 1.3
    assert rms[1] <= 2.5


@pytest.mark.parametrize(
    ("frame", "mask", "message"),
    [
        (np.zeros((2, 3, 4), np.uint16), np.zeros((2, 3, 4), bool), r"got shape \(2, 3, 4\)"),
        (np.zeros((3, 4), np.uint16), np.zeros((4, 3), bool), r"frame \(3, 4\), foreground"),
        (np.zeros((3, 4)), np.zeros((3, 4), bool), "dtype uint16, got float64"),
    ],
)
def test_what_is_not_a_frame_and_its_mask_is_refused(frame, mask, message):
    with pytest.raises(ArrayError, match=message):
        estimate(frame, mask, DEFAULT)
