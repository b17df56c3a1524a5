"""The page of files, groups and columns, from `layout` and the registries of features."""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from pyama import layout
from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.analysis.table_columns import MEANINGS, UNITS

HEAD = """# Files, groups and columns

Names in the output folder of a run, for field of view 0, channel 1 and a recording
`recording.nd2`. The [manual](../manual.md#what-comes-out) shows the whole folder with shapes
and types.

"""
EXAMPLES: dict[str, Any] = {"fov": 0, "channel": 1, "basename": "recording", "pc": 0}
COLUMNS = {
    "fov": "field of view, from 0",
    "cell": "number of the cell, from 1",
    "frame": "frame, from 0",
    "good": "whether the cell is used in the analysis; an inspection changes it",
    "position_x": "centre of the mask, px from the left edge",
    "position_y": "centre of the mask, px from the upper edge",
    "bbox_x0": "first column of the bounding box, px",
    "bbox_y0": "first row of the bounding box, px",
    "bbox_x1": "one past the last column of the bounding box, px",
    "bbox_y1": "one past the last row of the bounding box, px",
}


def file_page() -> str:
    """Return the page."""
    parts = [HEAD, "## Files and folders", "", "| name | content |", "|---|---|"]
    parts += _names(lambda name: name.endswith(("_dir", "_file", "_log")))
    parts += ["", "## Groups of `images.zarr`", "", "| name | content |", "|---|---|"]
    parts += _names(lambda name: name in GROUPS)
    parts += ["", "## Columns of traces", "", "| column | meaning |", "|---|---|"]
    parts += [f"| `{name}` | {COLUMNS[name]} |" for name in layout.BASE_COLUMNS]
    parts += ["", *_features()]
    return "\n".join(parts) + "\n"


GROUPS = (
    *("phase", "fluorescence", "labeled", "tracked", "background"),
    *("flat_field", "dark_frame"),
)


def _names(chosen: Callable[[str], bool]) -> Iterator[str]:
    for name, function in vars(layout).items():
        if not inspect.isfunction(function) or not chosen(name) or name.startswith("parse"):
            continue
        parameters = inspect.signature(function).parameters
        if parameters.keys() <= EXAMPLES.keys():
            shown = function(**{key: EXAMPLES[key] for key in parameters})
            yield f"| `{shown}` | {_meaning(function)} |"


def _meaning(function: Callable[..., Any]) -> str:
    first = " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
    words = re.sub(r"^Return the (file|folder|group) of (the )?", "", first)
    return words[:1].upper() + words[1:]


def _features() -> Iterator[str]:
    yield "## Features"
    yield ""
    yield "A feature becomes a column with the channel in its name, such as `area_ch_0`."
    for title, registry in {
        "Phase contrast": PHASE_FEATURES,
        "Fluorescence": FLUORESCENCE_FEATURES,
    }.items():
        yield from ("", f"### {title}", "", "| feature | unit | meaning |", "|---|---|---|")
        for name, feature in registry.items():
            text = " ".join((inspect.getdoc(feature) or "").split("\n\n")[0].split())
            text = f"{text} {MEANINGS.get(name, '')}".replace("|", r"\|")
            yield f"| `{name}` | {UNITS.get(name, '')} | {text} |"
