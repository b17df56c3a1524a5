"""The comparison of methods counts what it says."""

import numpy as np
import pytest

from benchmarks import methods
from small_movie import MOVIE


def test_wholeness_counts_ids():
    frames = [np.array([[1, 2, 0]]), np.array([[1, 0, 3]]), np.array([[1, 0, 3]])]
    assert methods.wholeness(frames) == {
        "objects": 2,
        "ids": 3,
        "full": 1,
        "fragments": 1.5,
        "short": 2,
    }


def test_no_cells_have_no_fragments():
    found = methods.wholeness([np.zeros((2, 2), np.uint16)] * 3)
    assert found["ids"] == found["full"] == 0
    assert np.isnan(found["fragments"])


def test_every_pair_of_methods_has_a_line(monkeypatch, capsys):
    monkeypatch.setattr(methods, "TRACKERS", _only(methods.TRACKERS, "iou", "kalman"))
    monkeypatch.setattr(methods, "SEGMENTERS", _only(methods.SEGMENTERS, "logstd", "labels"))
    methods.compare(MOVIE[0, :3, 0])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 2 * 2 * 4 + 1
    assert lines[1].split()[-7:] == ["iou", "4.0", "4", "4", "1.00", "0", lines[1].split()[-1]]
    assert lines[-1].startswith("labels: not run. The parameters of 'labels' are wrong")


def _only(registry, *names):
    return {name: registry[name] for name in names}


def test_a_folder_is_read_in_order(tmp_path, monkeypatch):
    tifffile = pytest.importorskip("tifffile")
    for t in (2, 0, 1):
        tifffile.imwrite(tmp_path / f"t{t}.tif", np.full((4, 4), t, np.uint16))
    seen = []
    monkeypatch.setattr(
        methods, "compare", lambda frames: seen.extend(f[0, 0] for f in frames)
    )
    methods.main([str(tmp_path), "--frames", "2"])
    assert seen == [0, 1]
