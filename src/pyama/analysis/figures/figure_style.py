"""Style and panels of the figures that matplotlib draws."""

import textwrap
from collections.abc import Callable, Sequence
from functools import wraps
from threading import Lock
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from pyama.analysis.figures.colours import COLORS
from pyama.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")
R = TypeVar("R")

GREY = "#6B7480"
MM_PER_INCH = 25.4
STYLE: Any = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "legend.fontsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.formatter.limits": (-3, 4),
    "lines.linewidth": 1.0,
    "legend.frameon": False,
    "axes.prop_cycle": "cycler('color', [" + ", ".join(map(repr, COLORS)) + "])",
    "svg.fonttype": "none",  # text stays text, also in the next line
    "pdf.fonttype": 42,
    "svg.hashsalt": "pyama",
    "text.parse_math": False,  # a $ in the name of a sample is a $
}
LETTERS_PER_INCH = 20
"""In notes below a figure."""
NOTE_INCHES = 0.1
"""Height of a line of notes."""
COLUMNS = 4
"""Panels in a row."""
_DRAWING = Lock()
"""The style of matplotlib is one for all threads."""


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Apply the common style to a figure; import matplotlib only when it is drawn."""

    @wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            import matplotlib as mpl
        except ImportError as error:
            raise ConfigError(
                "Figures need matplotlib, which is not installed: "
                "pip install 'pyama-traces[plot]'"
            ) from error
        with _DRAWING, mpl.rc_context(STYLE):
            return draw(*args, **kwargs)

    return styled


def make_panels(
    n: int, width_mm: float, *, share: bool = False
) -> tuple["Figure", list["Axes"]]:
    """Return a figure with `n` panels, at least one, and the panels."""
    from matplotlib.figure import Figure

    columns = min(max(n, 1), COLUMNS)
    rows = -(-max(n, 1) // columns)
    width = width_mm / MM_PER_INCH
    height = rows * max(1.4, 0.78 * width / columns)
    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharex=share, sharey=share)
    panels: list[Axes] = list(grid.ravel())
    for unused in panels[max(n, 1) :]:
        unused.remove()
    return figure, panels[: max(n, 1)]


def label_axes(panels: Sequence["Axes"], x: str, y: str) -> None:
    """Label the axes at the left and at the bottom of a figure."""
    for k, panel in enumerate(panels):
        panel.set_xlabel(x if k + COLUMNS >= len(panels) else "")
        panel.set_ylabel(y if k % COLUMNS == 0 else "")


def write_notes(figure: "Figure", notes: Sequence[str]) -> None:
    """Write sentences in small letters below a figure, which becomes higher by them."""
    width, height = figure.get_size_inches()
    lines = [
        line for note in notes for line in textwrap.wrap(note, int(width * LETTERS_PER_INCH))
    ]
    if lines:
        figure.set_size_inches(width, height + NOTE_INCHES * len(lines))
        figure.supxlabel("\n".join(lines), fontsize=6, x=0.01, ha="left")


def write_powers(panel: "Axes", is_log: tuple[bool, bool]) -> None:
    """Write 1, 2, 5, 10 ... along logarithmic axes; matplotlib writes formulas."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis, log in zip((panel.xaxis, panel.yaxis), is_log, strict=True):
        if log:
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())
