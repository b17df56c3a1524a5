"""The built-in models of traces: time in hours, rates in 1/h, intensities in counts."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from pyama.analysis.fitting.kinetics import (
    three_stages,
    three_stages_slopes,
    two_stages,
    two_stages_slopes,
)
from pyama.analysis.fitting.model import Model, ModelRegistry, Parameter
from pyama.analysis.onsets import find_onsets
from pyama.analysis.trace_shape import first_crossing, smooth

Values = NDArray[np.float64]

MODELS = ModelRegistry()
"""All models by name; `MODELS.add(Model(...))` adds one."""

FASTEST = 30.0
"""Upper bound of rates, 1/h: that of a process that takes a few minutes."""

ONSET = Parameter("t0", "h", 0, math.inf, 2, description="onset of the rise")
OFFSET = Parameter("offset", "counts", linear=True, description="constant part of the signal")
AMPLITUDE = Parameter(
    "amplitude", "counts", default=100, linear=True, description="size of the change"
)
TRANSLATION = Parameter(
    *("ktl", "counts/h", 0, math.inf, 100),
    linear=True,
    description="signal per hour made from the mRNA that is present at the onset",
)
"""In the literature m0 k_tl."""
MRNA_LOSS = Parameter("delta", "1/h", 0, FASTEST, 0.1, description="loss of mRNA")
PROTEIN_LOSS = Parameter(
    *("beta", "1/h", 0, FASTEST, 5.22e-3),
    fixed=True,
    description="loss of the protein; the value of eGFP unless you set that of yours",
)
"""The default has a half-life of 133 h, as measured by Krzysztoń et al. (2019),
doi:10.1016/j.nano.2019.102077, who blocked translation; destabilised proteins are lost much
faster."""
MATURATION = Parameter(
    *("km", "1/h", 0, FASTEST, 1.28),
    fixed=True,
    description="maturation of the protein; the value of eGFP unless you set that of yours",
)
"""The default has a half-time of 32 min, of the same authors; Balleza et al. (2018,
doi:10.1038/nmeth.4509) measured 50 proteins in bacteria."""
RATE = Parameter("rate", "1/h", 0, FASTEST, 0.2, description="rate of the change")
HALF_TIME = Parameter("t_half", "h", default=10, description="time of half of the change")
SLOPE = Parameter("slope", "counts/h", default=10, linear=True, description="rise per hour")


def _stages(t: Values, t0: Values, *rates: Values) -> tuple[Values, Values]:
    tau = np.ascontiguousarray(t - t0)
    return tau, np.stack([np.broadcast_to(rate, (len(tau), 1))[:, 0] for rate in rates])


def _maturation(
    t: Values, t0: Values, ktl: Values, delta: Values, offset: Values, km: Values, beta: Values
) -> Values:
    response = three_stages(*_stages(t, t0, delta, beta + km, beta))
    return offset + ktl * km * response


def _maturation_gradient(
    t: Values, t0: Values, ktl: Values, delta: Values, offset: Values, km: Values, beta: Values
) -> tuple[Values | float, ...]:
    stages = _stages(t, t0, delta, beta + km, beta)
    response, in_time, by_delta, by_sum, by_beta = three_stages_slopes(*stages)
    return (
        -ktl * km * in_time,
        km * response,
        ktl * km * by_delta,
        1.0,
        ktl * (response + km * by_sum),
        ktl * km * (by_sum + by_beta),
    )


def _mrna_decay(
    t: Values, t0: Values, ktl: Values, delta: Values, offset: Values, beta: Values
) -> Values:
    return offset + ktl * two_stages(*_stages(t, t0, delta, beta))


def _mrna_decay_gradient(
    t: Values, t0: Values, ktl: Values, delta: Values, offset: Values, beta: Values
) -> tuple[Values | float, ...]:
    response, in_time, by_delta, by_beta = two_stages_slopes(*_stages(t, t0, delta, beta))
    return -ktl * in_time, response, ktl * by_delta, 1.0, ktl * by_beta


def _decay(t: Values, amplitude: Values, rate: Values, offset: Values) -> Values:
    return offset + amplitude * np.exp(-rate * t)


def _decay_gradient(
    t: Values, amplitude: Values, rate: Values, offset: Values
) -> tuple[Values | float, ...]:
    left = np.exp(-rate * t)
    return left, -amplitude * t * left, 1.0


def _rise(t: Values, t0: Values, amplitude: Values, rate: Values, offset: Values) -> Values:
    return offset - amplitude * np.expm1(-rate * np.maximum(t - t0, 0))


def _rise_gradient(
    t: Values, t0: Values, amplitude: Values, rate: Values, offset: Values
) -> tuple[Values | float, ...]:
    tau = np.maximum(t - t0, 0)
    left = np.exp(-rate * tau) * (tau > 0)
    return -amplitude * rate * left, -np.expm1(-rate * tau), amplitude * tau * left, 1.0


def _logistic(
    t: Values, amplitude: Values, t_half: Values, rate: Values, offset: Values
) -> Values:
    return offset + amplitude * expit(rate * (t - t_half))


def _logistic_gradient(
    t: Values, amplitude: Values, t_half: Values, rate: Values, offset: Values
) -> tuple[Values | float, ...]:
    part = expit(rate * (t - t_half))
    slope = amplitude * part * expit(-rate * (t - t_half))
    return part, -rate * slope, (t - t_half) * slope, 1.0


def _linear_onset(t: Values, t0: Values, slope: Values, offset: Values) -> Values:
    return offset + slope * np.maximum(t - t0, 0)


def _linear_onset_gradient(
    t: Values, t0: Values, slope: Values, offset: Values
) -> tuple[Values | float, ...]:
    return -slope * (t > t0), np.maximum(t - t0, 0), 1.0


def _constant(t: Values, offset: Values) -> Values:
    return offset + np.zeros_like(t)


def _constant_gradient(t: Values, offset: Values) -> tuple[float]:
    return (1.0,)


def _first_onset(t: Values, y: Values) -> Values:
    """Return where a trace may begin to rise; its first time if that is not known."""
    kink = find_onsets(t, y).kink
    return np.where(np.isfinite(kink), kink, t[:, 0])


def _half_time(t: Values, y: Values, level: Values) -> Values:
    return t[np.arange(len(t)), first_crossing(smooth(y), level)]


def _expression_guess(t: Values, y: Values) -> tuple[Values, Values, Values, Values]:
    """Guess t0, ktl, delta and offset from the onset and the time of half the maximum."""
    t0, low, high = _first_onset(t, y), y.min(axis=1), y.max(axis=1)
    delay = np.maximum(_half_time(t, y, (low + high) / 2) - t0, np.ptp(t, axis=1) / 50 + 1e-9)
    return t0, 0.5 * (high - low) / delay, math.log(2) / delay, low


def _maturation_guess(t: Values, y: Values) -> tuple[Values | float, ...]:
    return *_expression_guess(t, y), MATURATION.default, PROTEIN_LOSS.default


def _mrna_decay_guess(t: Values, y: Values) -> tuple[Values | float, ...]:
    return *_expression_guess(t, y), PROTEIN_LOSS.default


def _relaxation_guess(t: Values, y: Values) -> tuple[Values, Values, Values]:
    """Guess change, rate and last value; the rate from the time of half the change."""
    curve = smooth(y)
    first, last = curve[:, 0], curve[:, -1]
    delay = _half_time(t, y, (first + last) / 2) - t[:, 0]
    return first - last, math.log(2) / np.maximum(delay, np.ptp(t, axis=1) / 50 + 1e-9), last


def _rise_guess(t: Values, y: Values) -> tuple[Values, ...]:
    t0 = _first_onset(t, y)
    change, _, last = _relaxation_guess(t, y)
    delay = _half_time(t, y, last + change / 2) - t0
    rate = math.log(2) / np.maximum(delay, np.ptp(t, axis=1) / 50 + 1e-9)
    return t0, -change, rate, last + change


def _logistic_guess(t: Values, y: Values) -> tuple[Values, ...]:
    change, rate, last = _relaxation_guess(t, y)
    half = _half_time(t, y, last + change / 2)
    return -change, half, 4 * rate, last + change


def _linear_onset_guess(t: Values, y: Values) -> tuple[Values, ...]:
    t0 = _first_onset(t, y)
    rise = np.ptp(y, axis=1)
    return t0, rise / np.maximum(t[:, -1] - t0, 1e-9), y.min(axis=1)


def _constant_guess(t: Values, y: Values) -> tuple[Values]:
    return (y.mean(axis=1),)


MODELS.add_built_in(
    Model(
        "maturation",
        (ONSET, TRANSLATION, MRNA_LOSS, OFFSET, MATURATION, PROTEIN_LOSS),
        _maturation,
        _maturation_guess,
        _maturation_gradient,
        "doi:10.1038/s41540-018-0079-7",
        "A protein made from mRNA that is lost, and visible once it has matured.",
    )
)
MODELS.add_built_in(
    Model(
        "mrna_decay",
        (ONSET, TRANSLATION, MRNA_LOSS, OFFSET, PROTEIN_LOSS),
        _mrna_decay,
        _mrna_decay_guess,
        _mrna_decay_gradient,
        "doi:10.1016/j.nano.2013.11.008",
        "A protein made from mRNA that is lost, and visible at once.",
    )
)
MODELS.add_built_in(
    Model(
        "exponential_decay",
        (AMPLITUDE, RATE, OFFSET),
        _decay,
        _relaxation_guess,
        _decay_gradient,
        "doi:10.1201/9781420011432",
        "An exponential approach to a last value from the first frame on.",
    )
)
MODELS.add_built_in(
    Model(
        "exponential_rise",
        (ONSET, AMPLITUDE, RATE, OFFSET),
        _rise,
        _rise_guess,
        _rise_gradient,
        "doi:10.1201/9781420011432",
        "A constant, then an exponential approach to another value.",
    )
)
MODELS.add_built_in(
    Model(
        "logistic",
        (AMPLITUDE, HALF_TIME, RATE, OFFSET),
        _logistic,
        _logistic_guess,
        _logistic_gradient,
        "doi:10.1128/aem.56.6.1875-1881.1990",
        "Growth to a limit along an S-shaped curve.",
    )
)
MODELS.add_built_in(
    Model(
        "linear_onset",
        (ONSET, SLOPE, OFFSET),
        _linear_onset,
        _linear_onset_guess,
        _linear_onset_gradient,
        "doi:10.1080/01621459.1966.10482198",
        "A constant, then a straight line.",
    )
)
MODELS.add_built_in(
    Model(
        "constant",
        (OFFSET,),
        _constant,
        _constant_guess,
        _constant_gradient,
        description="A value that does not change.",
    ),
)
