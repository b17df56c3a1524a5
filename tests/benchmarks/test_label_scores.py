"""Scores of found cells are those of the definitions, and the tables hold all methods."""

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from benchmarks.annotated_fields import GROUPS, fields_table, yeast_table
from benchmarks.label_scores import followed, score

from pyama.testing.phase_contrast import draw_field

TRUE = np.zeros((40, 60), np.int64)
TRUE[5:15, 5:15], TRUE[5:15, 20:30], TRUE[25:35, 40:50] = 3, 8, 9


def test_perfect_and_absent_cells():
    assert score(TRUE, TRUE) == (1, 1, 1, 1, 1)
    assert score(TRUE, np.zeros_like(TRUE)) == (0, 0, 0, 0, 0)
    assert score(np.zeros_like(TRUE), np.zeros_like(TRUE))[:3] == (0, 0, 0)


def test_a_joined_pair_and_a_half_cell():
    found = np.where(TRUE == 8, 3, TRUE)
    found[25:31, 40:50] = 0
    scores = score(TRUE, found)
    assert scores.foreground == pytest.approx(240 / 300)
    assert scores.f1 == 0
    assert scores.seg == pytest.approx((0.5 + 0.5) / 3)
    assert (scores.count, scores.area) == (pytest.approx(2 / 3), pytest.approx(0.8))


def test_cells_keep_their_id_or_do_not():
    tracks = [TRUE, np.where(TRUE == 8, 4, TRUE), np.where(TRUE == 9, 0, TRUE)]
    assert followed([TRUE] * 3, tracks) == (1, 3, pytest.approx(8 / 9))


def test_tables_of_the_accuracy(tmp_path):
    (tmp_path / "usiigaci").mkdir()
    (tmp_path / "other").mkdir()
    frame, labels = draw_field("spread", (160, 160), 40, np.random.default_rng(0))
    for name in (name for names, _ in GROUPS.values() for name in names):
        tifffile.imwrite(tmp_path / "usiigaci" / f"set{name}_raw.tif", frame)
        path = tmp_path / "usiigaci" / f"set{name}_instances_ids.png"
        iio.imwrite(path, labels.astype(np.uint8))
    tifffile.imwrite(tmp_path / "other" / "yeast_colony.tif", frame.astype(np.uint8))
    lines = fields_table(tmp_path, ["logstd", "watershed"], None)
    assert len(lines) == 2 + 2 * 2
    assert {line.count("|") for line in lines} == {9}
    assert len(yeast_table(tmp_path, ["watershed"], None)) == 3
