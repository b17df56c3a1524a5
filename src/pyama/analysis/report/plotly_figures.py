"""Figures of a report as plain values for plotly.js."""

import html
import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pyama.analysis.figures.colours import COLORS, color, drawn_text, random_places
from pyama.analysis.fitting.fitted_curves import smooth_curve
from pyama.analysis.mean_traces import drawn_mean
from pyama.analysis.statistics import example_fits
from pyama.analysis.table_columns import cell_keys, cell_text, rows_of_cell

Figure = dict[str, Any]
MAX_FRAMES = 200
"""Largest number of frames of a trace that are drawn; longer traces are thinned out."""
TWO_LINES = {"l": 60, "r": 14, "t": 64, "b": 46}
"""Margins in px with room for two lines above a figure."""
LINE = 34
"""Largest number of letters of a line above a small figure."""
NUMBERS = 300_000
"""Largest number of values of single traces in a report; each takes about seven bytes."""


def text(name: object) -> str:
    """Return a name so that plotly, which interprets some HTML, shows it literally."""
    return html.escape(str(name))


def round_numbers(values: Iterable[float]) -> list[float | None]:
    """Return numbers with five digits; what is not finite becomes null."""
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in values]


def overview(table: pd.DataFrame, column: str, samples: Sequence[str], label: str) -> Figure:
    """Return mean and quartiles of the cells of every sample over time."""
    data = []
    for i, sample in enumerate(samples):
        means, cut = _drawn_mean(table[table["sample"] == sample], column)
        name = f"{sample} ({cut})" if cut else sample
        data += [_band(means, i), _line(means, i, text(name))]
    return {"data": data, "layout": axes("time (h)", label)}


def single_traces(
    table: pd.DataFrame, column: str, sample: str, i: int, *, label: str, most: int
) -> Figure:
    """Return some cells of a sample, with mean and quartiles of all.

    Args:
        table: Rows of the sample.
        column: Column that is drawn.
        sample: Name of the sample.
        i: 0-based index of the sample, for its colour.
        label: Label of the y axis.
        most: Largest number of cells that are drawn.
    """
    table = table.dropna(subset=[column])
    cells = list(dict(sorted(table.groupby(cell_keys(table)).indices.items())).values())
    chosen = [cells[k] for k in random_places(len(cells), most)]
    x: list[float | None] = []
    y: list[float | None] = []
    times, values = table["time"].to_numpy(), table[column].to_numpy(float)
    for rows in chosen:
        rows = rows[:: 1 + len(rows) // MAX_FRAMES]
        x += [*round_numbers(times[rows]), None]
        y += [*round_numbers(values[rows]), None]
    drawn = {
        "x": x,
        "y": y,
        "mode": "lines",
        "line": {"color": "rgba(90,100,115,0.4)", "width": 1},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    means, cut = _drawn_mean(table, column)
    count = drawn_text(len(chosen), len(cells)) or f"{len(cells)} cells"
    lines_above = textwrap.wrap("; ".join(filter(None, (f"{sample}: {count}", cut))), LINE)
    title = "<br>".join(map(text, lines_above))
    figure = {"data": [drawn, _band(means, i), _line(means, i, "mean")]}
    layout = {**axes("time (h)", label), **_title(title)}
    if len(lines_above) > 1:
        layout["margin"] = {**TWO_LINES, "t": 30 + 17 * len(lines_above)}
    return {**figure, "layout": layout}


def traces_to_draw(table: pd.DataFrame, features: int, samples: int) -> int:
    """Return the number of single traces per sample and feature that a report draws."""
    frames = min(MAX_FRAMES, max(1, table["frame"].nunique()))
    return max(3, min(60, NUMBERS // (2 * frames * max(1, features * samples))))


def fit_examples(
    fits: pd.DataFrame, traces: pd.DataFrame, column: str, i: int, label: str
) -> list[Figure]:
    """Return the best, the median and the worst fit of a sample with their data.

    Args:
        fits: Fits of the sample.
        traces: Traces of the sample with `time` in hours.
        column: Column that was fitted.
        i: 0-based index of the sample, for its colour.
        label: Label of the y axis.
    """
    examples = list(example_fits(fits).items())[: fits["r_squared"].notna().sum()]
    return [
        {
            "data": _measured_and_fitted(row, traces, column, color(i)),
            "layout": {**axes("time (h)", label), **_title(_caption(name, row, fits))},
        }
        for name, row in examples
    ]


def _measured_and_fitted(
    row: "pd.Series[Any]", traces: pd.DataFrame, column: str, shade: str
) -> list[Figure]:
    cell = rows_of_cell(traces, row).dropna(subset=[column])
    time, values = cell["time"].to_numpy(float), cell[column].to_numpy(float)
    step = 1 + len(time) // MAX_FRAMES
    points = {"x": round_numbers(time[::step]), "y": round_numbers(values[::step])}
    marker = {"color": "#5A6473", "size": 4, "opacity": 0.6}
    measured = {"mode": "markers", "marker": marker, "name": "measured"}
    fitted = {"mode": "lines", "line": {"color": shade}}
    return [{**points, **measured}, {**_curve(row, time), **fitted}]


def _caption(name: str, row: "pd.Series[Any]", fits: pd.DataFrame) -> str:
    place = text(cell_text(row, fits))
    return f"<b>{name}</b>  {place}, R² {row['r_squared']:.4f}"


def _curve(row: "pd.Series[Any]", time: NDArray[np.float64]) -> Figure:
    times, values = smooth_curve(row, time, 150)
    named = {"name": str(row["model_type"])} if len(times) else {}
    return {"x": round_numbers(times), "y": round_numbers(values), **named}


def lines(
    series: Sequence[tuple[str, Sequence[float], Sequence[float]]], title: str, y_label: str
) -> Figure:
    """Return lines over time in hours, given name, x and y of each."""
    data = [
        {
            "x": round_numbers(x),
            "y": round_numbers(y),
            "mode": "lines",
            "name": text(name),
            "line": {"color": color(i), "width": 1.5},
        }
        for i, (name, x, y) in enumerate(series)
    ]
    layout = {**axes("time (h)", y_label), **_title(title)}
    if 1 < len(series) <= len(COLORS):
        layout |= {"showlegend": True, "legend": {"x": 1.02, "y": 1}}
    return {"data": data, "layout": layout}


def _drawn_mean(table: pd.DataFrame, column: str) -> tuple[pd.DataFrame, str]:
    """Return what `drawn_mean` does, thinned out if it is long."""
    means, cut = drawn_mean(table, column)
    is_kept = np.arange(len(means)) % (1 + len(means) // MAX_FRAMES) == 0
    return means[is_kept | (means["count"] == 0)], cut


def _band(means: pd.DataFrame, i: int) -> Figure:
    x: list[float | None] = []
    y: list[float | None] = []
    parts = (means["count"] == 0).cumsum()
    for _, part in means[means["count"] > 0].groupby(parts):
        time = round_numbers(part["time"])
        low, high = round_numbers(part["low"]), round_numbers(part["high"])
        x += [None] * bool(x) + time + time[::-1]
        y += [None] * bool(y) + low + high[::-1]
    return {
        "x": x,
        "y": y,
        "fill": "toself",
        "fillcolor": transparent_color(color(i), 0.18),
        "line": {"width": 0},
        "mode": "lines",
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _line(means: pd.DataFrame, i: int, name: str) -> Figure:
    return {
        "x": round_numbers(means["time"]),
        "y": round_numbers(means["mean"]),
        "customdata": means["count"].tolist(),
        "hovertemplate": "%{x:.2f} h: %{y:.4g}, %{customdata} cells",
        "mode": "lines",
        "name": name,
        "line": {"color": color(i), "width": 2.5},
    }


def transparent_color(shade: str, alpha: float) -> str:
    """Return a colour as partly transparent."""
    red, green, blue = (int(shade[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def axes(x: str, y: str) -> Figure:
    """Return a layout with the titles of both axes."""
    return {"xaxis": {"title": {"text": text(x)}}, "yaxis": {"title": {"text": text(y)}}}


def _title(title: str) -> Figure:
    return {"title": {"text": title}, "showlegend": False}
