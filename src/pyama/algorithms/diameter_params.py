"""The width of a typical cell, from which the sizes of other parameters follow."""

import math
import re
from typing import Annotated, Any

from pydantic import Field, field_validator

from pyama.algorithms.params import ExtractionParams, LogStdParams, Params
from pyama.errors import ConfigError

TUNED_DIAMETER = 70.0
"""Width (px) of the cells for which the defaults of all parameters are chosen."""
LARGEST_SCALE = 3.0
"""Largest factor by which a frame is enlarged. Beyond it, cells are only blurred: on annotated
fields with cells of 17 px, a factor of 3 finds 0.63 of them as single objects (F1), 4 finds
0.55; and time and memory grow with its square."""
SPLIT_DEPTH = 0.082
"""`split_h` relative to the width, as `watershed` chooses it where it is null."""
LEAST_PX, MOST_PX = 3.0, 3000.0
"""Bounds of the width in px."""
DERIVABLE = (
    "frame_scale",
    "split_h",
    "min_object_size",
    "max_object_size",
    "border_margin",
)
"""Parameters that can follow from the width, besides the `diameter` of a method."""
_TEXT = re.compile(r"([0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)\s*(px|um|µm|μm)?", re.IGNORECASE)
_EXPECTED = (
    "expected the width of a typical cell in px, such as 70, or in micrometres, such as "
    "'30 um'; null keeps all sizes"
)


class DiameterParams(Params):
    """The width of a typical cell."""

    cell_diameter: (
        Annotated[float, Field(json_schema_extra={"unit": "px"})]
        | Annotated[str, Field(json_schema_extra={"example": "30 um"})]
        | None
    ) = None
    """Width of a typical cell in px, or in micrometres such as `30 um`. What is not set of
    `frame_scale`, `split_h`, `min_object_size`, `max_object_size`, `border_margin` and the
    `diameter` of the segmentation method follows from it. Null: their defaults, which fit
    cells of 70 px."""

    @field_validator("cell_diameter", mode="before")
    @classmethod
    def _length(cls, value: Any) -> Any:
        if value is None:
            return None
        number, unit = _parsed(value)
        if unit == "um":
            if not 0 < number < math.inf:
                raise ValueError(_EXPECTED)
            return f"{number:g} um"
        if not LEAST_PX <= number <= MOST_PX:
            raise ValueError(f"expected {LEAST_PX:g} to {MOST_PX:g} px, or such as '30 um'")
        return float(number)


def _parsed(value: Any) -> tuple[float, str]:
    """Return a length as it is typed: a number and its unit, `px` or `um`."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if math.isfinite(value):
            return float(value), "px"
    elif isinstance(value, str) and (match := _TEXT.fullmatch(value.strip())):
        unit = (match[2] or "px").lower()
        return float(match[1]), "px" if unit == "px" else "um"
    raise ValueError(_EXPECTED)


def diameter_px(params: DiameterParams, pixel_size_um: float | None) -> float | None:
    """Return `cell_diameter` in px; None if it is not set.

    Args:
        params: See `DiameterParams`.
        pixel_size_um: Side of a pixel; None if unknown.

    Raises:
        ConfigError: It is in micrometres, and the size of a pixel is unknown, or the cells
            would be smaller or larger than any that can be found.
    """
    if params.cell_diameter is None:
        return None
    number, unit = _parsed(params.cell_diameter)
    if unit == "px":
        return number
    typed = f"params.cell_diameter = {params.cell_diameter}"
    if pixel_size_um is None:
        raise ConfigError(
            f"{typed}: the file does not say how large a pixel is. Set the size of a pixel, "
            "such as --set pixel_size_um=0.65, or give the diameter in px, such as "
            "--set cell_diameter=70"
        )
    px = number / pixel_size_um
    if not LEAST_PX <= px <= MOST_PX:
        raise ConfigError(
            f"{typed} are {px:.3g} px of {pixel_size_um:g} µm; expected {LEAST_PX:g} to "
            f"{MOST_PX:g} px. Correct the diameter, or the size of a pixel (pixel_size_um)."
        )
    return px


def sizes_for(diameter: float) -> dict[str, Any]:
    """Return the parameters that follow from the width of a typical cell, by name.

    Lengths grow with the width and areas with its square, from their defaults at
    `TUNED_DIAMETER`. The methods with constants in px see the frame at the scale at which the
    cells have that width.

    Args:
        diameter: In px.
    """
    times = diameter / TUNED_DIAMETER
    scale = round(min(1 / times, LARGEST_SCALE), 4)
    objects, traces = LogStdParams.model_fields, ExtractionParams.model_fields
    return {
        "frame_scale": None if scale == 1 else scale,
        "split_h": round(SPLIT_DEPTH * diameter, 2),
        "min_object_size": max(1, round(objects["min_object_size"].default * times**2)),
        "max_object_size": max(1, round(objects["max_object_size"].default * times**2)),
        "border_margin": round(traces["border_margin"].default * times),
    }
