"""From what a file says to names, times and sentences on what is odd."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyama.errors import ReaderError
from pyama.metadata import ChannelStack
from pyama.readers.planes import MAX_PIXELS, check_sizes, translate_errors
from pyama.readers.recording_facts import Facts, minutes, unique_names
from pyama.readers.z_planes import planes_of

NAN = float("nan")
PATH = Path("recording.nd2")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Phase", "GFP"], ("Phase", "GFP")),
        (["", " "], ("C0", "C1")),
        (["GFP", "GFP", "GFP"], ("GFP", "GFP 2", "GFP 3")),
        (["C1", ""], ("C1", "C1 2")),
    ],
)
def test_channel_names(names, expected):
    assert unique_names(names) == expected


@given(st.lists(st.text(max_size=3)))
def test_channel_names_are_never_empty_and_never_equal(names):
    unique = unique_names(names)
    assert len(unique) == len(names) == len(set(unique))
    assert all(unique)


Z_PLANES = [("middle", 1, [0]), ("middle", 4, [2]), ("middle", 5, [2]), (3, 4, [3])]


@pytest.mark.parametrize(("z", "n", "expected"), [*Z_PLANES, ("max", 3, [0, 1, 2])])
def test_z_planes(z, n, expected):
    assert list(planes_of(z, n, PATH)) == expected


@pytest.mark.parametrize("z", [-1, 5, 99])
def test_a_plane_that_does_not_exist_is_refused_with_the_range(z):
    with pytest.raises(ReaderError, match=rf"has 5 z planes, but z is {z}\. Use 0 to 4"):
        planes_of(z, 5, PATH)


def test_time_starts_with_the_first_frame_of_the_recording():
    stamps = np.array([[107.0, 117.0], [105.0, 115.0]])
    assert minutes(stamps, np.ones((2, 2), bool)) == ((2.0, 12.0), (0.0, 10.0))


@pytest.mark.parametrize("stamps", [None, np.full((1, 3), NAN), np.full((1, 3), np.inf)])
def test_without_stamps_there_are_no_times(stamps):
    assert minutes(stamps, np.ones((1, 3), bool)) is None


def test_a_frame_written_without_a_stamp_stays_unknown():
    times = minutes(np.array([[5.0, NAN, 25.0]]), np.ones((1, 3), bool))
    np.testing.assert_array_equal(times, [[0.0, NAN, 20.0]])


UNWRITTEN = [
    pytest.param([[0, NAN, 20, 30]], [[0, 10, 20, 30]], id="in between"),
    pytest.param([[0, 10, NAN, NAN]], [[0, 10, 20, 30]], id="stopped early"),
    pytest.param([[NAN, 10, 20, 30]], [[-10, 0, 10, 20]], id="the first"),
    pytest.param([[0, 10, 20], [1, NAN, NAN]], [[0, 10, 20], [1, 11, 21]], id="in one FOV"),
    pytest.param([[0, 10, 20], [NAN] * 3], [[0, 10, 20], [0, 10, 20]], id="a whole FOV"),
    pytest.param([[7, NAN, NAN]], [[0, NAN, NAN]], id="nothing to go by"),
]


@pytest.mark.parametrize(("stamps", "expected"), UNWRITTEN)
def test_frames_never_written_get_the_time_at_which_they_were_due(stamps, expected):
    stamps = np.array(stamps, float)
    written = np.isfinite(stamps)
    times = minutes(np.where(written, stamps, 0.0), written)  # whatever the file says there
    np.testing.assert_allclose(times, expected)


@given(
    st.integers(1, 4).flatmap(
        lambda p: st.lists(
            st.lists(st.booleans(), min_size=8, max_size=8), min_size=p, max_size=p
        )
    )
)
def test_a_regular_recording_keeps_regular_times_whatever_is_missing(written):
    written = np.array(written)
    written[0, 2:4] = True
    stamps = np.arange(8.0)[None, :] * 5 + np.arange(len(written))[:, None]
    times = np.array(minutes(stamps, written))
    np.testing.assert_allclose(np.diff(times, axis=1), 5)
    known = stamps[written]
    np.testing.assert_allclose(times[written], known - known.min())


def facts(stored, **more):
    p, _, _, c = stored.shape
    more.setdefault("identity", "digest")
    return Facts(PATH, "nd2", [(4, 5)] * p, "uint16", ["PC", "GFP"][:c], stored, **more)


def test_missing_planes_are_counted_by_channel_and_field_of_view():
    stored = np.ones((2, 4, 1, 2), bool)
    stored[1, 2:, 0, 1] = False
    stored[0, 3, 0, 1] = False
    metadata = facts(stored, pixel_size_um=0.5).metadata(0)
    assert metadata.missing_frames(1, 1) == {2, 3}
    assert metadata.missing_frames(0, 1) == {3}
    assert metadata.missing_frames(0, 0) == frozenset()
    assert metadata.problems == (
        "Frames of channel 1 (GFP) that were never written: 1 of 4 in FOV 0, 2 of 4 in FOV 1.",
        "The file has no time stamps.",
    )


def test_many_fields_of_view_with_missing_planes_are_summed_up():
    stored = np.zeros((20, 4, 1, 1), bool)
    stored[:, 1] = True
    metadata = facts(stored).metadata(0)
    assert metadata.problems[0].endswith("3 of 4 in FOV 7, 36 in 12 more FOVs.")


def test_fields_of_view_that_were_never_reached_are_named_as_such():
    stored = np.ones((5, 4, 1, 2), bool)
    stored[2:4] = stored[0, 3] = False
    metadata = facts(stored).metadata(0)
    assert metadata.empty_fovs == {2, 3}
    assert metadata.problems[:2] == (
        "FOV 2-3: nothing was recorded.",
        "Frames of channel 0 (PC) that were never written: 1 of 4 in FOV 0.",
    )


def test_an_image_misses_when_its_z_plane_does():
    stored = np.ones((1, 3, 4, 1), bool)
    stored[0, 1, 3] = False
    assert facts(stored).metadata(2).missing == ()
    assert facts(stored).metadata(3).missing_frames(0, 0) == {1}


def test_a_maximum_is_that_of_the_planes_which_are_stored():
    stored = np.ones((1, 3, 4, 1), bool)
    stored[0, 1, 3] = stored[0, 2] = False
    metadata = facts(stored).metadata("max")
    assert metadata.missing_frames(0, 0) == {2}
    assert [entry.frames for entry in metadata.incomplete] == [(1,)]
    said = "Frames of channel 0 (PC) that lack some of their z planes: 1 of 3 in FOV 0."
    assert f"{said} The maximum of the others is used." in metadata.problems


@pytest.mark.parametrize("z", ["middle", "max", 3, {0: "max"}, {1: 1}])
def test_a_channel_without_a_stack_has_its_only_plane(z):
    stored = np.ones((1, 3, 4, 2), bool)
    stored[:, :, [0, 2, 3], 1] = False
    metadata = facts(stored).metadata(z)
    assert metadata.missing == metadata.incomplete == ()
    assert metadata.stacks == {1: ChannelStack(stored=(1,), used=(1,))}
    assert "Channel 1 (GFP) has z plane 1 of 4 only; 1 is used." in metadata.problems


def test_a_channel_with_fewer_planes_has_a_middle_of_its_own():
    stored = np.ones((1, 3, 5, 2), bool)
    stored[:, :, [1, 2, 3], 1] = False
    metadata = facts(stored).metadata("middle")
    assert metadata.stacks[1].used == (4,)
    assert facts(stored).metadata({1: 0}).stacks[1].used == (0,)
    with pytest.raises(ReaderError, match="has z plane 0, 4 of channel 1, but z is 2 for it"):
        facts(stored).metadata({1: 2})
    with pytest.raises(ReaderError, match="has 2 channels, numbered from 0, but z names"):
        facts(stored).metadata({2: 0})


ODD = [
    pytest.param({}, "The file does not contain the size of a pixel.", id="no pixel size"),
    pytest.param(
        {"stamps_min": np.array([[0.0, 0.0, 10.0]])},
        "Time stamps do not increase in FOV 0.",
        id="time stands still",
    ),
    pytest.param({"remarks": ["As it is."]}, "As it is.", id="the format's own remark"),
]


@pytest.mark.parametrize(("more", "sentence"), ODD)
def test_oddities_are_sentences(more, sentence):
    metadata = facts(np.ones((1, 3, 1, 1), bool), **more).metadata(0)
    assert sentence in metadata.problems


def test_a_single_frame_is_said_instead_of_its_lack_of_times():
    metadata = facts(np.ones((1, 1, 1, 1), bool), pixel_size_um=1).metadata(0)
    assert metadata.problems == ("There is only one frame: nothing can be tracked.",)


IMPLAUSIBLE = [
    (0, 5, 1, 1),
    (5, -1, 1, 1),
    (MAX_PIXELS, 2, 1, 1),
    (5, 5, 0, 0),
    (5, 5, 9999, 1),
]


@pytest.mark.parametrize("sizes", IMPLAUSIBLE)
def test_implausible_sizes_are_refused(sizes):
    with pytest.raises(ReaderError, match="is damaged or incomplete"):
        check_sizes(PATH, *sizes)


def test_what_a_library_raises_becomes_one_line():
    with (
        pytest.raises(ReaderError, match=r"cannot be read: two lines\. If it is"),
        translate_errors(PATH),
    ):
        raise ValueError("two\n  lines.")


def test_our_own_errors_pass_unchanged():
    with pytest.raises(ReaderError, match=r"^mine$"), translate_errors(PATH):
        raise ReaderError("mine")
