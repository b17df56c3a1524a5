from dataclasses import replace
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.integrate import solve_ivp

from pyama.analysis.fitting.kinetics import pair, triple
from pyama.analysis.fitting.model import Model, ModelRegistry, Parameter
from pyama.analysis.fitting.models import FASTEST, MODELS
from pyama.errors import ArrayError, ConfigError, PluginError

EVERY_MODEL = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
TIMES = np.linspace(0.05, 40, 57)
RATES = st.floats(0, FASTEST)
POINTS = st.floats(-600, 0) | st.floats(-1e-3, 0) | st.sampled_from([0.0, -1.0, -1.5])


def exactly(*points):
    """Divided difference of exp in 250 digits; coinciding points are pulled 1e-60 apart."""
    with localcontext(prec=250):
        x = [Decimal(v) + i * Decimal("1e-60") for i, v in enumerate(sorted(points))]
        f = [v.exp() for v in x]
        for k in range(1, len(x)):
            f = [(f[i + 1] - f[i]) / (x[i + k] - x[i]) for i in range(len(f) - 1)]
        return float(f[0])


@given(POINTS, POINTS)
def test_two_points_keep_all_digits(x, y):
    x, y = sorted((x, y))
    expected = [exactly(x, y), exactly(x, x, y), exactly(x, y, y)]
    np.testing.assert_allclose(pair(x, y), expected, rtol=1e-12, atol=1e-300)


@given(POINTS, POINTS, POINTS, st.sampled_from([0, 0, 1e-12, 1e-3, 1]))
def test_three_points_keep_all_digits(x, y, z, apart):
    x, y, z = sorted((x, x - apart * abs(y), z) if apart else (x, y, z))
    points = [(x, y, z), (x, x, y, z), (x, y, y, z), (x, y, z, z)]
    expected = [exactly(*p) for p in points]
    np.testing.assert_allclose(triple(x, y, z), expected, rtol=1e-12, atol=1e-300)


def maturation(t, **changes):
    model = MODELS["maturation"]
    p = dict(zip(model.names, model.defaults, strict=True)) | changes
    return model.evaluate(t, np.array([[p[name]] for name in model.names]))[0]


EQUAL_RATES = [
    pytest.param({"delta": 0.3, "beta": 0.3}, id="delta = beta"),
    pytest.param({"delta": 1.58, "beta": 0.3}, id="delta = beta + km"),
    pytest.param({"delta": 0.0, "beta": 0.0}, id="nothing decays"),
    pytest.param({"delta": 0.3, "beta": 0.3, "km": 1e-9}, id="all three nearly equal"),
    pytest.param({"delta": 0.1, "beta": 0.02}, id="all different"),
    pytest.param({"delta": 20.0, "beta": 5.0, "km": 30.0}, id="fast"),
]


@pytest.mark.parametrize("rates", EQUAL_RATES)
def test_maturation_solves_its_differential_equations(rates):
    p = {"km": 1.28, **rates}

    def change(_, state):
        mrna, young, mature = state
        return [
            -p["delta"] * mrna,
            mrna - (p["km"] + p["beta"]) * young,
            p["km"] * young - p["beta"] * mature,
        ]

    tau = np.linspace(0, 20, 41)
    solved = solve_ivp(change, (0, 20), [1, 0, 0], "LSODA", tau, rtol=1e-11, atol=1e-15)
    found = maturation(tau + 3, t0=3, ktl=1, **rates)
    np.testing.assert_allclose(found, solved.y[2], rtol=1e-7, atol=1e-13)


@pytest.mark.parametrize("rates", EQUAL_RATES)
def test_maturation_is_smooth_where_rates_coincide(rates):
    nearby = {name: rate * (1 + 1e-9) or 1e-12 for name, rate in rates.items()}
    np.testing.assert_allclose(
        maturation(TIMES, **rates), maturation(TIMES, **nearby), rtol=1e-6
    )


def test_without_maturation_nothing_shines():
    np.testing.assert_array_equal(maturation(TIMES, km=0, offset=7), np.full(len(TIMES), 7))


def test_instant_maturation_is_the_two_stage_model():
    two = MODELS["mrna_decay"]
    expected = two.evaluate(TIMES, two.defaults[:, np.newaxis])[0]
    np.testing.assert_allclose(maturation(TIMES, km=1e7), expected, rtol=1e-5, atol=1e-4)


@st.composite
def parameters(draw, model):
    """Parameters away from the kink of the onset."""
    out = []
    for p in model.parameters:
        if p.unit == "h":
            out.append(draw(st.sampled_from(TIMES[:-1])) + 0.3)
        elif p.unit == "1/h":
            out.append(draw(st.floats(1e-3, 8)))
        else:
            out.append(draw(st.floats(0.1, 1e6)))
    return np.array(out)


@EVERY_MODEL
@settings(max_examples=25)
@given(data=st.data())
def test_the_gradient_is_the_derivative(model, data):
    p = data.draw(parameters(model))[:, np.newaxis]
    slopes = model.jacobian(TIMES, p)[:, 0]
    other = replace(model, gradient=None).jacobian(TIMES, p)[:, 0]
    height = np.abs(model.evaluate(TIMES, p)).max()
    for value, slope, expected in zip(p[:, 0], slopes, other, strict=True):
        noise = 1e-10 * height / max(value, 1e-3) / 1e-5
        np.testing.assert_allclose(slope, expected, rtol=2e-4, atol=noise + 1e-9 * height)


@EVERY_MODEL
@settings(max_examples=25)
@given(data=st.data())
def test_cells_do_not_see_each_other(model, data):
    p = np.stack([data.draw(parameters(model)) for _ in range(3)], axis=1)
    t = np.stack([TIMES, TIMES + 1, TIMES * 2])
    together, slopes = model.evaluate(t, p), model.jacobian(t, p)
    for i in range(3):
        one = p[:, i : i + 1]
        np.testing.assert_array_equal(together[i : i + 1], model.evaluate(t[i], one))
        np.testing.assert_array_equal(slopes[:, i : i + 1], model.jacobian(t[i], one))


@EVERY_MODEL
def test_what_is_called_linear_is_linear(model):
    at = [model.defaults[:, np.newaxis].copy() for _ in range(3)]
    for i, parameter in enumerate(model.parameters):
        if parameter.linear:
            for step, p in enumerate(at):
                p[i] += 10 * step
    low, middle, high = (model.evaluate(TIMES, p) for p in at)
    np.testing.assert_allclose(high - middle, middle - low, rtol=1e-9, atol=1e-9)


@EVERY_MODEL
@settings(max_examples=25)
@given(y=npst.arrays(float, (2, 9), elements=st.floats(-1e6, 1e6)))
def test_any_trace_gives_a_guess_inside_the_bounds(model, y):
    guess = model.guess(np.arange(9.0), y)
    assert guess.shape == (len(model.names), 2)
    for row, p in zip(guess, model.parameters, strict=True):
        assert np.isfinite(row).all()
        assert ((row >= p.lower) & (row <= p.upper)).all()


@EVERY_MODEL
def test_every_model_but_the_constant_names_its_source(model):
    assert model.source.startswith("doi:10.") or model.name == "constant"


def test_the_models_promised():
    for model in MODELS.values():
        assert ModelRegistry().add(model) is model, "built-in models keep the contract, too"
    assert set(MODELS) >= {
        "maturation",
        "mrna_decay",
        "exponential_decay",
        "exponential_rise",
        "logistic",
        "linear_onset",
        "constant",
    }
    free = [p.name for p in MODELS["maturation"].parameters if not p.fixed]
    assert free == ["t0", "ktl", "delta", "offset"]


def test_an_unknown_model_names_the_known_ones():
    with pytest.raises(ConfigError, match=r"Unknown model 'magic'. Available: constant, exp"):
        MODELS["magic"]


def test_parameters_of_the_wrong_shape_are_refused():
    with pytest.raises(ArrayError, match=r"shape \(3, n_cells\), in the order t0, slope, off"):
        MODELS["linear_onset"].evaluate(TIMES, np.zeros(3))


SLOPE = Parameter("slope", "counts/h", default=2)
LINE = Model("line", (SLOPE,), lambda t, slope: slope * t, lambda t, y: (y[:, -1],))


def test_a_model_of_the_user_enters_through_the_same_door():
    registry = ModelRegistry()
    assert registry.add(LINE) is registry["line"]
    np.testing.assert_allclose(LINE(TIMES, np.array([[3.0]])), [3 * TIMES])
    np.testing.assert_allclose(LINE.jacobian(TIMES, np.array([[3.0]]))[0, 0], TIMES, rtol=1e-6)


REFUSED = [
    pytest.param({"name": "a line"}, "name 'a line' is not usable", id="name"),
    pytest.param({"function": lambda t: t}, "does not work: .* Expected function", id="few"),
    pytest.param({"function": lambda t, s: t[:, :2]}, "does not work", id="shape"),
    pytest.param({"function": lambda t, s: t + np.inf}, "not finite at its", id="infinite"),
    pytest.param({"first_guess": lambda t, y: (1, 2)}, "does not work", id="guess"),
    pytest.param({"gradient": lambda t, s: (t, t)}, "does not work", id="gradients"),
    pytest.param(
        {"gradient": lambda t, s: (2 * t,)}, "gradient by 'slope' is not", id="wrong"
    ),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_a_model_that_does_not_work_is_refused(change, message):
    with np.errstate(all="ignore"), pytest.raises(PluginError, match=message):
        ModelRegistry().add(replace(LINE, **change))


def test_only_models_enter_and_under_their_own_name():
    registry = ModelRegistry()
    with pytest.raises(PluginError, match="'f' must be a Model, got <built-in"):
        registry["f"] = max
    with pytest.raises(PluginError, match="'line' cannot be registered as 'other'"):
        registry["other"] = LINE


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Parameter("a b"), "'a b' is not usable"),
        (lambda: Parameter("t"), "'t' is not usable"),
        (lambda: Parameter("a", lower=1), "'a' has the default 0.0; .* from 1 to inf"),
        (lambda: replace(LINE, parameters=()), "the parameters none"),
        (lambda: replace(LINE, parameters=(SLOPE, SLOPE)), "slope, slope; .* no name twice"),
    ],
)
def test_a_wrong_description_is_refused(make, message):
    with pytest.raises(PluginError, match=message):
        make()
