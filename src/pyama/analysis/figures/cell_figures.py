"""Figure of the traces of single cells, as the page shows them."""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pyama.analysis.figures.figure_style import make_panels, styled, write_powers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Style = Literal["plain", "selected", "fit"]
PENS: dict[str, dict[str, Any]] = {
    "plain": {"linewidth": 0.7, "alpha": 0.6},
    "selected": {"linewidth": 1.8, "color": "#C77700"},
    "fit": {"linewidth": 0.8, "linestyle": ":", "color": "black"},
}
"""How the lines of each style are drawn, in this order; without a colour, that of the cell."""


@dataclass(frozen=True)
class CellLine:
    """The trace of a cell, or the fit to it.

    Attributes:
        cell: Number of the cell.
        times: In the unit of the axis.
        values: At these times; None or NaN where there is none.
        style: What it means.
    """

    cell: int
    times: Sequence[float]
    values: Sequence[float | None]
    style: Style


@styled
def cell_traces(
    lines: Sequence[CellLine],
    labels: tuple[str, str],
    width_mm: float = 120,
    *,
    title: str = "",
    is_log: bool = False,
) -> "Figure":
    """Draw traces of single cells, and name what stands out.

    Args:
        lines: What is drawn.
        labels: Labels of the axes of time and of values.
        width_mm: Width of the figure in mm.
        title: Above the figure.
        is_log: Whether the axis of values is logarithmic; what is not above 0 is not shown.
    """
    figure, panels = make_panels(1, width_mm)
    for style, pen in PENS.items():
        own = [line for line in lines if line.style == style]
        for i, line in enumerate(own):
            numbers = [float("nan") if value is None else value for value in line.values]
            named = f"cell {line.cell}" if style == "selected" else style
            name = named if i == 0 and style != "plain" else None
            look = {"color": _hue(line.cell), "label": name} | pen
            panels[0].plot(line.times, numbers, **look)
    panels[0].set(xlabel=labels[0], ylabel=labels[1], title=title)
    if is_log:
        panels[0].set_yscale("log", nonpositive="mask")
        write_powers(panels[0], (False, True))
    if any(line.style != "plain" for line in lines):
        panels[0].legend()
    return figure


def _hue(cell: int) -> tuple[float, float, float]:
    """Return the colour that a cell has on the page."""
    return colorsys.hls_to_rgb(cell * 137.508 % 360 / 360, 0.42, 0.55)
