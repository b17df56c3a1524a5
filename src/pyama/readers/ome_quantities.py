"""Sizes and times in an OME-XML: optional values with units in any spelling.

A value that cannot be read, or whose unit is not known, is not used, and named.
"""

from collections.abc import Callable
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from pyama.readers.planes import shorten
from pyama.units import micrometres_in, seconds_in


@dataclass
class Quantities:
    """What the OME-XML says of one field of view.

    Attributes:
        pixel_size_um: (width, height) of a pixel in micrometres; None if unknown.
        stamps_s: Earliest stamp of the planes of every frame in seconds, shape (T,); NaN for
            a missing stamp.
        increment_s: Seconds per frame; None if unknown.
        pixel_remarks: Sentences about sizes that are not used.
        stamps_remarks: Sentences about stamps that are not used.
        increment_remarks: Sentences about an increment that is not used.
    """

    pixel_size_um: tuple[float | None, float | None]
    stamps_s: NDArray[np.float64]
    increment_s: float | None
    pixel_remarks: list[str]
    stamps_remarks: list[str]
    increment_remarks: list[str]


def read_quantities(pixels: Element, stored: NDArray[np.bool_]) -> Quantities:
    """Read the attributes of an element `Pixels` and of its planes.

    Args:
        pixels: The element.
        stored: Whether a plane is stored, shape (T, Z, C). Stamps of others are not used.
    """
    sizes, times, increments = _Problems(), _Problems(), _Problems()
    width, height = (
        sizes.read(pixels, f"PhysicalSize{axis}", "\N{MICRO SIGN}m", micrometres_in)
        for axis in "XY"
    )
    return Quantities(
        (width, height),
        _stamps(pixels, stored, times),
        increments.read(pixels, "TimeIncrement", "s", seconds_in),
        sizes.sentences(),
        times.sentences(),
        increments.sentences(),
    )


class _Problems:
    """Reads attributes and counts those that cannot be read."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], list[str]] = {}

    def read(
        self,
        element: Element,
        name: str,
        default_unit: str,
        factor_of: Callable[[str], float | None],
        *,
        from_zero: bool = False,
    ) -> float | None:
        """Return an attribute, converted; None if it is absent or cannot be read.

        Args:
            element: The element.
            name: Of the attribute; that of its unit ends with `Unit`.
            default_unit: The unit if the element does not name one.
            factor_of: Returns the factor of a unit, or None.
            from_zero: Whether 0 and negative numbers are allowed.
        """
        text = element.get(name)
        if text is None:
            return None
        unit = element.get(f"{name}Unit", default_unit)
        factor = factor_of(unit)
        try:
            number = float(text)
        except ValueError:
            number = np.nan
        if not np.isfinite(number):
            self._add(name, "is not a number", text)
        elif factor is None:
            self._add(name, "has an unknown unit", f"{text} {unit}")
        elif number <= 0 and not from_zero:
            self._add(name, "is not positive", text)
        else:
            return number * factor
        return None

    def _add(self, name: str, problem: str, value: str) -> None:
        self._values.setdefault((name, problem), []).append(value)

    def sentences(self) -> list[str]:
        """Return one sentence per attribute and problem, with its first value."""
        return [
            f"{name} in the OME-XML {problem}: {shorten(values[0])}"
            + (f" and {len(values) - 1} more." if len(values) > 1 else ".")
            for (name, problem), values in self._values.items()
        ]


def _stamps(
    pixels: Element, stored: NDArray[np.bool_], problems: _Problems
) -> NDArray[np.float64]:
    stamps = np.full(len(stored), np.nan)
    for plane in pixels.iterfind("{*}Plane"):
        places = [plane.get(f"The{axis}", "0").strip() for axis in "TZC"]
        at = tuple(int(place) if place.isdecimal() else -1 for place in places)
        inside = all(0 <= i < n for i, n in zip(at, stored.shape, strict=True))
        if inside and stored[at]:
            stamp = problems.read(plane, "DeltaT", "s", seconds_in, from_zero=True)
            if stamp is not None:
                stamps[at[0]] = np.fmin(stamps[at[0]], stamp)
    return stamps
