"""Units of time and length in their usual spellings; times and sizes as text."""

import math
import unicodedata

_TIMES: dict[float, str] = {
    1e-9: "ns nsec nanosecond nanoseconds",
    1e-6: "μs us usec microsecond microseconds",
    1e-3: "ms msec msecs millisecond milliseconds",
    1.0: "s sec secs second seconds",
    60.0: "min mins minute minutes",
    3600.0: "h hr hrs hour hours",
    86400.0: "d day days",
}
_LENGTHS: dict[float, str] = {
    1e-6: "pm picometer picometers picometre picometres",
    1e-4: "Å angstrom angstroms ångström",
    1e-3: "nm nanometer nanometers nanometre nanometres",
    1.0: "μm um μ micron microns micrometer micrometers micrometre micrometres",
    1e3: "mm millimeter millimeters millimetre millimetres",
    1e4: "cm centimeter centimeters centimetre centimetres",
    1e6: "m meter meters metre metres",
    25400.0: "in inch inches",
}


def seconds_in(unit: str) -> float | None:
    """Return the seconds in a unit of time such as `min`; None if it is not known."""
    return _factor(unit, _SECONDS)


def micrometres_in(unit: str) -> float | None:
    """Return the micrometres in a unit of length such as `nm`; None if it is not known."""
    return _factor(unit, _MICROMETRES)


def _plain(unit: str) -> str:
    # The compatibility form turns the micro sign into the Greek letter, the sign of angstrom
    # into the letter.
    return unicodedata.normalize("NFKC", unit).strip().removesuffix(".")


def _spelled(table: dict[float, str]) -> dict[str, float]:
    return {_plain(name): factor for factor, names in table.items() for name in names.split()}


_SECONDS, _MICROMETRES = _spelled(_TIMES), _spelled(_LENGTHS)
_PREFIXES = "MPG"
"""Capitals that are a prefix of their own: `Mm` is not a millimetre."""


def _factor(unit: str, known: dict[str, float]) -> float | None:
    name = _plain(unit)
    if len(name) <= 2 and name[:1] in _PREFIXES:
        return None
    return known.get(name, known.get(name.casefold()))


def duration_text(minutes: float) -> str:
    """Return a time with its unit and three digits, such as `29.8 h`."""
    size = abs(minutes)
    value, unit = (60 * minutes, "s") if size < 2 else (minutes, "min")
    if size >= 180:
        value, unit = minutes / 60, "h"
    return f"{number_text(value)} {unit}"


def number_text(value: float) -> str:
    """Return a number with three digits and without an exponent where it is large."""
    return f"{value:.0f}" if math.isfinite(value) and abs(value) >= 100 else f"{value:.3g}"


def bytes_text(size: float) -> str:
    """Return a size in bytes with its unit and three digits, such as `1.25 GB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
