"""Whatever a recording lacks: what was recorded is read and measured, the rest is empty."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from lacking_files import WRITERS, recordings, write
from pyama.processing.workflow import process
from pyama.readers import open_reader
from pyama.store import FovStore
from small_movie import CENTRES, MOVIE, make_config


def expected_image(images, stored, z, p, t, c):
    """The image that is read, shape (H, W); None if nothing of it was recorded."""
    present = [k for k in range(stored.shape[2]) if stored[:, :, k, c].any()]
    wanted = z.get(c, "middle") if isinstance(z, dict) else z
    if wanted == "max" or len(present) == 1:
        planes = present
    elif wanted == "middle":
        middle = stored.shape[2] // 2
        planes = [middle if middle in present else present[len(present) // 2]]
    else:
        planes = [wanted]
    there = [images[p, t, k, c] for k in planes if stored[p, t, k, c]]
    return np.max(there, axis=0) if there else None


@given(recordings())
@settings(max_examples=80)
def test_every_reader_gives_what_was_recorded_and_names_the_rest(tmp_path_factory, recording):
    kind, images, stored, z = recording
    n_channels = images.shape[3]
    absent = {c for c in range(n_channels) if not stored[..., c].any()}
    lacking = isinstance(z, dict) and any(
        not isinstance(k, str) and c not in absent and not stored[:, :, k, c].any()
        for c, k in z.items()
    )
    if lacking:  # refused, see test_readers_facts
        return
    path = write(tmp_path_factory.mktemp("r"), kind, images, stored)
    with open_reader(path, z) as reader:
        for p, t in np.ndindex(images.shape[:2]):
            for c, found in enumerate(reader.read(p, t, range(n_channels))):
                image = None if c in absent else expected_image(images, stored, z, p, t, c)
                assert (t in reader.metadata.missing_frames(p, c)) == (image is None)
                np.testing.assert_array_equal(found, 0 if image is None else image)


FRAMES = st.sets(st.integers(0, 4), max_size=3)


@given(st.sampled_from(sorted(WRITERS)), FRAMES, FRAMES)
@settings(max_examples=4)
def test_tables_are_empty_exactly_where_nothing_was_recorded(kind, no_phase, no_gfp):
    """Planes never written in CZI and OME-TIFF; in ND2 those of one channel are zeros."""
    if kind == "czi":  # else the recording is shorter where a frame lacks both
        no_gfp = no_gfp - no_phase
    images = MOVIE[:1, :5, None].copy()
    stored = np.ones((1, 5, 1, 2), bool)
    for c, frames in enumerate((no_phase, no_gfp)):
        stored[0, sorted(frames), 0, c] = False
    if kind.endswith("nd2"):
        images[~stored] = 0
        stored[:] = stored.any(axis=3, keepdims=True)
    with TemporaryDirectory() as folder:
        path, out = write(Path(folder), kind, images, stored), Path(folder) / "out"
        report = process(path, make_config(min_frames=1), out)
        assert report.succeeded, [str(failure) for failure in report.failures]
        table = pd.read_csv(next(out.rglob("*_traces.csv")))
        store = FovStore(out, 0)
        for c, (group, lost) in enumerate({"pc_ch_0": no_phase, "fl_ch_1": no_gfp}.items()):
            assert store.not_recorded(group, report.metadata).frames == lost
            for t, frame in enumerate(store.stack(group)):
                np.testing.assert_array_equal(frame, 0 if t in lost else MOVIE[0, t, c])
    frames = set(range(5)) - no_phase
    assert sorted(table["frame"]) == sorted(list(frames) * len(CENTRES))
    empty = table["intensity_total_ch_1"].isna()
    assert (empty == table["frame"].isin(no_gfp)).all()
    assert table["area_ch_0"].notna().all()
