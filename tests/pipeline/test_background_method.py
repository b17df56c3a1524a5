"""A run in steep light: what it advises, and what the other method changes."""

import numpy as np
import pandas as pd
import pytest

from pyama.config import Channels
from pyama.processing.methods import SEGMENTERS
from pyama.processing.workflow import process
from pyama.runs.summary import summary
from small_movie import MOVIE, SHAPE, SIGNAL, WIDTH, contents, make_config, recording_of

ADVICE = {"background_method": "planes"}
CELL_SIGNAL = SIGNAL * 709  # px in a disk of radius 15
STEEP = MOVIE[:, :3].copy()
STEEP[:, :, 1] += (6 * np.arange(WIDTH)).astype(np.uint16)


def run(images, folder, **params):
    config = make_config(**params)
    report = process(recording_of(images), config, folder, [0])
    assert report.succeeded, report.failures
    return summary(report, config, 1)


@pytest.mark.parametrize("steep", [0, 2])
def test_the_first_and_the_last_frame_are_doubted(tmp_path, steep):
    images = MOVIE[:1, :3].copy()
    images[:, steep] = STEEP[:1, steep]
    report = process(recording_of(images), make_config(), tmp_path)
    (entry,) = (entry for entry in report.steps if entry.step == "background")
    (notes,) = entry.notes.values()
    assert notes["doubt"]["frame"] == steep


def errors(folder):
    table = pd.read_csv(next(folder.rglob("*_traces.csv")))
    return (table["intensity_total_ch_1"] / CELL_SIGNAL - 1).abs()


def advised(counts):
    return [settings for entry in counts["advice"] for settings in entry["settings"]]


def test_steep_light_leads_to_planes_and_better_traces(tmp_path):
    told = run(STEEP, tmp_path)
    (line,) = [text for text in told["warnings"] if "background" in text]
    assert line.startswith("FOV 0: in GFP, the background is inaccurate, because the frame is")
    assert ADVICE in advised(told)
    before = errors(tmp_path)
    told = run(STEEP, tmp_path, **ADVICE)
    assert ADVICE not in advised(told)
    done = {step for step, statuses in told["steps"].items() if "done" in statuses}
    assert done == {"background", "cropping", "extraction"}
    assert errors(tmp_path).median() < before.median() / 4
    assert errors(tmp_path).max() < 0.1
    table = pd.read_csv(next(tmp_path.rglob("*_traces.csv")))
    by_frame = table.groupby("frame")["background_error_ch_1"]
    assert (by_frame.nunique() == 1).all()
    assert by_frame.first().between(0.1, 5).all()
    assert list(table.columns)[-1] == "background_error_ch_1"


def test_where_nothing_is_visible_the_frame_is_named_and_its_error_is_empty(
    tmp_path, monkeypatch
):
    images = STEEP[:1].copy()
    images[0, 1, 0] = np.random.default_rng(0).normal(2000, 120, SHAPE)
    monkeypatch.setitem(SEGMENTERS.data, "one_or_all", one_or_all)
    settings = {"max_object_size": None, "border_margin": 0, "min_iou": 0.05}
    told = run(images, tmp_path, segmentation_method="one_or_all", **settings, **ADVICE)
    (line,) = [text for text in told["warnings"] if "background" in text]
    assert line.startswith("FOV 0: in GFP, no background is visible in frame 1, because the")
    table = pd.read_csv(next(tmp_path.rglob("*_traces.csv")))
    assert table["background_error_ch_1"].isna().tolist() == [False, True, False]


def one_or_all(frame, params):
    """One cell in the middle; the whole frame if it is textured everywhere."""
    labels = np.zeros(frame.shape, np.uint16)
    labels[60:100, 60:100] = 1
    return np.ones_like(labels) if frame[:20].std() > 60 else labels


def test_without_a_mask_planes_are_not_advised(tmp_path):
    assert ADVICE not in advised(run(STEEP, tmp_path, channels=Channels(fl=[1])))


def test_even_light_needs_no_advice_and_workers_change_nothing(tmp_path):
    assert ADVICE not in advised(run(MOVIE[:, :3], tmp_path / "tiles"))
    table = pd.read_csv(next((tmp_path / "tiles").rglob("*_traces.csv")))
    assert "background_error_ch_1" not in table
    config = make_config(n_workers=2, **ADVICE)
    assert process(recording_of(STEEP), config, tmp_path / "two").succeeded
    config = make_config(**ADVICE)
    assert process(recording_of(STEEP), config, tmp_path / "one").succeeded
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
