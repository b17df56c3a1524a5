"""Runs that would be wrong without an error say so, and good ones do not."""

import pytest

from pyama.config import Channels
from pyama.derived_sizes import with_derived
from pyama.processing.record import read_record
from pyama.processing.workflow import process
from pyama.readers.array import ArrayReader
from pyama.runs.summary import summary
from pyama.testing.field_layout import KINDS
from pyama.testing.synthetic import SyntheticRecording
from small_movie import make_config

WARNINGS = {
    "kind of image": "looks only a little like cells",
    "totals": "below zero by more than noise explains",
    "cut cells": "was not told their width",
    "width": "px wide (median), but",
}


def warnings_of(folder, side, params, **drawn):
    """Process one frame; return the number of cells, and which of `WARNINGS` there are."""
    recording = SyntheticRecording(seed=5, shape=(side, side), n_frames=1, **drawn)
    frame = recording.frame(0, 0)[None, None]
    reader = ArrayReader(frame, list(recording.channel_names), 0.65, [0.0])
    config = make_config(Channels(pc=0, fl=[1]), border_margin=0, **params)
    report = process(reader, with_derived(config, reader.metadata), folder)
    found = summary(report, read_record(folder).config, 1.0)
    shown = [name for name, text in WARNINGS.items() if text in "; ".join(found["warnings"])]
    return found["cells"], shown


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_with_the_right_width_has_no_warning(kind, tmp_path):
    params = {"segmentation_method": "unet", "cell_diameter": 30}
    n, shown = warnings_of(tmp_path, 400, params, kind=kind, width_px=30)
    assert (n > 4, shown) == (True, [])


@pytest.mark.parametrize("method", ["logstd", "watershed", "unet"])
def test_neither_has_one_of_ordinary_cells_without_a_width(method, tmp_path):
    n, shown = warnings_of(tmp_path, 400, {"segmentation_method": method}, n_cells=12)
    assert (n > 4, shown) == (True, [])


@pytest.mark.parametrize("method", ["watershed", "unet"])
def test_wide_cells_without_a_width_have_one_until_it_is_told(method, tmp_path):
    drawn = {"kind": "dense", "width_px": 160}
    params = {"segmentation_method": method, "max_object_size": 100_000}
    _, shown = warnings_of(tmp_path / "null", 700, params, **drawn)
    assert "cut cells" in shown
    told = params | {"cell_diameter": 160}
    assert warnings_of(tmp_path / "told", 700, told, **drawn)[1] == []
