import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit, least_squares, lsq_linear

from pyama.analysis.expression import flat_fits_note
from pyama.analysis.fitting.fit import fit_arrays, fit_traces
from pyama.analysis.fitting.fit_settings import FitSettings
from pyama.analysis.fitting.least_squares import minimize
from pyama.analysis.fitting.losses import Traces
from pyama.analysis.fitting.model import Model, Parameter
from pyama.analysis.fitting.models import MODELS
from pyama.analysis.fitting.problem import draw_starts, set_up
from pyama.analysis.joined_tables import fits_above
from pyama.analysis.statistics import summarize
from pyama.errors import ArrayError, ConfigError

T = np.arange(0, 30, 0.25)
N_CELLS = 400

DRAWS = {
    "t0": lambda rng: rng.uniform(2, 6, N_CELLS),
    "t_half": lambda rng: rng.uniform(8, 16, N_CELLS),
    "ktl": lambda rng: rng.lognormal(7, 0.5, N_CELLS),
    "slope": lambda rng: rng.lognormal(5, 0.5, N_CELLS),
    "amplitude": lambda rng: rng.lognormal(8, 0.5, N_CELLS),
    "offset": lambda rng: rng.normal(500, 100, N_CELLS),
    "delta": lambda rng: rng.lognormal(-2, 0.4, N_CELLS),
    "rate": lambda rng: rng.lognormal(-1.2, 0.3, N_CELLS),
}
"""Parameters like those of cells after transfection, in counts and hours."""


def simulated(name, noise=0.03, seed=1):
    """True parameters (n_params, n_cells), and traces with noise relative to their height."""
    model, rng = MODELS[name], np.random.default_rng(seed)
    p = [
        np.full(N_CELLS, q.default) if q.fixed else DRAWS[q.name](rng)
        for q in model.parameters
    ]
    y = model.evaluate(T, np.array(p))
    height = np.maximum(np.ptp(y, axis=1, keepdims=True), 100)
    return np.array(p), y + noise * height * rng.normal(size=y.shape)


@pytest.mark.parametrize("name", MODELS)
def test_known_parameters_are_found_and_intervals_cover_them(name):
    truth, y = simulated(name)
    fitted = fit_arrays(T, y, name, starts=3, workers=1)
    assert fitted["success"].all()
    for parameter, true in zip(MODELS[name].parameters, truth, strict=True):
        found, error = fitted[parameter.name], fitted[f"{parameter.name}_se"]
        if parameter.fixed:
            np.testing.assert_array_equal(found, true)
            assert error.isna().all()
            continue
        assert abs(np.median((found - true) / true)) < 0.02, parameter.name
        covered = (np.abs(found - true) <= 1.98 * error).mean()
        assert 0.90 <= covered <= 0.98, (parameter.name, covered)


def test_every_number_of_a_row_is_what_it_says():
    y = simulated("linear_onset")[1][:1]
    row = fit_arrays(T, y, "linear_onset").iloc[0]
    model = MODELS["linear_onset"]

    def curve(t, *p):
        return model.evaluate(t, np.array(p)[:, np.newaxis])[0]

    best, covariance = curve_fit(curve, T, y[0], [row["t0"], row["slope"], row["offset"]])
    np.testing.assert_allclose(row[list(model.names)].astype(float), best, rtol=1e-5)
    errors = row[["t0_se", "slope_se", "offset_se"]].astype(float)
    np.testing.assert_allclose(errors, np.sqrt(np.diag(covariance)), rtol=1e-3)
    squares = np.sum((y[0] - curve(T, *best)) ** 2)
    assert row["rmse"] == pytest.approx(np.sqrt(squares / len(T)))
    assert row["r_squared"] == pytest.approx(1 - squares / np.sum((y[0] - y[0].mean()) ** 2))
    assert row["aic"] == pytest.approx(len(T) * np.log(squares / len(T)) + 2 * 4)
    assert (row["n_points"], row["class"], row["message"]) == (len(T), "good", "")


def test_columns_are_those_promised():
    fitted = fit_arrays(
        T, simulated("linear_onset")[1][:2], "linear_onset", fov=3, cell=[4, 9]
    )
    names = "t0 slope offset t0_se slope_se offset_se"
    quality = "rmse aic bic n_points n_effective class message"
    expected = f"fov cell model_type success r_squared {names} {quality}"
    assert " ".join(fitted) == expected
    assert fitted["cell"].tolist() == [4, 9]
    assert set(fitted["fov"]) == {3}


RAMP = [0.0, 0, 0, 1, 2, 3, 4, 5]
NAN = float("nan")
NOT_FINITE = "the model is not finite at any start"
ROWS = [
    pytest.param([1.0] * 8, "failed", "no signal: all values are equal", id="constant"),
    pytest.param([NAN] * 8, "failed", "0 points, needs 4", id="nothing"),
    pytest.param([0, 1, 2] + [NAN] * 5, "failed", "3 points, needs 4", id="short"),
    pytest.param([np.inf, 1, 2, 3] + [NAN] * 4, "failed", "3 points, needs 4", id="infinite"),
    pytest.param(RAMP, "good", "", id="perfect"),
    pytest.param([*RAMP[:4], NAN, *RAMP[5:]], "good", "", id="a gap"),
    pytest.param([0.0] * 7 + [1], "good", None, id="one bright frame"),
    pytest.param([0.0] * 4 + [65535.0] * 4, "fair", None, id="saturated"),
    pytest.param([1e300, -1e300] * 4, "failed", NOT_FINITE, id="huge"),
    pytest.param([0.0, 5e-324] * 4, "poor", None, id="tiny"),
]


@pytest.mark.parametrize(("trace", "kind", "message"), ROWS)
def test_odd_traces_have_a_row_that_says_so(trace, kind, message):
    row = fit_arrays(np.arange(8), [trace], "linear_onset").iloc[0]
    assert row["class"] == kind
    if message is not None:
        assert row["message"] == message
    if kind == "failed":
        assert not row["success"]
        assert np.isnan([row["r_squared"], row["t0"], row["t0_se"]]).all()


@pytest.mark.parametrize("shape", [(0, 5), (0, 0), (2, 0), (2, 1)])
@pytest.mark.parametrize("model", ["maturation", "auto"])
def test_nothing_to_fit_is_a_table_all_the_same(shape, model):
    fitted = fit_arrays(np.arange(shape[1]), np.zeros(shape), model)
    assert len(fitted) == shape[0]
    assert not fitted["success"].any()


@pytest.mark.parametrize("model", ["maturation", "auto"])
def test_a_cell_depends_neither_on_others_nor_on_order_nor_on_workers(model):
    y = simulated("maturation", 0.01)[1][:70, ::4]
    y[::2] *= np.random.default_rng(4).normal(1, 0.05, y[::2].shape)  # fitted with weights
    t, cells = T[::4], np.arange(70)
    together = fit_arrays(t, y, model, cell=cells, workers=2)
    backwards = fit_arrays(t, y[::-1], model, cell=cells[::-1], workers=1)
    pd.testing.assert_frame_equal(
        together, backwards[::-1].reset_index(drop=True), check_exact=True
    )
    padded = np.pad(y[7:8], ((0, 0), (2, 3)), constant_values=np.nan)
    times = np.pad(t, (2, 3), constant_values=np.nan)
    alone = fit_arrays(times, padded, model, cell=[7])
    pd.testing.assert_frame_equal(alone, together[7:8].reset_index(drop=True))


def test_the_seed_and_the_name_of_a_cell_decide_the_starts():
    y = np.repeat(np.random.default_rng(0).normal(size=(1, 30)), 20, axis=0)

    def rates(**options):
        found = fit_arrays(np.arange(30), y, "logistic", starts=2, **options)["rate"]
        return found.round(6).tolist()

    first = rates()
    assert len(set(first)) > 1
    assert rates() == first
    assert rates(seed=1) != first
    assert rates(fov=1) != first
    assert rates(cell=np.arange(20)[::-1]) == first[::-1]


@pytest.mark.parametrize("factor", [1e-6, 1, 1e6])
def test_the_unit_of_intensity_does_not_matter(factor):
    y = simulated("maturation")[1][:5]
    one, other = fit_arrays(T, y), fit_arrays(T, factor * y)
    np.testing.assert_allclose(one["t0"], other["t0"], rtol=1e-4)
    np.testing.assert_allclose(one["ktl"] * factor, other["ktl"], rtol=1e-4)


def test_outliers_pull_less_with_soft_l1():
    truth, y = simulated("maturation")
    y[:, 10::13] += 3 * np.ptp(y, axis=1, keepdims=True)
    plain = fit_arrays(T, y[:60], starts=2)
    robust = fit_arrays(T, y[:60], starts=2, loss="soft_l1")
    error = {"plain": plain, "robust": robust}
    error = {key: np.median(np.abs(fit["t0"] - truth[0][:60])) for key, fit in error.items()}
    assert error["robust"] < 0.2 * error["plain"]


def test_intervals_of_robust_fits_cover_the_truth():
    truth, y = simulated("linear_onset")
    fitted = fit_arrays(T, y, "linear_onset", starts=1, loss="soft_l1")
    for i, name in enumerate(["t0", "slope", "offset"]):
        covered = np.abs(fitted[name] - truth[i]) <= 1.98 * fitted[f"{name}_se"]
        assert 0.90 <= covered.mean() <= 0.98


def test_robust_fits_are_those_of_scipy():
    _, y = simulated("logistic", 0.01)
    model = MODELS["logistic"]
    y[2] *= np.random.default_rng(4).normal(1, 0.05, len(T))  # weights are not for this loss
    fitted = fit_arrays(T, y[:3], "logistic", loss="soft_l1")
    for i in range(3):
        bends = np.diff(y[i], 2)
        scale = 1.5 * 1.4826 / np.sqrt(6) * np.median(np.abs(bends))
        start = fitted.loc[i, list(model.names)].to_numpy(float)
        expected = least_squares(
            lambda p, i=i: model.evaluate(T, p[:, np.newaxis])[0] - y[i],
            start * 1.05,
            x_scale="jac",
            loss="soft_l1",
            f_scale=scale,
        )
        np.testing.assert_allclose(start, expected.x, rtol=1e-3)


def test_fix_free_and_bounds_decide_what_is_fitted():
    y = simulated("maturation")[1][:3]
    fixed = fit_arrays(T, y, fix={"km": 2.5, "offset": 500})
    assert set(fixed["km"]) == {2.5}
    assert set(fixed["offset"]) == {500}
    assert fixed["offset_se"].isna().all()
    freed = fit_arrays(T, y, free=["beta"])
    assert freed["beta"].nunique() == 3
    assert set(freed["km"]) == {1.28}
    everything = fit_arrays(T, y, free="all", fix={"beta": 0.01})
    assert 1.28 not in set(everything["km"])
    assert set(everything["beta"]) == {0.01}
    bounded = fit_arrays(T, y, bounds={"t0": (0, 0.5)})
    assert set(bounded["t0"]) == {0.5}
    assert bounded["t0_se"].isna().all()
    assert bounded["message"].str.contains("t0 at its upper bound").all()


WRONG = [
    ({"model": "magic"}, "Unknown model 'magic'. Available: constant"),
    ({"free": ["kk"]}, "free names kk, which maturation does not have. Its parameters: t0"),
    ({"fix": {"kk": 1}}, "fix names kk"),
    ({"bounds": {"kk": (0, 1)}}, "bounds names kk"),
    ({"free": ["km"], "fix": {"km": 1}}, "km is both free and fixed"),
    ({"bounds": {"km": (0, 2)}}, "km of maturation is fixed, so its bounds have no effect"),
    ({"bounds": {"t0": (0, 2)}, "fix": {"t0": 1}}, "t0 of maturation is fixed"),
    ({"bounds": {"t0": (3, 2)}}, "Bounds of t0 are 3:2; expected LOW:HIGH"),
    ({"fix": {"km": -1.0}}, "km is fixed at -1; expected a number from 0 to 30"),
    ({"fix": {"km": NAN}}, "km is fixed at nan; expected a number from 0 to 30"),
    (
        {"fix": dict.fromkeys(["t0", "ktl", "delta", "offset"], 1)},
        "All parameters of maturation are fixed. Set at least",
    ),
    ({"loss": "huber"}, "Unknown loss 'huber'. Available: linear, soft_l1"),
    ({"starts": 0}, "starts is 0; expected 1 or more"),
    ({"seed": -1}, "seed is -1; expected 0 or more"),
    ({"workers": 0}, "workers is 0; expected 1 or more"),
    ({"model": "auto", "fix": {"kk": 1}}, "No model has kk. Parameters: amplitude, beta"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        fit_arrays(T, np.zeros((1, len(T))), **options)


@pytest.mark.parametrize(
    ("t", "y", "options", "message"),
    [
        (T, T, {}, r"y must have the shape \(n_cells, T\).* got \(120,\) and \(120,\)"),
        (T[1:], [T], {}, r"got \(1, 120\) and \(119,\)"),
        (T, [T], {"fov": -1}, "fov must be whole numbers from 0, got -1"),
        (T, [T], {"cell": [0.5]}, r"cell must be whole numbers from 0, got \[0.5\]"),
        (T, [T], {"cell": [1, 2]}, r"cell has the shape \(2,\); expected \(1,\)"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(t, y, options, message):
    with pytest.raises(ArrayError, match=message):
        fit_arrays(t, y, **options)


@pytest.mark.parametrize(
    "name", ["maturation", "exponential_decay", "linear_onset", "constant"]
)
def test_auto_finds_the_model_that_made_the_traces(name):
    _, y = simulated(name, noise=0.01)
    fitted = fit_arrays(T, y[:25], "auto", starts=2)
    right = fitted["model_type"] == name
    assert right.mean() >= 0.8
    names = [p.name for p in MODELS[name].parameters]
    alone = fit_arrays(T, y[:25], name, starts=2)
    pd.testing.assert_frame_equal(fitted.loc[right, names], alone.loc[right, names])
    others = fitted.columns[5 : fitted.columns.get_loc("rmse")].difference(
        names + [f"{n}_se" for n in names]
    )
    assert fitted.loc[right, others].isna().all(axis=None)


def test_auto_applies_options_to_the_models_that_have_them():
    y = simulated("maturation")[1][:4]
    fitted = fit_arrays(T, y, "auto", fix={"km": 2.0, "offset": 500}, free=["beta"])
    assert set(fitted["model_type"]) <= {*MODELS, "undecided"} - {"constant"}
    assert set(fitted["offset"].dropna()) == {500}


def test_a_model_of_the_user_is_fitted_without_a_gradient():
    power = Model(
        "power",
        (Parameter("scale", default=1, linear=True), Parameter("power", "", 0, 5, 1)),
        lambda t, scale, power: scale * t**power,
        lambda t, y: (1, 1),
    )
    fitted = fit_arrays(T, 3 * T ** np.array([[0.5], [1.7]]), power)
    np.testing.assert_allclose(fitted["power"], [0.5, 1.7], rtol=1e-6)
    np.testing.assert_allclose(fitted["scale"], 3, rtol=1e-6)


def test_a_model_that_is_nowhere_finite_is_a_failed_row():
    broken = Model(
        "broken",
        (Parameter("a"),),
        lambda t, a: np.full_like(t, np.nan) + a,
        lambda t, y: (0,),
    )
    row = fit_arrays(T, [T], broken).iloc[0]
    assert (row["class"], row["success"]) == ("failed", False)
    assert row["message"] == NOT_FINITE


def table(**columns):
    frames = pd.DataFrame({"fov": 0, "cell": 1, "time": T, "intensity_total_ch_1": 3 * T + 1})
    return frames.assign(**columns)


def test_tables_are_fitted_cell_by_cell_sorted_by_fov_and_cell():
    y = "intensity_total_ch_1"
    cells = [
        table(fov=2, cell=1),
        table(fov=0, cell=7, **{y: 5 * T}),
        table(fov=0, cell=2, **{y: 4 * T})[::-1],
        table(fov=0, cell=3, good=False),
    ]
    everything = pd.concat([cell.assign(good=cell.get("good", True)) for cell in cells])
    fitted = fit_traces(everything.sample(frac=1, random_state=0), "linear_onset")
    assert fitted[["fov", "cell"]].to_numpy().tolist() == [[0, 2], [0, 7], [2, 1]]
    np.testing.assert_allclose(fitted["slope"], [4, 5, 3], rtol=1e-6)


def test_a_table_without_rows_gives_a_table_without_rows():
    assert fit_traces(table()[:0]).empty


@pytest.mark.parametrize("name", ["fov", "cell", "time", "intensity_total_ch_1"])
def test_a_missing_column_is_named(name):
    with pytest.raises(ConfigError, match=rf"no column '{name}'.*\. It has: "):
        fit_traces(table().drop(columns=name))


@pytest.mark.parametrize("odd", ["no", "False", "", None, 2])
def test_rows_are_good_or_bad_and_nothing_else(odd):
    y = [*[True] * 5, odd, *[False] * (len(T) - 6)]
    shown = "an empty field" if odd is None else repr(odd)
    with pytest.raises(ConfigError, match=f"'good' holds {shown}; expected True or False"):
        fit_traces(table(good=pd.Series(y, dtype=object)), "constant")
    y[5] = True
    assert fit_traces(table(good=y), "constant")["n_points"].tolist() == [6]
    assert fit_traces(table(good=np.array(y, int)), "constant")["n_points"].tolist() == [6]


def test_a_column_of_words_is_refused():
    with pytest.raises(ConfigError, match="The column 'time' holds 'noon'; expected numbers"):
        fit_traces(table(time="noon"))


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    scales=st.lists(st.floats(-4, 4), min_size=3, max_size=3),
)
def test_bounded_linear_problems_have_the_answer_of_scipy(seed, scales):
    rng = np.random.default_rng(seed)
    matrix, y = rng.normal(size=(12, 3)) * 10.0 ** np.array(scales), rng.normal(size=12)
    lower, upper = -np.abs(rng.normal(size=3)), np.abs(rng.normal(size=3))
    traces = Traces(y[np.newaxis], np.array([12]), np.zeros(1))
    found = minimize(
        lambda x, rows: x @ matrix.T,
        lambda x, rows: np.repeat(matrix.T[:, np.newaxis], len(rows), axis=1),
        traces,
        np.zeros((1, 3)),
        lower,
        upper,
    )
    expected = lsq_linear(matrix, y, (lower, upper), tol=1e-14)
    assert found.converged[0]
    assert found.cost[0] <= expected.cost * (1 + 1e-6) + 1e-12
    assert ((found.x >= lower) & (found.x <= upper)).all()


def test_a_fit_starts_where_it_is_told():
    model = MODELS["maturation"]
    t, y = np.tile(T, (2, 1)), simulated("maturation")[1][:2]
    traces = Traces(y, np.full(2, len(T)), np.zeros(2))
    setup = set_up(model, (), {}, {}, {"t0": 4.5, "delta": 0.3})
    starts = draw_starts(setup, t, traces, np.full((2, 1, len(model.names)), 0.1))
    names = [model.names[i] for i in setup.free]
    first, other = starts[0], starts[1]
    assert (first[names.index("t0")], first[names.index("delta")]) == (4.5, 0.3)
    assert other[names.index("delta")] == pytest.approx(0.3 * 10**0.1)
    same = fit_arrays(T, y, "maturation", guess={"t0": 4.5}, workers=1)
    np.testing.assert_allclose(same["t0"], fit_arrays(T, y, "maturation")["t0"], rtol=1e-4)


@pytest.mark.parametrize("model", ["constant", "auto"])
def test_a_fit_tells_how_far_it_is(model):
    shares = []
    y = simulated("constant")[1][:130]
    y[0] = np.nan  # is not fitted, and counts all the same
    told = fit_arrays(T, y, model, starts=1, watch=shares.append)
    assert shares == sorted(shares)
    assert (shares[-1], len(shares) > 2) == (1, True)
    pd.testing.assert_frame_equal(told, fit_arrays(T, y, model, starts=1))


def test_a_fit_ends_with_an_exception_of_its_watcher():
    def stop(share):
        if share > 0.1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_arrays(T, simulated("constant")[1], "constant", watch=stop, workers=2)


@given(
    st.dictionaries(st.sampled_from(["km", "beta"]), st.floats(0.001, 30)),
    st.dictionaries(st.sampled_from(["t0"]), st.tuples(st.floats(0, 1), st.floats(2, 9))),
    st.integers(1, 9),
)
def test_options_as_words_are_read_back(fix, bounds, starts):
    given_ = FitSettings(fix=fix, bounds=bounds, guess={"delta": 0.1}, starts=starts)
    words = given_.words()
    values = {"--fix": [], "--bound": [], "--guess": [], "--starts": [str(FitSettings.starts)]}
    for option, value in zip(words[::2], words[1::2], strict=True):
        values[option].append(value)
    read = FitSettings.from_texts(
        fix=values["--fix"],
        bound=values["--bound"],
        guess=values["--guess"],
        starts=int(values["--starts"][-1]),
    )
    assert read == given_


def test_a_flat_cell_is_not_expressing():
    y = simulated("linear_onset")[1]
    noise = np.random.default_rng(0).normal(0, 9, (4, len(T)))
    few = np.where(np.arange(len(T)) < 8, noise[0], np.nan)
    falling = 200 * np.exp(-T / 9) + noise[1]
    rows = fit_arrays(T, [y[0], *noise, few, falling], "linear_onset")
    assert rows["class"][0] == "good"
    assert rows["class"][1:5].tolist() == ["not expressing"] * 4
    assert rows["class"][5:].tolist() == ["poor", "fair"]
    table = rows[:5].assign(sample="a")
    assert summarize(table, ["t0"])["n"][0] == 1
    assert len(fits_above(table, None)) == 1
    constant = table.assign(model_type="constant")
    assert len(fits_above(constant, None)) == 5, "a constant describes a flat trace"
    assert list(flat_fits_note(table, ["a"])) == [
        "Cells in whose trace no rise was found do not count: 4 of 5 of a. Their fits have "
        "the class not expressing."
    ]
    assert not list(flat_fits_note(constant, ["a"]))
    automatic = table.assign(model_type=["linear_onset", *["constant"] * 4])
    assert list(flat_fits_note(automatic, ["a"])) == [
        "Traces without a rise that the model constant describes count in offset only: 4 of 5 "
        "of a. Their fits have the class not expressing, too."
    ]
