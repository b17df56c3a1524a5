"""The size of a pixel is set where the file has none or a wrong one."""

import json

import numpy as np
import pandas as pd
import pytest

from pyama.testing.nd2_writer import write_nd2
from small_movie import MOVIE

OPTIONS = ["--pc", "0", "--fl", "1", "--pc-features", "area,area_um2"]
LIMITS = ["--set", "border_margin=0", "--set", "min_frames=2"]


@pytest.fixture
def unknown(tmp_path):
    path = tmp_path / "movie.nd2"
    write_nd2(path, MOVIE[:1, :3, None], pixel_size_um=0.0)
    return path


def areas(folder):
    table = pd.read_csv(folder / "fov_000/movie_fov_000_traces.csv")
    return table["area_um2_ch_0"] / table["area_ch_0"]


def scale(folder):
    document = json.loads((folder / "fov_000/images.zarr/pc_ch_0/zarr.json").read_bytes())
    multiscale = document["attributes"]["ome"]["multiscales"][0]
    return multiscale["datasets"][0]["coordinateTransformations"][0]["scale"][1:]


def test_a_size_that_is_set_is_used_and_a_later_one_changes_the_traces(
    pyama, unknown, tmp_path
):
    info = pyama("info", unknown).stdout
    assert "pixel     size unknown" in info
    assert "--set pixel_size_um=0.65" in info
    results = tmp_path / "results"
    run = ["run", unknown, "-o", results, *OPTIONS, *LIMITS]
    assert pyama(*run).exit_code == 0
    assert areas(results).isna().all()
    done = pyama(*run, "--set", "pixel_size_um=0.65")
    assert done.exit_code == 0, done.output
    np.testing.assert_allclose(areas(results), 0.65**2)
    note = "FOV 0: in images.zarr the size of a pixel is unknown, as it was when the stacks"
    assert note in done.stdout
    plan = pyama("plan", *run[1:], "--set", "pixel_size_um=0.5").stdout
    assert "extraction: runs, pixel_size_um changed 0.65 -> 0.5" in plan
    assert "copying, segmentation" in plan
    done = pyama(*run, "--set", "pixel_size_um=0.5", "--overwrite")
    np.testing.assert_allclose(areas(results), 0.25)
    assert scale(results) == [0.5, 0.5]
    assert "in images.zarr the size" not in done.stdout


def test_a_size_that_is_wrong_in_the_file_is_replaced(pyama, tmp_path):
    path = tmp_path / "movie.nd2"
    write_nd2(path, MOVIE[:1, :3, None], pixel_size_um=650.0)
    assert "The file says that the side of a pixel is 650 µm." in pyama("info", path).stdout
    results = tmp_path / "results"
    options = [*OPTIONS, *LIMITS, "--set", "pixel_size_um=0.65"]
    done = pyama("run", path, "-o", results, *options)
    assert done.exit_code == 0, done.output
    np.testing.assert_allclose(areas(results), 0.65**2)
    assert scale(results) == [0.65, 0.65]
    assert "in images.zarr the size" not in done.stdout


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "furlong"])
def test_a_size_that_cannot_be_is_refused(pyama, unknown, tmp_path, value):
    setting = ["--set", f"pixel_size_um={value}"]
    done = pyama("run", unknown, "-o", tmp_path / "results", *OPTIONS, *setting)
    assert done.exit_code == 2
    assert "pixel_size_um" in done.stderr
