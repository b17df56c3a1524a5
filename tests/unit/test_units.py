"""Units in any spelling, and times as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyama.units import duration_text, micrometres_in, number_text, seconds_in

TIMES = [
    (1e-6, "µs", "μs", "us", "microseconds"),
    (1e-3, "ms", "msec", "Milliseconds"),
    (1, "s", "S", "sec", "sec.", "Second", "SECONDS"),
    (60, "min", "Min", "mins", "MINUTE", "minutes"),
    (3600, "h", "H", "hr", "hour", "Hours"),
    (86400, "d", "days"),
]
LENGTHS = [
    (1e-4, "Å", "\u212b", "angstrom"),
    (1e-3, "nm", "nanometers"),
    (1, "\N{MICRO SIGN}m", "\N{GREEK SMALL LETTER MU}m", "um", "UM", "micron", "Microns"),
    (1e3, "mm", "millimetre"),
    (1e6, "m", "Meters"),
]
BLANKS = st.sampled_from(["", " ", "\t", "\n "])


@given(st.data(), BLANKS, BLANKS)
def test_units_are_known_in_any_spelling(data, before, after):
    for table, factor_of in ((TIMES, seconds_in), (LENGTHS, micrometres_in)):
        factor, *names = data.draw(st.sampled_from(table))
        name = data.draw(st.sampled_from(names))
        assert factor_of(f"{before}{name}{after}") == pytest.approx(factor)


@pytest.mark.parametrize(
    "unit", ["", "furlong", "pixel", "Mm", "Ms", "MS", "Gs", "frames", "."]
)
def test_other_units_are_not_guessed(unit):
    assert seconds_in(unit) is None
    assert micrometres_in(unit) is None


def test_units_of_time_are_no_units_of_length():
    assert micrometres_in("min") is None
    assert seconds_in("mm") is None
    assert seconds_in("m") is None


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (0.5 / 60, "0.5 s"),
        (1, "60 s"),
        (10, "10 min"),
        (1790, "29.8 h"),
        (110_000, "1833 h"),
        (0, "0 s"),
    ],
)
def test_durations_are_short(minutes, text):
    assert duration_text(minutes) == text


@given(st.floats(0, 1e9))
def test_numbers_are_right_to_half_a_percent_and_never_exponential_where_large(value):
    text = number_text(value)
    assert float(text) == pytest.approx(value, rel=0.005)
    assert "e+" not in text
