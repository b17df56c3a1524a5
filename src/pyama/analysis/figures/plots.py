"""Figures for publications as PNG, SVG and PDF, one function each."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pyama.analysis.figures.colours import color, drawn_text, random_places
from pyama.analysis.figures.figure_style import (
    GREY,
    label_axes,
    make_panels,
    styled,
    write_notes,
    write_powers,
)
from pyama.analysis.figures.scatter import MARGIN, SCALES, scatter_of
from pyama.analysis.fitting.fitted_curves import smooth_curve
from pyama.analysis.histograms import axis_range, not_shown, sample_histogram
from pyama.analysis.mean_traces import drawn_mean
from pyama.analysis.statistics import describe, example_fits, finite_values
from pyama.analysis.table_columns import (
    cell_keys,
    cell_text,
    rows_of_cell,
    sample_names,
    with_text_names,
)
from pyama.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
MAX_CELLS = 200
"""Largest number of single traces in a panel; of more, some are taken at random."""


@styled
def traces(table: pd.DataFrame, column: str, label: str, width_mm: float = 180) -> "Figure":
    """Draw the traces of every sample, with the mean and the quartiles of its cells.

    Where few cells are left, there is no mean, see `pyama.analysis.mean_traces.drawn_mean`.
    A note below says this, and how many cells are drawn if not all are.

    Args:
        table: Traces with the columns sample, fov, cell, time (h) and `column`.
        column: Column that is drawn.
        label: Label of the y axis.
        width_mm: Width of the figure in mm.
    """
    table = with_text_names(table)
    names = sample_names(table)
    figure, panels = make_panels(len(names), width_mm, share=True)
    notes: list[str] = []
    for i, (name, panel) in enumerate(zip(names, panels, strict=False)):
        rows = table[table["sample"] == name].dropna(subset=[column])
        cells = [cell for _, cell in rows.groupby(cell_keys(rows))]
        chosen = random_places(len(cells), MAX_CELLS)
        for cell in (cells[k].sort_values("time") for k in chosen):
            panel.plot(cell["time"], cell[column], color=GREY, linewidth=0.3, alpha=0.5)
        means, cut = drawn_mean(rows, column)
        time, low, high = means["time"], means["low"], means["high"]
        panel.fill_between(time, low, high, color=color(i), alpha=0.3, linewidth=0)
        panel.plot(time, means["mean"], color=color(i), linewidth=1.5)
        panel.set_title(f"{name} (n = {len(cells)})")
        if said := "; ".join(filter(None, (drawn_text(len(chosen), len(cells)), cut))):
            notes.append(f"{name}: {said}")
    label_axes(panels, "time (h)", label)
    write_notes(figure, notes)
    return figure


@styled
def fits(
    fitted: pd.DataFrame, table: pd.DataFrame, column: str, label: str, width_mm: float = 180
) -> "Figure":
    """Draw the best, the median and the worst fit with their data.

    Args:
        fitted: One row per cell, see `pyama.analysis.fitting.fit.fit_arrays`.
        table: The traces with `time` in hours.
        column: Column that was fitted.
        label: Label of the y axis.
        width_mm: Width of the figure in mm.

    Raises:
        ConfigError: No cell has a fit.
    """
    examples = example_fits(fitted)
    if not examples:
        raise ConfigError("No cell has a fit, so there is nothing to show.")
    figure, panels = make_panels(len(examples), width_mm)
    for (name, row), panel in zip(examples.items(), panels, strict=True):
        cell = rows_of_cell(table, row).dropna(subset=[column])
        panel.plot(cell["time"], cell[column], ".", color=GREY, markersize=3)
        panel.plot(*smooth_curve(row, cell["time"].to_numpy(float), 300), color=color(1))
        panel.set_title(f"{name}: {cell_text(row, fitted)}\nR² = {row['r_squared']:.4f}")
    label_axes(panels, "time (h)", label)
    return figure


@styled
def histograms(
    table: pd.DataFrame, columns: Sequence[str], labels: Sequence[str], width_mm: float = 180
) -> "Figure":
    """Draw histograms of numbers in every sample, as shares of its cells.

    Values far from all others are outside of the axes; the title gives their number.

    Args:
        table: One row per cell with the column sample.
        columns: Columns of numbers; each has its own panel.
        labels: Labels of the x axes.
        width_mm: Width of the figure in mm.
    """
    figure, panels = make_panels(len(columns), width_mm)
    for column, label, panel in zip(columns, labels, panels, strict=True):
        bins = sample_histogram(table, column, sample_names(table))
        for i, (name, shares) in enumerate(bins.shares.items()):
            panel.stairs(shares, bins.edges, color=color(i), label=name, fill=False)
        panel.set(xlabel=label, ylabel="cells (%)", title=bins.not_shown)
    _legend(panels[0], table)
    return figure


@styled
def scatter(
    table: pd.DataFrame,
    x: str,
    y: str,
    labels: tuple[str, str],
    width_mm: float = 85,
    is_log: tuple[bool, bool] = (False, False),
) -> "Figure":
    """Draw two numbers of every cell against each other.

    Cells far from all others are outside of the axes; the title gives their number.

    Args:
        table: One row per cell with the columns sample, `x` and `y`.
        x: Column on the x axis.
        y: Column on the y axis.
        labels: Labels of the axes.
        width_mm: Width of the figure in mm.
        is_log: Whether the x and the y axis are logarithmic.
    """
    figure, panels = make_panels(1, width_mm)
    x_scale, y_scale = SCALES[is_log[0]], SCALES[is_log[1]]
    found = scatter_of(table, x, y, x_scale, y_scale)
    for i, (name, cells) in enumerate(found.cells.items()):
        panels[0].plot(
            cells[x], cells[y], "o", color=color(i), markersize=2, alpha=0.6, label=name
        )
    panels[0].set(xlabel=labels[0], ylabel=labels[1], xscale=x_scale, yscale=y_scale)
    write_powers(panels[0], is_log)
    panels[0].set(xlim=found.x_limits, ylim=found.y_limits)
    panels[0].set_title(found.not_shown)
    _legend(panels[0], table)
    return figure


@styled
def samples(table: pd.DataFrame, column: str, label: str, width_mm: float = 85) -> "Figure":
    """Draw a number of every cell as a point, with median and quartiles of each sample.

    Cells far from all others are outside of the axes; the title gives their number.

    Args:
        table: One row per cell with the columns sample and `column`.
        column: Column that is drawn.
        label: Label of the y axis.
        width_mm: Width of the figure in mm.
    """
    figure, panels = make_panels(1, width_mm)
    table = with_text_names(table)
    rng, names, ticks = np.random.default_rng(0), sample_names(table), []
    for i, name in enumerate(names):
        values = finite_values(table.loc[table["sample"] == name, column])
        x = i + rng.uniform(-0.25, 0.25, len(values))
        panels[0].plot(x, values, "o", color=color(i), markersize=1.5, alpha=0.4)
        if len(values):
            summary = describe(values)
            panels[0].plot([i - 0.3, i + 0.3], [summary["median"]] * 2, "k", linewidth=1.5)
            panels[0].plot([i, i], [summary["q25"], summary["q75"]], "k", linewidth=1.0)
        ticks.append(f"{name}\nn = {len(values)}")
    panels[0].set_xticks(range(len(names)), ticks)
    numbers = table[column].to_numpy(float)
    low, high = axis_range(table, column, MARGIN)
    panels[0].set(ylabel=label, xlim=(-0.6, len(names) - 0.4), ylim=(low, high))
    panels[0].set_title(not_shown(numbers, low, high))
    return figure


def show_part(figure: "Figure", limits: str) -> None:
    """Show a part of a figure of one panel.

    Args:
        figure: From a function of this module.
        limits: Of the axes: `x0,x1,y0,y1`.

    Raises:
        ConfigError: These are not four numbers that ascend in pairs.
    """
    try:
        left, right, low, high = map(float, limits.split(","))
    except ValueError:
        left = right = low = high = 0.0
    if not (-np.inf < left < right < np.inf and -np.inf < low < high < np.inf):
        raise ConfigError(
            f"{limits!r} are not the limits of a part of the figure: expected x0,x1,y0,y1."
        )
    figure.axes[0].set(xlim=(left, right), ylim=(low, high))


@styled
def to_bytes(figure: "Figure", kind: str, dpi: int = 300) -> bytes:
    """Return the content of a file with a figure; the same figure gives the same bytes.

    Args:
        figure: From a function of this module.
        kind: One of `FORMATS`.
        dpi: Pixels per inch of a PNG.
    """
    dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    content = BytesIO()
    figure.savefig(content, format=kind, dpi=dpi, metadata=dates.get(kind))
    return content.getvalue()


def save(figure: "Figure", path: Path | str, dpi: int = 300) -> Path:
    """Write a figure in the format of its suffix; the same figure gives the same bytes.

    Raises:
        ConfigError: The suffix is not in `FORMATS`.
    """
    path = check_format(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(to_bytes(figure, path.suffix.lower().removeprefix("."), dpi))
    return path


def check_format(path: Path | str) -> Path:
    """Return a path whose suffix is one of `FORMATS`.

    Raises:
        ConfigError: The suffix is not in `FORMATS`.
    """
    path = Path(path)
    if path.suffix.lower().removeprefix(".") not in FORMATS:
        raise ConfigError(
            f"{path} ends in {path.suffix or 'no suffix'}; figures are written as "
            + ", ".join(f".{kind}" for kind in FORMATS)
        )
    return path


def _legend(panel: "Axes", table: pd.DataFrame) -> None:
    names = sample_names(table)
    if len(names) > 1:
        panel.figure.legend(
            *panel.get_legend_handles_labels(),
            loc="outside upper center",
            ncols=min(6, len(names)),
        )
