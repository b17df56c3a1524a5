"""Features that see the whole trace."""

import numpy as np
import pandas as pd
import pytest

from pyama.analysis.growth import growth_and_motion
from pyama.errors import ConfigError


def trace(cell, t, area, x=0.0, y=0.0, **more):
    t = np.asarray(t, float)
    columns = {"fov": 0, "cell": cell, "time": t, "area_ch_0": area, "good": True}
    return pd.DataFrame(
        {**columns, "position_x": x, "position_y": y, **more}, index=range(len(t))
    )


T = np.arange(0, 5, 0.25)


def test_exponential_growth_on_a_straight_path():
    table = trace(3, T, 400 * np.exp(0.3 * T), x=3 * T, y=10 - 4 * T)
    row = growth_and_motion(table, pixel_size_um=2).iloc[0]
    assert row["growth_rate"] == pytest.approx(0.3)
    assert row["speed"] == pytest.approx(10)
    assert row["path"] == pytest.approx(row["distance"]) == pytest.approx(2 * 5 * T[-1])
    assert row["straightness"] == pytest.approx(1)


def test_a_way_there_and_back():
    table = trace(1, [0, 1, 2], 5.0, x=[0, 6, 0])
    row = growth_and_motion(table).iloc[0]
    assert (row["path"], row["distance"], row["speed"], row["straightness"]) == (12, 0, 6, 0)
    assert row["growth_rate"] == 0


def test_order_of_rows_and_gaps_do_not_matter():
    table = trace(1, T, np.exp(T), x=T)
    fewer = table.drop(index=[3, 7]).sample(frac=1, random_state=0)
    for name in ("growth_rate", "speed"):
        assert growth_and_motion(fewer)[name][0] == pytest.approx(
            growth_and_motion(table)[name][0]
        )


@pytest.mark.parametrize(
    ("t", "area", "undefined"),
    [
        ([0], 5.0, {"growth_rate", "speed", "path", "distance", "straightness"}),
        ([0, 1], 5.0, {"growth_rate", "straightness"}),
        ([0, 1, 2], [5.0, np.nan, 0.0], {"growth_rate", "straightness"}),
    ],
)
def test_what_too_few_points_do_not_tell_is_nan(t, area, undefined):
    row = growth_and_motion(trace(1, t, area)).iloc[0]
    assert set(row.index[row.isna()]) == undefined


def test_cells_samples_and_bad_rows_are_kept_apart():
    table = pd.concat(
        [
            trace(1, T, np.exp(T), sample="a"),
            trace(2, T, np.exp(2 * T), sample="a"),
            trace(1, T, np.exp(3 * T), sample="b"),
            trace(9, T, 1.0, sample="b", good=False),
        ]
    )
    found = growth_and_motion(table)
    assert found[["sample", "fov", "cell"]].to_numpy().tolist() == [
        ["a", 0, 1],
        ["a", 0, 2],
        ["b", 0, 1],
    ]
    np.testing.assert_allclose(found["growth_rate"], [1, 2, 3])


def test_no_traces_are_no_rows():
    assert growth_and_motion(trace(1, [], 1.0)).empty


def test_a_missing_column_is_named():
    with pytest.raises(ConfigError, match=r"no column 'volume'\. It has: fov, cell, time"):
        growth_and_motion(trace(1, T, 1.0), column="volume")


def test_the_drift_of_the_stage_is_no_motion_of_the_cell():
    stage = {"drift_x": 30 * T, "drift_y": 5 * np.sin(T)}
    still = trace(1, T, 5.0, x=40 + 3 * T, y=7 - 4 * T)
    moved = trace(1, T, 5.0, x=40 + 33 * T, y=7 - 4 * T + 5 * np.sin(T), **stage)
    pd.testing.assert_frame_equal(growth_and_motion(moved), growth_and_motion(still))
    other = moved.rename(columns={"position_x": "a", "position_y": "b"})
    found = growth_and_motion(other, pixel_size_um=2, place=("a", "b"))
    assert found["speed"][0] == pytest.approx(10)
