"""The written tree beside the tree of the reference, group by group."""

import numpy as np
import pandas as pd
import pytest
import zarr

from pyama.processing.workflow import run_workflow
from small_movie import CENTRES, MOVIE, N_FOVS, N_FRAMES, SHAPE, make_config, recording_of

T, H, W = N_FRAMES, *SHAPE
STACKS = {
    "pc_ch_0/0": (np.uint16, (T, H, W)),
    "pc_ch_0/1": (np.uint8, (T, H // 2, W // 2)),
    "fl_ch_1/0": (np.uint16, (T, H, W)),
    "fl_ch_1/1": (np.uint8, (T, H // 2, W // 2)),
    "seg_labeled_ch_0/0": (np.uint16, (T, H, W)),
    "seg_labeled_ch_0/1": (np.uint8, (T, H // 2, W // 2)),
    "seg_tracked_ch_0/0": (np.uint16, (T, H, W)),
    "seg_tracked_ch_0/1": (np.uint8, (T, H // 2, W // 2)),
    "fl_background_ch_1/0": (np.float32, (T, H, W)),
    "fl_background_ch_1/1": (np.uint8, (T, H // 2, W // 2)),
}
CROPS = {
    "pc_ch_0": np.float32,
    "fl_ch_1": np.float32,
    "seg_tracked_ch_0": np.uint8,
    "fl_background_ch_1": np.float32,
}
COLUMNS = (
    "fov,cell,frame,good,position_x,position_y,bbox_x0,bbox_y0,bbox_x1,bbox_y1,"
    "area_ch_0,aspect_ratio_ch_0,intensity_total_ch_1,intensity_mean_ch_1"
)


@pytest.fixture(scope="module")
def output_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tree")
    assert run_workflow(recording_of(MOVIE), make_config(), folder)
    return folder


def test_the_output_folder(output_dir):
    found = {path.name for path in output_dir.iterdir()}
    fovs = {f"fov_{fov:03d}" for fov in range(N_FOVS)}
    assert found == {"processing_config.yaml", "run.json", *fovs}


@pytest.mark.parametrize("fov", range(N_FOVS))
def test_the_folder_of_a_fov(output_dir, fov):
    found = {path.name for path in (output_dir / f"fov_{fov:03d}").iterdir()}
    reference = {"images.zarr", "cells.zarr", f"movie_fov_{fov:03d}_traces.csv"}
    more = {".marks", ".lock", f"movie_fov_{fov:03d}_left_out.csv"}
    assert found - more == reference


def test_the_groups_of_images(output_dir):
    root = zarr.open_group(output_dir / "fov_000/images.zarr", mode="r")
    arrays = {
        f"{name}/{level}": (array.dtype.type, array.shape)
        for name, group in root.groups()
        if name != "OME"
        for level, array in group.arrays()
    }
    assert arrays == STACKS


def test_the_groups_of_cells(output_dir):
    root = zarr.open_group(output_dir / "fov_000/cells.zarr", mode="r")
    n = len(CENTRES)
    assert set(root) == {"metadata", *CROPS}
    metadata = {
        name: (array.dtype.type, array.shape) for name, array in root["metadata"].arrays()
    }
    assert metadata == {
        "cell_ids": (np.int32, (n,)),
        "bboxes": (np.int32, (n, T, 4)),
        "valid_frames": (np.bool_, (n, T)),
    }
    assert root["metadata/cell_ids"][:].tolist() == [1, 2, 3, 4]
    for group, dtype in CROPS.items():
        assert set(root[group]) == {"1", "2", "3", "4"}
        for cell in root[group]:
            full, preview = root[f"{group}/{cell}/0"], root[f"{group}/{cell}/1"]
            boxes = root["metadata/bboxes"][int(cell) - 1]
            size = (boxes[:, 2:] - boxes[:, :2]).max(axis=0)
            assert (full.dtype, full.shape) == (dtype, (T, *size))
            assert (preview.dtype, preview.shape) == (np.uint8, (T, *(size // 2)))


def test_crops_hold_the_raw_pixels_of_the_box_by_65536(output_dir):
    root = zarr.open_group(output_dir / "fov_000/cells.zarr", mode="r")
    tracked = zarr.open_array(output_dir / "fov_000/images.zarr/seg_tracked_ch_0/0", mode="r")
    background = zarr.open_array(
        output_dir / "fov_000/images.zarr/fl_background_ch_1/0", mode="r"
    )
    for cell, t in [(1, 0), (3, T - 1)]:
        y0, x0, y1, x1 = root["metadata/bboxes"][cell - 1, t]
        box = np.s_[t, y0:y1, x0:x1]
        inside = np.s_[t, : y1 - y0, : x1 - x0]
        sources = {
            "pc_ch_0": MOVIE[0, :, 0][box] / 65536,
            "fl_ch_1": MOVIE[0, :, 1][box] / 65536,
            "fl_background_ch_1": background[box] / 65536,
            "seg_tracked_ch_0": tracked[box] == cell,
        }
        for group, expected in sources.items():
            crop = root[f"{group}/{cell}/0"][:]
            np.testing.assert_array_equal(crop[inside], expected)
            outside = crop[t].copy()
            outside[: y1 - y0, : x1 - x0] = 0
            assert not outside.any()
        for group in sources:  # masks are written as they are
            scale = {} if group == "seg_tracked_ch_0" else {"divisor": 65536}
            assert root[f"{group}/{cell}/0"].attrs.get("pyama", {}) == scale


def test_traces_can_be_recomputed_from_what_is_on_disk(output_dir):
    table = pd.read_csv(output_dir / "fov_000/movie_fov_000_traces.csv")
    images = zarr.open_group(output_dir / "fov_000/images.zarr", mode="r")
    for row in table.sample(6, random_state=0).itertuples():
        mask = images["seg_tracked_ch_0/0"][row.frame] == row.cell
        signal = images["fl_ch_1/0"][row.frame][mask].astype(float).sum()
        haze = images["fl_background_ch_1/0"][row.frame][mask].astype(float).sum()
        assert row.intensity_total_ch_1 == signal - haze
        assert row.intensity_mean_ch_1 == (signal - haze) / mask.sum()
        assert row.area_ch_0 == mask.sum()
        y, x = np.nonzero(mask)
        assert (row.bbox_y0, row.bbox_x0) == (y.min(), x.min())
        assert (row.bbox_y1, row.bbox_x1) == (y.max() + 1, x.max() + 1)
        assert row.position_x == (row.bbox_x0 + row.bbox_x1) / 2
        assert row.position_y == (row.bbox_y0 + row.bbox_y1) / 2


def test_the_table_has_the_columns_of_the_reference(output_dir):
    text = (output_dir / "fov_001/movie_fov_001_traces.csv").read_text()
    assert text.splitlines()[0] == COLUMNS


def test_chunks_are_as_the_reference_and_the_decisions_say(output_dir):
    images = zarr.open_group(output_dir / "fov_000/images.zarr", mode="r")
    for path, (_, shape) in STACKS.items():
        level, stack = path[-1], images[path]
        size = shape[1:] if level == "0" else [min(256, n) for n in shape[1:]]
        assert stack.chunks == (1, *size), "a reader unpacks one frame, or a tile of it"
        is_raw = path in {"pc_ch_0/0", "fl_ch_1/0"}
        folder = output_dir / "fov_000/images.zarr" / path
        files = sorted(file.name for file in folder.iterdir() if file.name != "zarr.json")
        assert files == sorted(f"c.{n}.0.0" for n in range(T if is_raw else -(-T // 16)))
    for cell in (output_dir / "fov_000/cells.zarr/fl_ch_1").glob("*/"):
        assert sum(path.is_file() for path in cell.rglob("*")) == 5
