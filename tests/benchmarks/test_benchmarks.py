"""Every benchmarked kernel gives what the literal implementation of the reference gives.

With `--benchmark-only` these are benchmarks at a size that says something
(`PYAMA_BENCH_PX=2048`); otherwise they are plain tests, small and without a clock.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from skimage.morphology import disk

from pyama.algorithms import background_surface, preview
from pyama.algorithms.kernels import labels, morphology
from pyama.algorithms.kernels.bits import pack, unpack
from pyama.algorithms.params import BackgroundParams, LogStdParams, TrackingParams
from pyama.algorithms.segmenters import logstd
from pyama.algorithms.trackers import iou
from pyama.config import ProcessingParams
from pyama.processing.workflow import process
from pyama.store import FovStore
from pyama.store.zarr_arrays import StoredArray
from pyama.testing.synthetic import SyntheticRecording

sys.path.append(str(Path(__file__).parents[2]))  # benchmarks are no part of the package

from benchmarks.measuring import Cost, Costs
from benchmarks.report import Entry, Line

from benchmarks import __main__ as bench
from benchmarks import in_memory, literal, report, tasks

SIZE = int(os.environ.get("PYAMA_BENCH_PX", "320"))
RECORDING = SyntheticRecording(
    n_frames=3, shape=(SIZE, SIZE), n_cells=max(4, 300 * SIZE**2 // 2048**2)
)
MOVIE = [RECORDING.frame(0, t) for t in range(3)]
PC, FL = MOVIE[0]
PRINTED = LogStdParams(morph_size=15, closing_size=15, closing_iterations=3, erosion_size=0)
"""The operations of the reference as they are printed: disk(7), three times."""
REACH = 2 * 21
"""From the edge of the frame, where scipy's closing takes away what pyama keeps."""


@pytest.fixture(scope="module")
def found():
    params = ProcessingParams()
    return [labels.limit_sizes(logstd.segment(pc, params), 50, 10_000)[0] for pc, _ in MOVIE]


def test_local_variance(benchmark):
    variance = benchmark(logstd.local_variance, PC, 3)
    values = PC.astype(np.float64)
    mean = ndimage.uniform_filter(values, 3, mode="reflect")
    expected = ndimage.uniform_filter(values**2, 3, mode="reflect") - mean**2
    np.testing.assert_allclose(variance, expected, rtol=1e-5, atol=1e-5)


def test_closing(benchmark):
    bits = logstd.high_variance_mask(PC, 3)
    closed = unpack(benchmark(morphology.close_bits, bits, 7, 3))
    expected = ndimage.binary_closing(np.pad(unpack(bits), 64), disk(7), iterations=3)
    np.testing.assert_array_equal(closed, expected[64:-64, 64:-64])


def test_opening(benchmark):
    mask = ndimage.binary_dilation(unpack(logstd.high_variance_mask(PC, 3)), disk(3))
    opened = unpack(benchmark(morphology.open_bits, pack(mask), 7, 3))
    expected = ndimage.binary_opening(mask, disk(7), iterations=3)
    inner = slice(REACH, -REACH)
    np.testing.assert_array_equal(opened[inner, inner], expected[inner, inner])


def test_labelling(benchmark):
    mask = unpack(logstd.high_variance_mask(PC, 3))
    numbered = benchmark(labels.label, mask)
    np.testing.assert_array_equal(numbered, ndimage.label(mask)[0])


def test_segmentation_as_printed(benchmark):
    inside = benchmark(logstd.segment, PC, PRINTED) > 0
    # Far from the edge, where scipy's closing does not nibble.
    wide = np.pad(unpack(logstd.high_variance_mask(PC, 3)), REACH)
    expected = literal.clean(wide)[REACH:-REACH, REACH:-REACH]
    agree = np.mean(inside[REACH:-REACH, REACH:-REACH] == expected[REACH:-REACH, REACH:-REACH])
    assert agree > 0.999


def test_tracking(benchmark, found):
    tracked = benchmark(lambda: list(iou.track(found, TrackingParams())))
    assert tracked[-1].max() > 1
    for ours, theirs in zip(tracked, literal.track(found), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_background(benchmark, found):
    result = benchmark(background_surface.estimate, FL, found[0] > 0, BackgroundParams())
    expected = literal.background(FL, found[0])
    inner = slice(SIZE // 4, -SIZE // 4)
    difference = np.abs(result.background - expected)[inner, inner]
    assert np.median(difference) < 2, "counts; the tiles do not lie at the same places"


def test_previews(benchmark):
    low, high = np.percentile(PC, [1, 99])
    made = benchmark(preview.preview_of_intensities, PC, low, high)
    expected = literal.preview(PC[np.newaxis], is_labels=False)[0]
    assert np.abs(made.astype(int) - expected).max() <= 2, "the literal one is not rounded"


def test_compute_without_files(benchmark):
    costs = benchmark(in_memory.compute_steps, MOVIE)
    assert set(costs) == set(in_memory.compute_literally(MOVIE[:1])) == set(report.STEPS[1:-1])


def test_features_are_those_of_the_literal_reading():
    rng = np.random.default_rng(0)
    mask = np.zeros((9, 12), np.uint8)
    mask[2:7, 1:11] = 1
    image = (rng.integers(0, 4000, mask.shape) / 65536).astype(np.float32)
    dark = np.full(mask.shape, 100 / 65536, np.float32)
    area, ratio, total, mean = literal.features(mask, image, dark)
    counts = image[mask > 0].astype(float).sum() * 65536 - 100 * 50
    assert (area, total, mean) == pytest.approx((50, counts, counts / 50))
    assert ratio == pytest.approx(np.sqrt((10**2 - 1) / (5**2 - 1)))


def test_five_thousand_cells_keep_their_numbers():
    movie = in_memory.crowd(500, 512, 4)
    tracked = list(iou.track(movie, TrackingParams()))
    assert all(len(np.unique(frame)) == 501 for frame in tracked)
    assert tracked[-1].max() == 500


def test_the_comparison_runs_both_on_the_same_frames(tmp_path):
    path, folder = str(tmp_path / "movie.nd2"), str(tmp_path)
    tasks.draw(path, size=256, cells=6, frames=3)
    result = tasks.compare(path, folder, repeats=1, literal_frames=2)
    assert list(result["pyama"]) == list(result["literal"]) == list(report.STEPS)
    assert result["cells"] > 1
    for who in ("pyama", "literal"):
        for step, cost in result[who].items():
            assert cost["files"] > 0, (who, step)
            assert cost["bytes"] > 0, (who, step)
    (marks,) = tmp_path.glob("run */fov_000/.marks")  # of pyama alone
    crops = [path for path in marks.parent.glob("cells.zarr/*/*") if path.name.isdigit()]
    assert len(crops) > 4
    for crop in crops:
        files = [path for path in crop.rglob("*") if path.is_file()]
        assert len(files) == 5, "files per cell and channel, its preview among them"


COST = {"cpu": 0.25, "wall": 0.5, "bytes": 2_000_000, "files": 10}


def test_the_report_divides_by_frames_and_by_the_literal_reading():
    ours = dict.fromkeys(report.STEPS, COST)
    theirs = {step: {**COST, "cpu": 1.0} for step in report.STEPS}
    found = {"pyama": ours, "literal": theirs, "pyama_peak": 300.0, "literal_peak": 400.0}
    kernels = {
        who: dict.fromkeys(report.STEPS, k) for who, k in [("pyama", 1), ("literal", 30)]
    }
    entry = Entry(512, 50, 10, found, {**COST, "peak": 310.0}, kernels, literal_frames=2)
    text = report.render([entry, Entry(512, 2000, 10)], [Line("what", "1 s", "2 s")])
    assert (
        "| 512 | 50 | 10 | copying | 25 | 500 | 20 | 50 | 250 | 0.2 | 1 | 1 | 5 | - | - |"
        in text
    )
    assert "| 512 | 2000 | 10 | so many cells do not fit |" in text
    assert "| ratio | | | | | | **30** |" in text
    assert "| what | 1 s | 2 s |" in text


def test_a_document_keeps_what_is_around_the_tables(tmp_path):
    document = tmp_path / "performance.md"
    document.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.write_into(document, "new")
    report.write_into(document, "newer")
    assert (
        document.read_text().split()
        == f"before {report.BEGIN} newer {report.END} after".split()
    )


def test_costs_count_the_files_of_each_step_once(tmp_path):
    costs = Costs(tmp_path)
    with costs.of("first"):
        (tmp_path / "a").write_bytes(b"1234")
    with costs.of("second"):
        (tmp_path / "b").write_bytes(b"12")
    assert [(c.bytes, c.files) for c in costs.steps.values()] == [(4, 1), (2, 1)]
    assert Cost(1, 5, 4, 1).cheaper(Cost(2, 3, 4, 1)) == Cost(1, 3, 4, 1)


FITS = [(512, 50, True), (512, 300, False), (1024, 300, True), (2048, 2000, True)]


@pytest.mark.parametrize(("size", "cells", "fit"), FITS)
def test_cells_are_drawn_only_where_they_fit(size, cells, fit):
    assert (tasks.radius_px(size, cells) is not None) == fit


def test_what_was_measured_is_printed_when_a_later_run_fails(monkeypatch, capsys, tmp_path):
    def measured(entry, folder, options):
        if entry["size"] == 1024:
            raise subprocess.CalledProcessError(1, ["bench"])
        return Entry(**entry)

    monkeypatch.setattr(bench, "_measured", measured)
    monkeypatch.setattr(bench, "DOCUMENT", tmp_path / "performance.md")
    with pytest.raises(subprocess.CalledProcessError):
        bench.main(["--cells", "2000", "--frames", "10", "--write", "--folder", str(tmp_path)])
    assert "| 512 | 2000 | 10 |" in capsys.readouterr().out
    assert not (tmp_path / "performance.md").exists()


def test_cells_are_written_alone_and_once(tmp_path):
    path = tmp_path / "lasting.nd2"
    tasks.draw(str(path), size=256, cells=6, frames=4, lasting=True)
    found = tasks.write_cells(str(path), str(tmp_path))
    (run,) = tmp_path.glob("run *")
    written = FovStore(run, 0).cells()
    assert found["tracks"] == len(written.cell_list.ids) > 0
    assert found["cpu"] > 0
    first = sorted(file.relative_to(run / "first") for file in (run / "first").rglob("*"))
    cells = run / "fov_000" / "cells.zarr"
    assert sorted(file.relative_to(cells) for file in cells.rglob("*")) == first


def test_the_floor_packs_every_kind_of_image_as_it_is_stored(tmp_path):
    path = tmp_path / "frame.nd2"
    tasks.draw(str(path), size=256, cells=6, frames=2)
    run = tmp_path / "run"
    assert process(str(path), tasks._config(), run).succeeded
    kinds = {"pc": "pc_ch_0", "fl": "fl_ch_1", "labels": "seg_labeled_ch_0"}
    kinds["background"] = "fl_background_ch_1"
    stored = in_memory._stored(path)
    for kind, group in kinds.items():
        spec = StoredArray(run / "fov_000" / "images.zarr" / group / "0").spec
        packed = stored[kind][0]
        assert (spec.dtype, spec.chunk[1:], spec.inner, spec.shuffle) == (
            packed.dtype,
            packed.chunk[1:],
            packed.inner,
            packed.shuffle,
        )
