"""Figures of numbers per cell: classes of fits, histograms, scatter plots, counts."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pyama.analysis.expression import NOT_EXPRESSING
from pyama.analysis.figures.colours import color, random_places
from pyama.analysis.fitting.model_choice import UNDECIDED
from pyama.analysis.histograms import axis_range, sample_histogram
from pyama.analysis.report.plotly_figures import (
    Figure,
    axes,
    round_numbers,
    text,
    transparent_color,
)

CLASSES = {
    "good": "#009E73",
    "fair": "#E69F00",
    "poor": "#D55E00",
    NOT_EXPRESSING: "#56B4E9",
    UNDECIDED: "#CC79A7",
    "failed": "#9AA0A6",
}
MARGIN = 0.04
"""Free space at both ends of an axis, as a part of its range."""
MAX_POINTS = 4000
"""Largest number of points of a scatter plot; of more, some are taken at random."""


def classes(fits: pd.DataFrame, samples: Sequence[str]) -> Figure:
    """Return the shares of the classes of fits in every sample."""
    counts = pd.crosstab(fits["sample"], fits["class"])
    counts = counts.reindex(index=list(samples), columns=list(CLASSES), fill_value=0)
    share = 100 * counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "y": [text(sample) for sample in samples],
            "x": round_numbers(share[name]),
            "text": [str(n) if n else "" for n in counts[name].tolist()],
            "marker": {"color": shade},
            "hovertemplate": f"%{{y}}: %{{text}} {name} (%{{x:.1f}} %)<extra></extra>",
        }
        for name, shade in CLASSES.items()
    ]
    layout = {**axes("cells (%)", ""), "barmode": "stack", "height": 130 + 26 * len(samples)}
    layout["yaxis"] = {"autorange": "reversed", "type": "category"}
    layout["xaxis"]["range"] = [0, 100]
    return {"data": data, "layout": layout}


def histogram(table: pd.DataFrame, column: str, samples: Sequence[str], label: str) -> Figure:
    """Return the histogram of a number in every sample, as shares of its cells.

    Values far from all others are outside of the axes; the label of the x axis gives their
    number.
    """
    bins = sample_histogram(table, column, samples)
    centres = round_numbers((bins.edges[1:] + bins.edges[:-1]) / 2)
    data = [
        {
            "x": centres,
            "y": round_numbers(bins.shares[sample]),
            "name": text(sample),
            "mode": "lines",
            "line": {"shape": "hvh", "color": color(i), "width": 1.5},
            "fill": "tozeroy",
            "fillcolor": transparent_color(color(i), 0.12),
        }
        for i, sample in enumerate(samples)
    ]
    if bins.not_shown:
        label += f"; {bins.not_shown}"
    return {"data": data, "layout": axes(label, "cells (%)")}


def scatter(
    table: pd.DataFrame, columns: Mapping[str, str], samples: Sequence[str]
) -> dict[str, Any]:
    """Return the numbers of every cell for a plot whose axes the reader chooses.

    Args:
        table: One row per cell with the column `sample`.
        columns: Labels by the names of the columns.
        samples: Names of the samples.
    """
    kept = table.iloc[random_places(len(table), MAX_POINTS)]
    series = []
    for i, sample in enumerate(samples):
        cells = kept[kept["sample"] == sample]
        ids = zip(cells["fov"].tolist(), cells["cell"].tolist(), strict=True)
        series.append(
            {
                "name": text(sample),
                "color": color(i),
                "cells": [f"FOV {fov}, cell {cell}" for fov, cell in ids],
                "values": {
                    name: round_numbers(cells[name].to_numpy(float)) for name in columns
                },
            }
        )
    return {
        "columns": {name: text(label) for name, label in columns.items()},
        "ranges": {name: round_numbers(axis_range(kept, name, MARGIN)) for name in columns},
        "series": series,
    }


def stacked_bars(fovs: Sequence[int], parts: Mapping[str, Sequence[int]]) -> Figure:
    """Return numbers of cells per field of view, split by why they were kept or left out."""
    shades = ("#0072B2", "#E69F00", "#CC79A7", "#D55E00")
    data = [
        {
            "type": "bar",
            "name": name,
            "x": list(fovs),
            "y": list(counts),
            "marker": {"color": shade},
        }
        for (name, counts), shade in zip(parts.items(), shades, strict=True)
    ]
    layout = {**axes("field of view", "cells"), "barmode": "stack"}
    layout["xaxis"]["type"] = "category"
    return {"data": data, "layout": layout}
