"""What identifies a trace, and the unit of its times."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments import experiment
from pyama.analysis.comparing import comparison
from pyama.analysis.figures import plots
from pyama.analysis.fitting.fit import fit_traces
from pyama.analysis.fitting.fit_files import fit_file, load_fit_with_traces
from pyama.analysis.growth import growth_and_motion
from pyama.analysis.joined_tables import join_fits, join_traces
from pyama.analysis.merge import merge, write_merged
from pyama.analysis.replicates import sample_sizes
from pyama.analysis.sample_tables import load_merged
from pyama.analysis.statistics import summarize, trace_features
from pyama.analysis.table_columns import IDENTITY
from pyama.errors import ConfigError
from pyama.traces.trace_reading import load_traces

T = np.linspace(0, 5, 12)
NAMES = IDENTITY[:3]


def trace(cell, slope, **names):
    values = 100 + slope * np.maximum(T - 2, 0)
    return pd.DataFrame(
        {**names, "fov": 0, "cell": cell, "time": T, "good": True, "value": values}
        | {"position_x": slope * T, "position_y": 0.0}
    )


def fitted(table):
    return fit_traces(table, "linear_onset", "value", workers=1)


def features(table):
    return trace_features(table, "value")


def motion(table):
    return growth_and_motion(table, "value")


FUNCTIONS = (fitted, features, motion)


@settings(max_examples=15)
@given(
    st.sampled_from(FUNCTIONS),
    st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
    st.randoms(use_true_random=False),
)
def test_cells_with_equal_numbers_stay_apart(function, names, dice):
    """Each part gives the rows that it gives alone, in whatever order the rows are."""
    parts = [
        pd.concat(
            [trace(cell, 10 * k + cell, **dict.fromkeys(names, f"{k}")) for cell in (1, 2)]
        )
        for k in (1, 2, 3)
    ]
    together = pd.concat(parts)
    order = dice.sample(range(len(together)), len(together))
    out = function(together.iloc[order])
    expected = pd.concat([function(part) for part in parts], ignore_index=True)
    assert list(out)[: len(names)] == [name for name in NAMES if name in names]
    pd.testing.assert_frame_equal(out, expected)


DAY = pd.Timestamp("2026-03-01")


def test_names_are_text_whatever_their_type(tmp_path):
    names = [2, "a", 1.0, True, DAY, "b"]
    texts = ["2", "a", "1", "True", "2026-03-01", "b"]
    table = pd.concat([trace(1, 10, sample=name) for name in names])
    for function in FUNCTIONS:
        assert set(function(table)["sample"]) == set(texts)
    described = summarize(features(table), ["mean"])
    assert set(described["sample"]) == set(texts)
    assert comparison(features(table), ["mean"], reference="1")["b"].nunique() == 5
    assert sample_sizes(table)["cells"].tolist() == [12] * 6
    panels = plots.traces(table, "value", "y").axes
    assert [panel.get_title() for panel in panels] == [f"{text} (n = 1)" for text in texts]
    fits = fit_traces(table, "linear_onset", "value", workers=1)
    assert len(plots.fits(fits, table, "value", "y").axes[0].lines[0].get_xdata()) == len(T)
    path = tmp_path / "names.csv"
    spelled = ["007", "NA", "2026-03-01", "1e3", "TRUE"]
    pd.concat([trace(1, 10, sample=text) for text in spelled]).to_csv(path, index=False)
    assert join_traces([path])["sample"].unique().tolist() == spelled


def test_one_and_the_text_one_are_one_sample():
    table = pd.concat([trace(1, 10, sample=1), trace(2, 10, sample="1")])
    assert set(features(table)["sample"]) == {"1"}
    order = pd.CategoricalDtype([10, 9])
    ranked = features(table).assign(sample=pd.Series([9, 10]).astype(order))
    assert summarize(ranked, ["mean"])["sample"].tolist() == ["10", "9"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_cell_with_the_same_time_twice_is_refused(function):
    table = pd.concat([trace(1, 10), trace(2, 10), trace(2, 30)])
    with pytest.raises(
        ConfigError, match=r"row of cell 2 in FOV 0 at 0 h, .*\(12 such rows\)"
    ):
        function(table)
    table = table.assign(sample="drug")
    with pytest.raises(ConfigError, match="cell 2 in FOV 0 of sample drug at 0 h"):
        function(table)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_times_in_another_unit_are_refused_or_warned_of(function):
    table = trace(1, 10)
    table.attrs["units"] = {"time": "min"}
    with pytest.raises(ConfigError, match="'time' is in min according to attrs"):
        function(table)
    with pytest.warns(UserWarning, match="'time' spans 5000 h, which is more than 3 weeks"):
        function(trace(1, 10).assign(time=1000 * T))


def test_everything_that_reads_or_merges_gives_hours(tmp_path):
    finished = experiment(tmp_path / "results")
    path = write_merged(finished, {"a": [0]})["a"][0]
    tables = [load_traces(next(finished.glob("fov_000/*_traces.csv"))), load_merged(path)]
    tables += [merge(finished, {"a": [0]}), join_traces([path])]
    for table in tables:
        assert table.attrs["units"] == {"time": "h"}
        expected = load_traces(next(finished.glob("fov_000/*_traces.csv")))["time"]
        assert set(table["time"]) == set(expected)


def test_rows_marked_as_bad_are_in_no_figure_and_no_fit(tmp_path):
    table = pd.concat([trace(1, 10), trace(2, 20), trace(3, 30)])
    table["good"] = (table["cell"] != 2) & ((table["cell"] != 3) | (table["time"] < 4))
    path = tmp_path / "mine.csv"
    table.to_csv(path, index=False)
    good = table[table["good"]]
    drawn = join_traces([path])
    assert drawn[["cell", "time"]].to_numpy() == pytest.approx(
        good[["cell", "time"]].to_numpy()
    )
    fits = fit_file(path, "linear_onset", "value")
    cells, points, _ = load_fit_with_traces(fits.paths[0])
    assert cells["n_points"].tolist() == good.groupby("cell").size().tolist()
    assert len(points) == len(good)


def test_samples_of_one_table_stay_apart_in_figures_and_fits(tmp_path):
    table = pd.concat([trace(1, 10, sample="a"), trace(1, 30, sample="b")])
    for name in ("one", "two"):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    paths = [tmp_path / "one.csv", tmp_path / "two.csv"]
    assert join_traces(paths).groupby(["sample", "fov", "cell"]).ngroups == 4
    fits = [fit_file(path, "linear_onset", "value").paths[0] for path in paths]
    joined, _ = join_fits(fits)
    assert joined["sample"].nunique() == len(joined) == 4
