"""Parts of the steps, one at a time: what they take, leave out, count and say."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyama.algorithms.contracts import ImageIndex
from pyama.algorithms.features import CellTrack
from pyama.config import Channels, ProcessingParams
from pyama.errors import ConfigError, PluginError, StoreError
from pyama.processing.methods import Preprocessor
from pyama.processing.steps import STEPS_BY_NAME, cropping
from pyama.processing.steps.copying import PlaneScan
from pyama.processing.steps.cropping import cut_cells
from pyama.processing.steps.illumination import Sources, flat_field, sources
from pyama.processing.steps.registration import shift_lines, shifts_input
from pyama.processing.steps.segmentation import segment_frames
from pyama.processing.steps.step import changed_values, default_values
from pyama.processing.steps.trace_lines import _others, _recorded
from pyama.processing.steps.tracking import track_frames
from pyama.store import CellList, NotRecorded, array_spec
from small_movie import make_config

WITHOUT_PC, WITHOUT_FL = Channels(fl=[1]), Channels(pc=0)
NO_PC = "no phase contrast channel is configured"


@pytest.mark.parametrize(
    ("name", "channels", "params", "why"),
    [
        ("copying", Channels(pc=0), {"copy_only": True}, None),
        ("copying", Channels(), {}, "no channel is configured"),
        ("segmentation", WITHOUT_PC, {}, NO_PC),
        ("segmentation", WITHOUT_FL, {}, None),
        ("tracking", WITHOUT_PC, {"copy_only": True}, "copy_only"),
        ("background", WITHOUT_FL, {}, "no fluorescence channel is configured"),
        ("background", WITHOUT_PC, {}, None),
        ("background", WITHOUT_PC, {"copy_only": True}, "copy_only"),
        ("cropping", WITHOUT_PC, {}, NO_PC),
        ("extraction", WITHOUT_PC, {}, f"{NO_PC}, so no cells are known"),
        ("extraction", Channels(pc=0, fl=[1]), {"copy_only": True}, "copy_only"),
        ("extraction", Channels(), {}, None),
        ("caching", WITHOUT_PC, {}, None),
        ("caching", Channels(), {}, "no channel is configured"),
        ("caching", WITHOUT_PC, {"copy_only": True}, "copy_only"),
        ("registration", WITHOUT_FL, {}, "registration is 'none'"),
        ("registration", WITHOUT_PC, {"registration": "phase_correlation"}, NO_PC),
        ("registration", WITHOUT_FL, {"registration": "phase_correlation"}, None),
    ],
)
def test_a_step_says_why_it_does_not_apply(name, channels, params, why):
    config = make_config(channels, **params)
    assert STEPS_BY_NAME[name].skipped(config) == why
    if name == "registration":
        assert bool(shifts_input(config)) == (why is None)


def test_parameters_at_their_default_are_left_out():
    values = ProcessingParams(min_frames=7)
    changed, defaults = changed_values(values)
    assert changed == {"min_frames": 7}
    assert defaults == default_values(ProcessingParams)
    changed, defaults = changed_values(values, {"min_frames"})
    assert changed == {}
    assert "min_frames" not in defaults


EVERYTHING = NotRecorded()
IMAGE = np.full((4, 6), 300, np.uint16)
ZEROS = np.zeros_like(IMAGE)


def scanned(zero_planes, *frames, known=None):
    scan = PlaneScan(known or NotRecorded(), zero_planes)
    for t, frame in enumerate(frames):
        scan.add(t, frame)
    return scan.notes()


def test_zeros_among_images_of_a_camera_were_not_recorded():
    notes = scanned("auto", IMAGE, ZEROS, IMAGE + 1)
    assert (notes["missing_frames"], notes["zero_frames"]) == ([1], [1])
    assert "black_frames" not in notes
    assert notes["low"] > 0


def test_zeros_are_images_where_a_camera_counts_from_zero():
    dark = IMAGE.copy()
    dark[2, 3] = 0
    notes = scanned("auto", dark, ZEROS)
    assert (notes["missing_frames"], notes["black_frames"]) == ([], [1])
    assert notes["low"] == 0  # their pixels count


@pytest.mark.parametrize("rows", [0, 3, 8])
def test_levels_are_those_of_the_recorded_pixels(rows):
    """Of images and of images of zeros alike, whatever part of them was recorded."""
    frames = (
        np.arange(200, dtype=np.uint16).reshape(10, 20),
        *[np.zeros((10, 20), np.uint16)] * 2,
    )
    lost = NotRecorded(boxes=dict.fromkeys(range(3), ((0, 0, rows, 20),)) if rows else {})
    notes = scanned("keep", *frames, known=lost)
    expected = np.percentile(
        [frame[rows:] for frame in frames], [1, 99], method="inverted_cdf"
    )
    assert [notes["low"], notes["high"]] == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(("zero_planes", "missing"), [("missing", [0, 1]), ("keep", [])])
def test_what_zeros_are_can_be_set(zero_planes, missing):
    dark = IMAGE.copy()
    dark[2, 3] = 0
    notes = scanned(zero_planes, ZEROS, ZEROS, dark)
    assert notes["missing_frames"] == missing
    assert ("black_frames" in notes) == (not missing)


def test_a_recording_of_zeros_only_was_not_recorded():
    assert scanned("auto", ZEROS, ZEROS)["missing_frames"] == [0, 1]


def test_what_the_file_lists_as_missing_is_not_looked_at():
    known = NotRecorded(frozenset({1}), {0: ((0, 0, 2, 2),)})
    bright = IMAGE.copy()
    bright[:2, :2] = 9000  # in the rectangle that was not recorded
    notes = scanned("auto", bright, bright * 2, IMAGE, known=known)
    assert notes["missing_frames"] == [1]
    assert "zero_frames" not in notes
    assert notes["high"] == 300


def test_the_share_of_saturated_pixels_is_of_those_that_were_recorded():
    bright = np.full((10, 10), 300, np.uint16)
    bright[:2] = 65535
    known = NotRecorded(boxes={0: ((5, 0, 10, 10),)})
    assert scanned("auto", bright, known=known)["saturated"]["share"] == 20 / 50
    assert scanned("auto", bright)["saturated"]["share"] == 20 / 100


def test_only_the_first_pixel_may_be_zero():
    corner = IMAGE.copy()
    corner[0, 0] = 0
    assert scanned("auto", corner, IMAGE)["missing_frames"] == []


TEXTURE = np.random.default_rng(1).normal(2000, 300, (64, 80)).astype(np.uint16)


class Frames(list):
    """Frames as a stack, (T, H, W)."""

    @property
    def shape(self):
        return (len(self), *self[0].shape)


def rows_of(text):
    return [[float(x) for x in line.split(",")] for line in text.splitlines()[1:]]


def test_shifts_are_since_the_frame_before_and_drift_since_the_first():
    frames = Frames(np.roll(TEXTURE, move, (0, 1)) for move in ((0, 0), (2, -1), (5, 1)))
    notes = {}
    text = "".join(shift_lines(frames, NotRecorded(), notes, 0))
    for row, expected in zip(
        rows_of(text), ([0, 0, 0, 0, 0], [1, 2, -1, 2, -1], [2, 3, 2, 5, 1]), strict=True
    ):
        np.testing.assert_allclose(row, expected, atol=0.3)
    assert notes["frames_not_registered"] == []


def test_frames_that_are_missing_are_not_called_dissimilar(caplog):
    other = np.random.default_rng(2).normal(2000, 300, TEXTURE.shape).astype(np.uint16)
    notes = {}
    list(shift_lines(Frames([TEXTURE, ZEROS, TEXTURE]), NotRecorded(frozenset({1})), notes, 0))
    assert notes["frames_not_registered"] == []
    list(shift_lines(Frames([TEXTURE, other]), NotRecorded(), notes, 4))
    assert notes["frames_not_registered"] == [1]
    assert "FOV 4" in caplog.text


def square(*boxes, shape=(20, 24)):
    labels = np.zeros(shape, np.uint16)
    for number, (y0, x0, y1, x1) in enumerate(boxes, 1):
        labels[y0:y1, x0:x1] = number
    return labels


def test_every_preprocessor_gets_the_image_of_the_one_before():
    seen = []

    def segment(image, params):
        seen.append(int(image.max()))
        return ZEROS.astype(int)

    steps = [
        Preprocessor("plus", lambda image: image + 1, ()),
        Preprocessor("times", lambda image, factor: image * factor, (np.uint16(3),)),
    ]
    params = ProcessingParams()
    places = [ImageIndex(0, 0)]
    list(segment_frames([IMAGE], EVERYTHING, ("it", segment), steps, params, {}, places))
    assert seen == [(300 + 1) * 3]


SIZES = square((0, 0, 1, 1), (2, 2, 5, 5), (6, 0, 16, 20))  # 1, 9 and 200 px


def segmented(lost=EVERYTHING, n=3, labels=SIZES, **params):
    notes = {}
    limits = {"min_object_size": 5, "max_object_size": 100} | params
    frames = [np.full(SIZES.shape, 500 + t, np.uint16) for t in range(n)]
    made = segment_frames(
        frames,
        lost,
        ("given", lambda image, params: labels.copy()),
        [],
        ProcessingParams(**limits),
        notes,
        [ImageIndex(0, t) for t in range(n)],
    )
    return list(made), notes


def test_limits_of_size_are_applied_to_the_labels_of_every_method():
    made, notes = segmented()
    for labels in made:
        assert (labels > 0).sum() == 9
        assert labels.max() == 1
    assert (notes["objects"]["small"], notes["objects"]["large"]) == (3, 3)
    assert notes["largest_label"] == 1


@pytest.mark.parametrize("counts", [(1, 3, 2), (3, 1, 0)])
def test_the_largest_number_is_that_of_all_frames(counts):
    images = [np.zeros((3, 40), np.uint16) for _ in counts]
    for image, n in zip(images, counts, strict=True):
        for i in range(n):
            image[:, 4 * i : 4 * i + 3] = i + 1
    given, notes = iter(images), {}
    params = ProcessingParams(min_object_size=5, max_object_size=100)
    places = [ImageIndex(0, t) for t in range(3)]
    method = "given", lambda image, params: next(given)
    list(segment_frames(images, EVERYTHING, method, [], params, notes, places))
    assert notes["largest_label"] == 3
    assert tracked(lambda frames, params: iter(frames), frames=Frames(images))[1] == {
        "largest_label": 3
    }


def test_what_was_not_recorded_has_no_labels():
    lost = NotRecorded(frozenset({1}), {2: ((2, 2, 3, 5),)})
    made, notes = segmented(lost)
    assert [int((labels > 0).sum()) for labels in made] == [9, 0, 6]
    assert notes["objects"]["large"] == 2


def test_labels_of_another_size_are_refused():
    with pytest.raises(PluginError, match="'given'"):
        segmented(labels=SIZES[:-1])


MOVED = Frames(square((2, 2 + t, 8, 8 + t), (12, 2, 18, 8)) for t in range(4))


def tracked(method, missing=frozenset(), frames=MOVED, **params):
    notes = {}
    made = track_frames(frames, missing, ("given", method), ProcessingParams(**params), notes)
    return list(made), notes


def test_a_tracker_does_not_see_missing_frames_and_they_have_no_labels():
    seen = []

    def method(frames, params):
        for labels in frames:
            seen.append(labels)
            yield labels * 7

    made, notes = tracked(method, {1})
    assert len(seen) == 3
    assert [int(labels.max()) for labels in made] == [14, 0, 14, 14]
    assert notes["largest_label"] == 14
    np.testing.assert_array_equal(made[2], MOVED[2] * 7)


@pytest.mark.parametrize(
    ("n", "problem"),
    [(2, "returned 2 frames; expected 4"), (5, "returned more frames than the 4")],
)
def test_a_tracker_returns_a_frame_for_each(n, problem):
    with pytest.raises(PluginError, match=problem):
        tracked(lambda frames, params: iter([MOVED[0]] * n))


def test_without_divisions_there_are_no_mothers():
    _, notes = tracked(lambda frames, params: iter(frames))
    assert "parents" not in notes
    _, notes = tracked(lambda frames, params: iter(frames), divisions=True)
    assert notes["parents"] == {}


def test_the_tracker_sees_repaired_flicker_which_is_counted():
    two, one = ((2, 2, 12, 12), (2, 12, 12, 22)), ((2, 2, 12, 22),)
    frames = Frames(square(*there, shape=(40, 40)) for there in (two, one, two))
    made, notes = tracked(lambda given, params: given, frames=frames, repair_flicker=True)
    assert notes["flicker"] == {"split": 1, "merged": 0, "frames": 1}
    assert [len(np.unique(labels)) - 1 for labels in made] == [2, 2, 2]
    made, notes = tracked(lambda given, params: given, frames=frames)
    assert "flicker" not in notes
    assert [len(np.unique(labels)) - 1 for labels in made] == [2, 1, 2]


def test_daughters_of_every_division_are_kept():
    """One cell divides in frame 1, the other one in frame 2."""
    whole = (2, 2, 12, 12), (30, 2, 40, 12)
    halves = (2, 1, 9, 6), (2, 8, 9, 13), (30, 1, 37, 6), (30, 8, 37, 13)
    first = halves[0], whole[1], halves[1]
    both = halves[0], halves[2], halves[1], halves[3]
    frames = Frames(square(*there, shape=(60, 60)) for there in (whole, first, both))
    made, notes = tracked(lambda given, params: iter(given), frames=frames, divisions=True)
    mothers = [int(made[0][y, 5]) for y in (5, 35)]
    assert sorted(notes["parents"].values()) == sorted(2 * mothers)
    for daughter, mother in notes["parents"].items():
        assert ((made[2] == int(daughter)).argmax() // 60 < 20) == (mother == mothers[0])


LABELS = np.stack(MOVED)
COUNTS = (np.arange(LABELS.size).reshape(LABELS.shape) % 997 + 5).astype(np.uint16)


def crops_of(tmp_path, drift=None):
    stack, mask = Stacked(COUNTS), "seg_tracked_ch_0"
    items = [*cut_cells(MOVED, mask, {"fl_ch_1": stack}, tmp_path, drift)]
    (cells,) = (item for item in items if isinstance(item, CellList))
    crops = [item for item in items if isinstance(item, cropping.Crop)]
    return cells, {(crop.group, crop.cell): np.concatenate(crop.blocks) for crop in crops}


class Stacked:
    """An array as a stack."""

    dtype = np.dtype(np.uint16)

    def __init__(self, array):
        self.array = array

    def __getitem__(self, t):
        return self.array[t]


@pytest.mark.parametrize("size", [1, 300, cropping.BATCH_BYTES])
def test_crops_are_the_pixels_of_the_boxes_however_many_are_read_at_once(
    tmp_path, monkeypatch, size
):
    monkeypatch.setattr(cropping, "BATCH_BYTES", size)
    cells, crops = crops_of(tmp_path)
    assert cells.ids.tolist() == [1, 2]
    assert cells.valid_frames.all()
    for row, cell in enumerate(cells.ids.tolist()):
        for t, (y0, x0, y1, x1) in enumerate(cells.bboxes[row].tolist()):
            counts = crops["fl_ch_1", cell][t] * 65536
            np.testing.assert_allclose(counts, COUNTS[t, y0:y1, x0:x1], rtol=1e-6)
            assert crops["seg_tracked_ch_0", cell][t].all()
    assert list(tmp_path.iterdir()) == []


def test_drift_is_kept_with_the_cells_and_changes_no_box(tmp_path):
    drift = np.arange(8.0).reshape(4, 2)
    still, _ = crops_of(tmp_path)
    moved, _ = crops_of(tmp_path, drift)
    np.testing.assert_array_equal(moved.bboxes, still.bboxes)
    np.testing.assert_array_equal(moved.drift, drift)
    assert still.drift is None


def test_a_huge_crop_comes_in_blocks_of_as_many_frames_as_its_chunks(tmp_path, monkeypatch):
    crops = crops_of(tmp_path)[1]
    monkeypatch.setattr(array_spec, "BLOCK_BYTES", 3 * 6 * 6 * 4)
    items = cut_cells(MOVED, "seg_tracked_ch_0", {"fl_ch_1": Stacked(COUNTS)}, tmp_path)
    for item in items:
        if isinstance(item, cropping.Crop):
            blocks = list(item.blocks)
            if item.group == "fl_ch_1":
                assert [len(block) for block in blocks] == [3, 1]
                assert item.spec.chunk[0] == 3
            np.testing.assert_array_equal(np.concatenate(blocks), crops[item.group, item.cell])


@given(st.lists(st.integers(0, 40), max_size=30))
def test_batches_hold_every_row_once_and_no_more_than_fits(sizes):
    most = cropping.BATCH_BYTES
    scaled = np.array(sizes, np.int64) * (most // 20)
    batches = list(cropping._batches(scaled))
    assert [row for batch in batches for row in batch] == list(range(len(sizes)))
    assert all(scaled[list(batch)].sum() <= most or len(batch) == 1 for batch in batches)
    for batch in batches[1:]:  # no batch could have taken the first row of the next one
        before = batches[batches.index(batch) - 1]
        assert scaled[list(before)].sum() + scaled[batch.start] > most


class _Slow:
    """A file on a nearly full disk: it takes and gives a few bytes at a time."""

    def __init__(self, content=b""):
        self.content, self.at = bytearray(content), 0

    def write(self, data):
        self.content += bytes(data[:5])
        return min(5, len(data))

    def seek(self, place):
        self.at = place

    def readinto(self, out):
        part = self.content[self.at : self.at + min(3, len(out))]
        out[: len(part)] = part
        self.at += len(part)
        return len(part)


def test_a_spool_goes_on_after_a_part_was_written_or_read(tmp_path):
    spool = cropping._Spool("fl_ch_1", np.dtype(np.uint16), _Slow(), tmp_path)
    pixels = np.arange(20, dtype=np.uint16)
    spool.append(pixels)
    read, starts = spool.read(np.array([[2, 10]]), np.array([[3, 4]]))
    assert read.tolist() == [2, 3, 4, 10, 11, 12, 13]
    assert starts.tolist() == [[0, 3]]


def test_a_spool_that_ends_too_early_is_an_error(tmp_path):
    spool = cropping._Spool("fl_ch_1", np.dtype(np.uint16), _Slow(b"ab"), tmp_path)
    with pytest.raises(StoreError, match="ends too early"):
        spool.read(np.array([[0]]), np.array([[3]]))


def light(flat=None, dark=None):
    return Sources(1, "FOV 0, channel 1", (8, 8), flat, dark)


def test_an_estimated_flat_field_needs_a_visible_background():
    stack = [np.full((8, 8), 200.0), np.full((8, 8), 300.0)]
    with pytest.raises(ConfigError, match="no background is visible in any frame"):
        list(flat_field(light("estimate", 100.0), stack, {0, 1}, NotRecorded(), {}))
    notes = {}
    *before, field = flat_field(light("estimate", 100.0), stack, {1}, NotRecorded(), notes)
    assert before == [None]
    np.testing.assert_allclose(field, 1)
    assert (notes["least"], notes["most"]) == (1, 1)
    assert notes["warnings"] == []


def test_an_estimate_is_the_mean_of_the_frames_with_a_background():
    left = np.full((8, 8), 200.0)
    left[:, 4:] = 400
    even = np.full((8, 8), 300.0)

    def estimated(stack, absent=frozenset()):
        *_, field = flat_field(light("estimate", 0.0), stack, absent, NotRecorded(), {})
        return field

    np.testing.assert_array_equal(estimated([left, even], {1}), estimated([left]))
    np.testing.assert_array_equal(estimated([left, even]), estimated([(left + even) / 2]))
    assert estimated([left])[0, 0] < 0.8 < 1.2 < estimated([left])[0, -1]


def test_without_a_dark_frame_the_correction_is_said_to_be_weak():
    notes = {}
    list(flat_field(light("estimate"), [np.full((8, 8), 200.0)], set(), NotRecorded(), notes))
    assert "no dark frame" in notes["warnings"][0]


def test_light_is_configured_for_fluorescence_channels_only():
    config = make_config(Channels(pc=0, fl=[1, 2]), dark_frame={2: 100})
    assert list(sources(config, 0, (8, 8))) == [2]
    assert sources(config, 0, (8, 8))[2].dark_frame.tolist() == np.full((8, 8), 100).tolist()
    with pytest.raises(ConfigError, match=r"names channel 3, which is not .* \(1\)"):
        sources(make_config(dark_frame={3: 100}), 0, (8, 8))


def cell_list():
    boxes = np.array([[[0, 0, 4, 4]] * 3, [[4, 4, 8, 8]] * 3, [[0, 4, 4, 8]] * 3], np.int32)
    valid = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]], bool)
    return CellList(np.array([1, 2, 5], np.int32), boxes, valid)


def test_the_others_of_a_cell_are_all_that_are_in_the_frame():
    cells = cell_list()
    assert _others(cells, 0, 0).tolist() == cells.bboxes[1:, 0].tolist()
    assert _others(cells, 0, 1).tolist() == [cells.bboxes[2, 1].tolist()]
    assert _others(cells, 2, 2).tolist() == cells.bboxes[:2, 2].tolist()
    assert cells.valid_frames[0].all()  # nothing was changed


@pytest.mark.parametrize(
    ("lost", "recorded"),
    [
        (NotRecorded(), [True, False, True]),
        (NotRecorded(frozenset({2})), [True, False, False]),
        (NotRecorded(boxes={0: ((0, 0, 5, 5),)}), [False, False, True]),
        (NotRecorded(boxes={0: ((0, 0, 4, 8),)}), [True, False, True]),
        (NotRecorded(boxes={0: ((7, 7, 20, 20),)}), [True, False, True]),  # beside the mask
        (NotRecorded(boxes={2: ((6, 6, 7, 7),)}), [True, False, False]),
    ],
)
def test_a_cell_is_measured_where_all_of_it_was_recorded(lost, recorded):
    cells = cell_list()
    mask = np.ones((3, 4, 4), np.uint8)
    mask[:, 3, 3] = 0
    track = CellTrack(
        fov=0,
        cell=2,
        channel=1,
        boxes=cells.bboxes[1],
        valid=cells.valid_frames[1],
        times_min=[0, 1, 2],
        pixel_size_um=None,
        seed=0,
        params=ProcessingParams(),
        frame_shape=(20, 20),
        others=lambda frame: np.zeros((0, 4)),
    )
    assert _recorded(track, mask, lost).tolist() == recorded


SIDES = st.tuples(st.integers(0, 9), st.integers(0, 13), st.integers(1, 6), st.integers(1, 6))


@given(place=SIDES, lost=st.lists(SIDES, max_size=3), seed=st.integers(0, 9))
def test_a_channel_counts_where_it_was_recorded_in_all_of_a_cell(place, lost, seed):
    def box(y, x, height, width):
        return y, x, y + height, x + width

    top, left, bottom, right = box(*place)
    mask = np.random.default_rng(seed).random((1, bottom - top, right - left)) < 0.5
    frame, never = np.zeros((2, 20, 24), np.bool_)
    frame[top:bottom, left:right] = mask[0]
    for y0, x0, y1, x1 in (box(*each) for each in lost):
        never[y0:y1, x0:x1] = True
    track = SimpleNamespace(valid=np.array([True]), boxes=np.array([box(*place)]))
    boxes = {0: tuple(box(*each) for each in lost)} if lost else {}
    found = _recorded(track, mask.astype(np.uint8), NotRecorded(boxes=boxes))
    assert found.tolist() == [not (frame & never).any()]
