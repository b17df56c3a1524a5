"""A recording at another magnification: the defaults find nothing, the diameter helps."""

import numpy as np
import pytest

from pyama.analysis.report import write_report
from pyama.config import Channels, load_config
from pyama.processing.record import read_record
from pyama.processing.workflow import process
from pyama.readers.array import ArrayReader
from pyama.runs.summary import summary, summary_lines
from small_movie import make_config

WIDTH = 10


def draw():
    """Draw 16 cells of 10 px, in two frames."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:120, :120] % 30 - 15
    noise = np.where(y**2 + x**2 <= (WIDTH / 2) ** 2, 120, 8)
    return (2000 + rng.normal(0, noise, (1, 2, 1, 120, 120))).astype(np.uint16)


def settings(method, **params):
    return make_config(Channels(pc=0), segmentation_method=method, border_margin=0, **params)


def run(recording, config, folder):
    report = process(recording, config, folder)
    return summary(report, read_record(folder).config, 1.0)


@pytest.mark.parametrize("method", ["logstd", "watershed"])
def test_small_cells_are_found_with_their_diameter(method, tmp_path):
    recording = ArrayReader(draw(), ["Phase"], 0.5, [0.0, 10.0])
    assert run(recording, settings(method), tmp_path / "null")["cells"] == 0
    found = run(recording, settings(method, cell_diameter="5 um"), tmp_path / "out")
    assert (found["cells"], found["warnings"]) == (16, [])
    written = load_config(tmp_path / "out/processing_config.yaml")
    assert written.derived["frame_scale"] == 3
    again = process(recording, written, tmp_path / "out")
    assert {entry.status.value for entry in again.steps} <= {"unchanged", "skipped"}


def test_a_run_says_that_cells_are_not_as_wide_as_expected(tmp_path):
    recording = ArrayReader(draw(), ["Phase"], 0.5, [0.0, 10.0])
    config = settings("logstd", cell_diameter=25, frame_scale=3, min_object_size=9)
    (line,) = [
        line for line in summary_lines(run(recording, config, tmp_path)) if "px wide" in line
    ]
    assert "but logstd expects cells of 25 px" in line
    assert line.endswith("--set cell_diameter=10")
    assert "but logstd expects cells of 25 px" in write_report(tmp_path).read_text("utf-8")
