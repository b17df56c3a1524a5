"""Totals far below zero are counted, and a run says so."""

import numpy as np
import pytest

from pyama.algorithms.below_background import BackgroundAccount
from pyama.algorithms.crops import SCALE
from pyama.analysis.advice.negative_totals_advice import negative_totals_advice
from pyama.config import Channels
from pyama.processing.record import read_record
from pyama.processing.workflow import process
from pyama.readers.array import ArrayReader
from pyama.runs.summary import summary
from pyama.testing.synthetic import SyntheticRecording
from small_movie import MOVIE, make_config, recording_of

METADATA = recording_of(MOVIE).metadata
MASK = np.ones((4, 10, 10), np.uint8)


def counted(means, sd=1.0, level=100.0, weight=1.0, mask=MASK):
    """Count the totals of a cell whose pixels are `means` above a background of `level`."""
    noise = np.random.default_rng(0).normal(0, sd, mask.shape)
    background = np.full(mask.shape, level)
    image = weight * background + np.array(means, float)[:, None, None] + noise
    totals = np.where(
        mask.any((1, 2)), ((image - weight * background) * mask).sum((1, 2)), np.nan
    )
    notes = {}
    account = BackgroundAccount(weight, notes)
    account.add(1, totals, image / SCALE, mask, background / SCALE)
    return notes["below_background"]


def test_totals_far_below_zero_are_counted():
    found = counted([-20, -8, 0, 50])
    assert found.keys() == {"1"}
    assert (found["1"]["below"], found["1"]["totals"]) == (2, 4)
    assert found["1"]["lowest"] == pytest.approx(-2000, rel=0.05)


@pytest.mark.parametrize(
    "case",
    [
        {"means": [-4, -4, 0, 1]},  # counts
        {"means": [-20, -20, 0, 1], "level": 10_000.0},  # 0.5 % of the background
        {"means": [-20, -20, 0, 1], "sd": 150.0},  # noise
        {"means": [-20, 0, 0, 0], "mask": MASK * [[[0]], [[1]], [[1]], [[1]]]},  # no cell
    ],
)
def test_small_ones_and_noise_are_not(case):
    assert counted(**{"mask": MASK, **case}) == {}


def test_only_the_weighted_background_is_subtracted():
    assert counted([-20, 0, 0, 0], weight=0.5)["1"]["below"] == 1
    assert counted([-20, 0, 0, 0], weight=0.5, level=9000.0) == {}


def noted(below, totals=100, lowest=-2.1e6):
    return {"below_background": {"1": {"below": below, "totals": totals, "lowest": lowest}}}


def test_fields_of_view_with_many_are_named_with_what_helps():
    config = make_config(Channels(pc=0, fl=[1]))
    fovs = {
        0: noted(2),
        1: noted(40),
        2: noted(20, lowest=-50.0),
        3: noted(2, totals=4),
        4: {},
    }
    (line,) = negative_totals_advice(fovs, config, METADATA)
    assert line.startswith(f"FOV 1-2: in {METADATA.channel_names[1]}, 30 % of the totals are ")
    assert "(down to -2.1e+06 counts)" in line
    assert line.settings == ({"segmentation_method": "unet"},)
    separating = make_config(Channels(pc=0, fl=[1]), segmentation_method="unet")
    (line,) = negative_totals_advice(fovs, separating, METADATA)
    assert line.settings == ()


def warned(reader, folder):
    config = make_config(Channels(pc=0, fl=[1]), border_margin=0)
    report = process(reader, config, folder)
    found = summary(report, read_record(folder).config, 1.0)
    assert found["cells"] > 5
    return [text for text in found["warnings"] if "below zero" in text]


def draw(bright):
    """Cells that phase contrast shows are dim; others, which it does not show, are bright."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:320, :320]
    phase, light = rng.normal(2000, 8, (320, 320)), rng.normal(100, 10, (320, 320))
    places = [(a, b) for a in range(40, 300, 60) for b in range(40, 300, 60)]
    for i, (a, b) in enumerate(places):
        squared = (y - a) ** 2 + (x - b) ** 2
        if i % 3 == 0:
            phase[squared <= 400] += rng.normal(0, 120, np.count_nonzero(squared <= 400))
            light[squared <= 400] += 30
        else:
            light += bright * np.exp(-squared / (2 * 25**2))
    images = np.stack([phase, light]).clip(0, 65535).astype(np.uint16)
    return ArrayReader(images[None, None], ["Phase", "GFP"], 0.65, [0.0])


def test_a_run_says_that_bright_cells_were_missed(tmp_path):
    (text,) = warned(draw(600), tmp_path / "missed")
    assert text.startswith("FOV 0: in GFP, ")
    assert warned(draw(0), tmp_path / "none") == []


def test_a_synthetic_recording_has_no_such_totals(tmp_path):
    drawn = SyntheticRecording(seed=3, shape=(400, 400), n_frames=1, n_cells=12)
    reader = ArrayReader(drawn.frame(0, 0)[None, None], drawn.channel_names, 0.65, [0.0])
    assert warned(reader, tmp_path) == []
