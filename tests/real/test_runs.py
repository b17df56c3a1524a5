"""Whole runs on real recordings: everything is written, and agrees with the file."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zarr

from pyama.config import Channels, ProcessingConfig, ProcessingParams
from pyama.processing.workflow import process
from pyama.readers import open_reader

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="no folder shared/data")

RUNS = [
    pytest.param("czi/CellDivision_T3_Z5_CH2_X240_Y170.czi", 0, [1], id="no scene, z"),
    pytest.param("czi/WellD6-7_S2.czi", 0, [], id="two scenes far apart"),
    pytest.param("czi/S3_1Pos_2Mosaic_T2Z3_CH2_sm.czi", 0, [1], id="mosaics of other sizes"),
    pytest.param("czi/DAPI_GFP.czi", 0, [1], id="uint8"),
    pytest.param("nd2/example-multichannel.nd2", 0, [1, 2, 3], id="four channels"),
    pytest.param("nd2/example-cerevisiae.nd2", 0, [1], id="DIC and FITC"),
    pytest.param("nd2/example-timelapse.nd2", 0, [], id="53 frames"),
    pytest.param("nd2/example-timelapse.nd2", None, [0], id="53 frames of fluorescence"),
    pytest.param("nd2/cluster.nd2", 0, [1], id="z stack, very small"),
]


@pytest.mark.parametrize(("name", "pc", "fl"), RUNS)
def test_a_real_recording_runs(name, pc, fl, tmp_path):
    config = ProcessingConfig(
        channels=Channels(pc=pc, fl=fl),
        params=ProcessingParams(min_frames=1, border_margin=0, n_workers=1),
    )
    report = process(DATA / name, config, tmp_path)
    assert report.succeeded, [str(failure) for failure in report.failures]
    with open_reader(DATA / name) as reader:
        for fov in range(reader.metadata.n_fovs):
            folder = tmp_path / f"fov_{fov:03d}"
            _compare_raw(folder, reader, fov, pc, fl)
            if pc is not None:
                _compare_traces(folder, fl)


def _compare_raw(folder, reader, fov, pc, fl):
    images = zarr.open_group(folder / "images.zarr", mode="r")
    groups = ([(f"pc_ch_{pc}", pc)] if pc is not None else []) + [
        (f"fl_ch_{c}", c) for c in fl
    ]
    for group, channel in groups:
        stack = images[f"{group}/0"]
        assert stack.dtype == np.uint16
        assert stack.shape == (reader.metadata.n_frames, *reader.metadata.shapes[fov])
        last = reader.metadata.n_frames - 1
        np.testing.assert_array_equal(stack[last], reader.read(fov, last, [channel])[0])


def _compare_traces(folder, fl):
    (path,) = folder.glob("*_traces.csv")
    table = pd.read_csv(path)
    images = zarr.open_group(folder / "images.zarr", mode="r")
    tracked = next(images[name]["0"] for name in images if name.startswith("seg_tracked"))
    present = {
        (int(cell), t)
        for t in range(tracked.shape[0])
        for cell in np.unique(tracked[t])
        if cell
    }
    assert set(zip(table["cell"], table["frame"], strict=True)) == present
    counts = table.drop(columns="good").to_numpy(dtype=float)
    assert not len(counts) or np.isfinite(counts).mean() > 0.99
    for channel in fl:
        for row in table.head(5).itertuples():
            mask = tracked[row.frame] == row.cell
            signal = images[f"fl_ch_{channel}/0"][row.frame][mask].astype(float).sum()
            haze = images[f"fl_background_ch_{channel}/0"][row.frame][mask].astype(float).sum()
            assert getattr(row, f"intensity_total_ch_{channel}") == signal - haze
