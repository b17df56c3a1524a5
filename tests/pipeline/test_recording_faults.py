"""What a run says about a microscope that jumps, loses the focus or saturates."""

import json
import math

import numpy as np
import pytest

from pyama.analysis.report.html_page import build
from pyama.analysis.report.report_data import collect
from pyama.processing.workflow.run import process
from pyama.runs.summary import summary
from small_movie import MOVIE, N_FRAMES, SHAPE, make_config, recording_of


def warnings_of(images, folder, **params):
    config = make_config(**params)
    report = process(recording_of(images), config, folder, [0])
    assert report.succeeded
    counts = json.loads(json.dumps(summary(report, config, 1)))
    return counts, [text for text in counts["warnings"] if text.startswith("FOV 0: ")]


@pytest.fixture
def out_of_focus(images):
    rng = np.random.default_rng(0)
    images[:, 2:4, 0] = rng.normal(2000, 8, images[:, 2:4, 0].shape)
    return images


def test_an_ordinary_recording_gives_no_warning(images, tmp_path):
    counts, warnings = warnings_of(images, tmp_path)
    assert warnings == []
    assert counts["accounting"]["fovs"]["0"]["checks"] == {}


def test_cells_of_a_recording_out_of_focus_are_kept_as_the_advice_says(out_of_focus, tmp_path):
    counts, (limit, lost, left) = warnings_of(out_of_focus, tmp_path, min_frames=30)
    assert counts["traces"] == 0
    assert limit.endswith("only 6 frames are valid, 2 of them without any cell: 4 is used.")
    assert lost.startswith("FOV 0: Most cells vanish in frame 2-3, as if")
    assert lost.endswith("add --set max_gap=2")
    assert left.startswith("FOV 0: No trace is left of 8 cells")
    assert "--set" not in left
    counts, (_, lost) = warnings_of(out_of_focus, tmp_path, min_frames=30, max_gap=2)
    assert counts["traces"] == 4
    assert "--set" not in lost


def test_a_jump_of_the_picture_is_told_and_registration_corrects_it(tmp_path):
    images = MOVIE.copy()
    images[:, 3:] = np.roll(images[:, 3:], 32, axis=3)
    _, warnings = warnings_of(images, tmp_path, border_margin=0)
    (jump,) = [text for text in warnings if "jumps" in text]
    assert "jumps by 32 px between frames 2 and 3" in jump
    assert jump.endswith("--set registration=phase_correlation")


def test_saturated_frames_are_named_in_summary_and_report(images, tmp_path):
    images[0, 4:, 1, :20, :50] = 4095
    share = 100 * 20 * 50 / math.prod(SHAPE)
    _, warnings = warnings_of(images, tmp_path)
    (saturated,) = [text for text in warnings if "saturated" in text]
    assert saturated == (
        f"FOV 0: GFP is saturated (4095 counts) in up to {share:.1f} % of the pixels of frame "
        f"4-{N_FRAMES - 1}: values there are too low. A shorter exposure avoids it."
    )
    assert saturated in build(collect(tmp_path), plotly="")


def test_frames_that_were_stored_twice_are_named_in_summary_and_report(images, tmp_path):
    images[:, 2, 1], images[:, 4, 1] = images[:, 1, 1], images[:, 3, 1]
    _, (repeated,) = warnings_of(images, tmp_path)
    assert "GFP has the same counts in frame 2, 4 as in the frame before" in repeated
    assert repeated in build(collect(tmp_path), plotly="")
