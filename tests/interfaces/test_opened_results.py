"""Results in Python, and what objects print."""

import sys

import numpy as np
import pytest

import pyama
from pyama.store import FovStore
from pyama.traces.trace_reading import load_traces
from results import made_once, results_in
from small_movie import HEIGHT, MOVIE, N_FRAMES, SHAPE, WIDTH, n_cells, recording_of


@pytest.fixture(scope="module")
def results():
    return pyama.open_results(made_once())


def test_traces_left_out_cells_and_settings(results):
    assert (results.fovs, len(results), results.settings["min_frames"]) == ((0, 1), 2, 2)
    both = results.traces
    assert (len(both), both["fov"].nunique()) == (n_cells(0, 1) * N_FRAMES, 2)
    path = made_once() / "fov_001/movie_fov_001_traces.csv"
    assert results[1].traces.equals(load_traces(path))
    assert len(results.left_out) == 0
    assert "reason" in results.left_out
    assert results.fits.empty


def test_stacks_are_read_frame_by_frame(results):
    field = results[0]
    assert {"pc_ch_0", "fl_ch_1", "seg_tracked_ch_0"} <= field.stacks.keys()
    stack = field.stack("fl_ch_1")
    assert (stack.shape, stack.dtype, len(stack)) == ((N_FRAMES, *SHAPE), np.uint16, N_FRAMES)
    np.testing.assert_array_equal(np.asarray(stack), MOVIE[0, :, 1])
    np.testing.assert_array_equal(stack[-1], MOVIE[0, 5, 1])
    with pytest.raises(IndexError):
        stack[6]


def test_dask_arrays_are_lazy(results, monkeypatch):
    pytest.importorskip("dask.array", reason="dask is not installed")
    images = results[0].stack("fl_ch_1").to_dask()
    assert images.chunks[0] == (1,) * 6
    np.testing.assert_array_equal(images[2:4].compute(scheduler="sync"), MOVIE[0, 2:4, 1])


def test_xarray_has_units_and_coordinates(results):
    pytest.importorskip("xarray", reason="xarray is not installed")
    images = results[0].stack("fl_ch_1").to_xarray()
    assert (images.dims, images.attrs["units"]) == (("t", "y", "x"), "counts")
    assert [images[axis].attrs["units"] for axis in images.dims] == ["h", "µm", "µm"]
    assert images["x"].to_numpy()[:2] == pytest.approx([0.325, 0.975])
    assert images.sel(t=0.5).to_numpy().sum() == MOVIE[0, 3, 1].sum()


def test_missing_packages_and_fields_of_view_are_named(results, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(pyama.PyamaError, match=r"pip install 'pyama-traces\[dask\]'"):
        results[0].stack("fl_ch_1").to_dask()
    with pytest.raises(pyama.PyamaError, match=r"FOV 7 has no results in .*: 0-1"):
        results[7]
    with pytest.raises(pyama.PyamaError, match="is not an output folder"):
        pyama.open_results(made_once() / "fov_000")


def test_an_unfinished_field_of_view_says_so(tmp_path):
    folder = results_in(tmp_path)
    for path in (folder / "fov_001/.marks").glob("seg_tracked*"):
        path.unlink()
    (folder / "fov_001/movie_fov_001_traces.csv").unlink()
    (folder / "fov_001/.marks/traces.json").unlink()
    results = pyama.open_results(folder)
    assert "seg_tracked_ch_0" not in results[1].stacks
    assert "without traces" in repr(results[1])
    assert len(results.traces) == 24
    with pytest.raises(pyama.PyamaError, match="has no traces"):
        results[1].traces  # noqa: B018
    assert FovStore(folder, 0).mark("traces") is not None


def test_objects_print_one_line(results, tmp_path):
    from small_movie import make_config

    assert repr(results) == (
        "<Results of movie: 2 fields of view; 6 frames; Phase, GFP; 0.65 µm/px>"
    )
    assert "<th" in results._repr_html_()
    assert (
        repr(results[0].stack("fl_ch_1"))
        == f"<fl_ch_1: {N_FRAMES} x {HEIGHT} x {WIDTH} uint16>"
    )
    report = pyama.process(recording_of(MOVIE[:1]), make_config(copy_only=True), tmp_path)
    assert repr(report) == f"<Run finished: 1 of 1 field of view; {tmp_path}>"
    assert report._repr_html_().startswith("<p>Run finished")
    assert repr(recording_of(MOVIE[:2])) == (
        "<ArrayReader movie: 2 fields of view, 6 frames, channels Phase, GFP>"
    )
