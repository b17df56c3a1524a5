"""Features that see the whole trace."""

import numpy as np
import pandas as pd
import pytest

from pyama.analysis.fitting.fit import fit_traces
from pyama.analysis.growth import growth_and_motion
from pyama.analysis.lineages import sum_lineages
from pyama.analysis.statistics import summarize, trace_features
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
        ([0], 5.0, {"growth_rate", "speed", "path", "jitter", "distance", "straightness"}),
        ([0, 1], 5.0, {"growth_rate", "jitter", "straightness"}),
        ([0, 1, 2], [5.0, np.nan, 0.0], {"growth_rate", "jitter", "straightness"}),
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


def test_points_are_counted_that_were_used():
    area = [5.0, np.nan, 0.0, 7.0, 8.0]
    row = growth_and_motion(trace(1, [0, 1, 2, 3, 4], area, x=[0, 1, np.nan, 3, 4])).iloc[0]
    assert (row["n_points"], row["n_positions"]) == (3, 4)


@pytest.mark.parametrize("step", [1, 3])
def test_a_cell_at_rest_has_the_path_and_the_jitter_of_the_error(step):
    """1.77 times the error per frame, as the docstring says; the interval does not matter."""
    places = np.random.default_rng(0).normal(0, 0.5, (2, 6000))[:, ::step]
    t = np.arange(6000)[::step] / 20
    row = growth_and_motion(trace(1, t, 5.0, x=places[0], y=places[1])).iloc[0]
    assert row["path"] == pytest.approx(1.77 * 0.5 * (len(t) - 1), rel=0.05)
    assert row["jitter"] == pytest.approx(0.5, rel=0.05)


def family(**columns):
    """A cell that doubles in 2 h and divides after 3 h, and again one of its daughters."""
    area, daughters = 100 * 2 ** (T / 2), []
    for cell, mother, first, last, share in (
        (1, 0, 0, 3, 1),
        (2, 1, 3, 9, 0.5),
        (3, 1, 3, 4, 0.5),
        (4, 3, 4, 9, 0.25),
        (5, 3, 4, 9, 0.25),
    ):
        rows = (first <= T) & (last > T)
        daughters.append(
            trace(cell, T[rows], share * area[rows], parent=mother, **columns).assign(
                intensity_total_ch_1=share * area[rows], intensity_mean_ch_1=1.0
            )
        )
    return pd.concat(daughters, ignore_index=True)


def test_growth_is_split_at_divisions():
    table = family()
    rate = np.log(2) / 2
    np.testing.assert_allclose(growth_and_motion(table)["growth_rate"], rate)
    goes_on = table.assign(cell=table["cell"].replace({2: 1, 4: 3}))
    goes_on["parent"] = goes_on["parent"].where(table["cell"].isin([3, 5]), 0)
    goes_on = goes_on.sample(frac=1, random_state=0)
    found = growth_and_motion(goes_on)
    np.testing.assert_allclose(found["growth_rate"], rate)
    assert found[["cell", "parent"]].to_numpy().tolist() == [[1, 0], [3, 1], [5, 3]]
    unknown = growth_and_motion(goes_on.drop(columns="parent"))
    assert unknown["growth_rate"][0] < rate / 2


def test_parents_are_kept_in_features_growth_and_fits():
    table = family(sample="a")
    mothers = [0, 1, 1, 3, 3]
    for found in (
        growth_and_motion(table),
        trace_features(table, "area_ch_0"),
        fit_traces(table, "constant", "area_ch_0", workers=1),
    ):
        assert found.columns[:4].tolist() == ["sample", "fov", "cell", "parent"]
        assert found["parent"].tolist() == mothers
    inspected = table.assign(source_cell=table["cell"], cell=table["cell"].replace({3: 30}))
    found = trace_features(inspected, "area_ch_0")
    assert found[["cell", "parent"]].to_numpy().tolist() == [
        *([1, 0], [2, 1], [4, 30], [5, 30], [30, 1])
    ]
    assert "parent" not in summarize(found)["feature"].tolist()


def test_a_lineage_is_the_sum_of_its_cells():
    table = pd.concat([family(sample="a"), trace(9, T, 7.0, sample="a", parent=0)])
    found = sum_lineages(table.sample(frac=1, random_state=0))
    assert found["cell"].unique().tolist() == [1, 9]
    assert "intensity_mean_ch_1" not in found
    for column in ("area_ch_0", "intensity_total_ch_1"):
        np.testing.assert_allclose(found.loc[found["cell"] == 1, column], 100 * 2 ** (T / 2))
    assert growth_and_motion(found)["growth_rate"][0] == pytest.approx(np.log(2) / 2)


def test_the_sum_of_a_lineage_ends_where_a_cell_is_lost():
    table = family()
    lost = sum_lineages(table[(table["cell"] != 5) | (table["time"] < 4.5)])
    assert lost["time"].max() == 4.25
    gone = sum_lineages(table[table["cell"] != 5])
    assert gone["time"].max() == 3.75
    gap = sum_lineages(table[(table["cell"] != 2) | (table["time"] != 3.5)])
    assert set(T) - set(gap["time"]) == {3.5}
    with pytest.raises(ConfigError, match="no column parent"):
        sum_lineages(table.drop(columns="parent"))
