"""The description of selected frames, and the frames that are read."""

import numpy as np
import pytest

from pyama.algorithms.params import TimeParams
from pyama.config import ProcessingParams, load_config
from pyama.errors import ConfigError, ReaderError
from pyama.metadata import frame_times, times_text
from pyama.readers import open_reader
from pyama.readers.array import ArrayReader
from pyama.readers.frame_selection import FrameSelection, select_frames, with_frames
from pyama.testing.czi_writer import write_czi

IMAGES = np.arange(2 * 6 * 2 * 4 * 4, dtype=np.uint16).reshape(2, 6, 2, 4, 4)


def reader_of(**facts):
    return ArrayReader(IMAGES, ["Phase", "GFP"], 0.65, **facts)


@pytest.fixture
def sparse():
    """GFP in every third frame only."""
    recorded = np.ones((6, 2), bool)
    recorded[:, 1] = [True, False, False, True, False, False]
    return reader_of(recorded=recorded, times=[0, 10, 20, 30, 40, 50.5])


def test_what_is_missing_is_that_of_the_selected_frames(sparse):
    known = sparse.metadata
    assert "4 of 6 in FOV 0, 4 of 6 in FOV 1" in " ".join(known.problems)
    assert select_frames(known, "0-:3").missing == ()
    assert select_frames(known, "0-:3").problems == ()
    later = select_frames(known, "2-4")
    assert later.missing_frames(1, 1) == {0, 2}
    assert "2 of 3 in FOV 0, 2 of 3 in FOV 1" in " ".join(later.problems)
    assert not any("of 6" in text for text in later.problems)


def test_a_selection_without_any_recorded_frame_is_empty():
    recorded = np.ones((2, 6, 2), bool)
    recorded[1, 3:] = False
    part = select_frames(reader_of(recorded=recorded).metadata, "3-")
    assert part.empty_fovs == {1}
    assert "FOV 1: nothing was recorded." in part.problems


def test_gaps_between_tiles_move_with_their_frames(tmp_path):
    whole, parts = [(0, 0, 16, 16)], [(0, 0, 16, 6), (0, 10, 16, 16)]
    images = np.ones((1, 4, 1, 1, 16, 16), np.uint16)
    path = tmp_path / "tiles.czi"
    write_czi(path, images, tiles=lambda p, t, z, c: parts if t == 3 else whole)
    with open_reader(path, frames="1,3") as reader:
        (gap,) = reader.metadata.missing_pixels
        assert (gap.frames, gap.boxes) == ((1,), ((0, 6, 16, 10),))
        assert not reader.read(0, 1, [0])[0][:, 6:10].any()
        assert "in frame 1." in " ".join(reader.metadata.problems)
    with open_reader(path, frames="0-2") as reader:
        assert reader.metadata.missing_pixels == ()
        assert not any("tile" in text for text in reader.metadata.problems)


def test_times_stay_those_of_the_recording(sparse):
    part = select_frames(sparse.metadata, "1-:2")
    assert frame_times(part, TimeParams(), 0)[0] == (10, 30, 50.5)
    assert times_text(part, TimeParams()).startswith("a frame every 20.2 min")
    assert frame_times(part, TimeParams(frame_interval=5), 1)[0] == (5, 15, 25)
    mapping = {t: float(t * t) for t in range(6)}
    assert frame_times(part, TimeParams(time_mapping=mapping), 0)[0] == (1, 9, 25)
    unknown = select_frames(reader_of().metadata, "4-")
    assert frame_times(unknown, TimeParams(), 0)[0] == (40, 50)


def test_stamps_are_used_if_those_of_the_selected_frames_are_sound():
    known = reader_of(times=[0, 10, 20, 20, np.nan, 50]).metadata
    assert any("missing or not finite" in text for text in known.problems)
    part = select_frames(known, "0-2,5")
    assert frame_times(part, TimeParams(), 0) == ((0, 10, 20, 50), known.stamps_source)
    assert not any("stamps" in text for text in part.problems)
    assert any("do not increase" in text for text in select_frames(known, "2,3").problems)
    assert any("only one frame" in text for text in select_frames(known, "2").problems)


def test_a_selection_of_all_frames_is_the_recording_itself(sparse):
    for text in ("all", "0-", "0-5", "5,0-4", "0-:1"):
        assert select_frames(sparse.metadata, text) is sparse.metadata
        assert with_frames(sparse, text) is sparse


def test_a_selection_is_selected_once_only(sparse):
    part = FrameSelection(sparse, "1-3")
    assert with_frames(part, "1,2,3") is part
    assert part.metadata.selection == "1-3"
    with pytest.raises(ConfigError, match=r"only frames 1-3 are at hand, but frames = '0-2'"):
        with_frames(part, "0-2")
    for frame in (-1, 3):
        with pytest.raises(ReaderError, match=rf"has no frame {frame}: 3 of its frames"):
            part.read(0, frame, [0])


def test_a_reader_of_wrong_frames_is_closed(tmp_path, monkeypatch):
    write_czi(tmp_path / "a.czi", np.ones((1, 2, 1, 1, 8, 8), np.uint16))
    closed = []
    from pyama.readers.czi import CziReader

    close = CziReader.close
    monkeypatch.setattr(CziReader, "close", lambda self: (closed.append(1), close(self)))
    with pytest.raises(ConfigError, match="Frame 2 does not exist"):
        open_reader(tmp_path / "a.czi", frames="2")
    assert closed


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("0-59", "0-59"),
        (" all ", "all"),
        ([7, 3, 5], "3-7:2"),
        (range(0, 179, 3), "0-177:3"),
        (np.arange(3), "0-2"),
        ((4,), "4"),
    ],
)
def test_frames_are_text_or_a_list(given, text):
    assert ProcessingParams(frames=given).frames == text


@pytest.mark.parametrize(
    "given", [5, 5.5, None, True, [], [True], [1.5], ["1"], [-1], "x", {}]
)
def test_anything_else_is_refused(given):
    with pytest.raises(ValueError, match=r"frames|true and false"):
        ProcessingParams(frames=given)


def test_a_number_to_the_base_60_is_refused(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("params: {frames: 5:30}")  # YAML reads 330
    with pytest.raises(ConfigError, match="5:30 in line 1 would be read as a number"):
        load_config(path)
    path.write_text("params: {frames: 0-178:3}")
    assert load_config(path).params.frames == "0-178:3"
