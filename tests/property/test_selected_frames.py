"""Any selection of frames: pixels, gaps and times of just these frames of the recording."""

import math
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from lacking_files import WRITERS, recordings, write
from pyama.algorithms.params import TimeParams
from pyama.analysis.merge import merge
from pyama.fov_ranges import parse_frames, selection_text
from pyama.metadata import dump_metadata, frame_times, parse_metadata
from pyama.processing.workflow import process
from pyama.readers import open_reader
from pyama.readers.array import ArrayReader
from pyama.readers.frame_selection import select_frames
from pyama.store import FovStore
from small_movie import CENTRES, MOVIE, N_FRAMES, make_config


@given(st.sets(st.integers(0, 300), min_size=1))
def test_frames_survive_being_written_and_read(frames):
    text = selection_text(sorted(frames))
    assert parse_frames(text, 301) == tuple(sorted(frames))


@given(st.integers(0, 50), st.integers(2, 60), st.integers(1, 9))
def test_every_nth_frame_is_written_as_one_range(first, n, step):
    frames = range(first, first + n * step, step)
    text = selection_text(frames)
    if n > 2 or step == 1:
        assert text == f"{frames[0]}-{frames[-1]}" + (f":{step}" if step > 1 else "")
    assert parse_frames(f"{first}-:{step}", frames[-1] + 1) == tuple(frames)


@given(recordings(), st.data())
@settings(max_examples=60)
def test_a_selection_reads_what_the_recording_has_at_these_frames(
    tmp_path_factory, recording, data
):
    kind, images, stored, _ = recording
    path = write(tmp_path_factory.mktemp("r"), kind, images, stored)
    with open_reader(path, "max") as whole:
        known = whole.metadata
        frames = sorted(data.draw(st.sets(st.integers(0, known.n_frames - 1), min_size=1)))
        with open_reader(path, "max", selection_text(frames)) as part:
            selected = part.metadata
            assert selected.identity == known.identity
            assert tuple(selected.recorded_frames) == tuple(frames)
            shown = repr(selected)  # NaN is not equal to itself
            assert repr(parse_metadata(dump_metadata(selected))) == shown
            assert repr(select_frames(known, selection_text(frames))) == shown
            for p, (i, t) in (
                (p, at) for p in range(known.n_fovs) for at in enumerate(frames)
            ):
                channels = range(known.n_channels)
                expected = whole.read(p, t, channels)
                for c, found in enumerate(part.read(p, i, channels)):
                    np.testing.assert_array_equal(found, expected[c])
                    lost = t in known.missing_frames(p, c)
                    assert (i in selected.missing_frames(p, c)) == lost
                if known.times_min is not None:
                    was, now = known.times_min[p][t], selected.times_min[p][i]
                    assert was == now or (math.isnan(was) and math.isnan(now))


SELECTIONS = st.sets(st.integers(0, N_FRAMES - 1), min_size=2)
LOST = st.sets(st.integers(0, N_FRAMES - 1), max_size=2)


@given(st.sampled_from(sorted(WRITERS)), SELECTIONS, LOST)
@settings(max_examples=3)
def test_a_run_of_selected_frames_is_that_of_a_recording_of_these_frames(kind, chosen, lost):
    """Also where fluorescence was not recorded in some frames."""
    frames, text = sorted(chosen), selection_text(sorted(chosen))
    images = MOVIE[:1, :, None].copy()
    stored = np.ones((1, N_FRAMES, 1, 2), bool)
    images[0, sorted(lost), 0, 1] = 0
    with TemporaryDirectory() as folder:
        path, out = write(Path(folder), kind, images, stored), Path(folder) / "out"
        config = make_config(min_frames=1, frames=text)
        report = process(path, config, out, [0])
        assert report.succeeded, [str(failure) for failure in report.failures]
        alone = ArrayReader(images[:, frames, 0], ["Phase", "GFP"], 0.65, basename="movie")
        process(alone, make_config(min_frames=1), Path(folder) / "alone", [0])
        tables = [
            pd.read_csv(next((Path(folder) / name).rglob("*_traces.csv")))
            for name in ("out", "alone")
        ]
        pd.testing.assert_frame_equal(*tables)
        store = FovStore(out, 0)
        for c, group in enumerate(("pc_ch_0", "fl_ch_1")):
            for image, t in zip(store.stack(group), frames, strict=True):
                np.testing.assert_array_equal(image, images[0, t, 0, c])
        with open_reader(path) as whole:
            times = frame_times(whole.metadata, TimeParams(), 0)[0]
        table = merge(out, {"all": [0]})
    assert set(tables[0]["frame"]) == set(range(len(frames)))
    minutes = np.array(times)[frames][table["frame"]]
    np.testing.assert_array_equal(table["time"], minutes / 60)
    assert len(table) == len(frames) * len(CENTRES)
