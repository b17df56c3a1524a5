"""The page of files, groups and columns, from `layout` and the registries of features."""

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pyama import layout
from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.analysis.table_columns import MEANINGS, UNITS
from pyama.exports.codebook import COLUMNS

HEAD = """# Files, groups and columns

Names in the output folder of a run, for field of view 0, phase contrast in channel 0,
fluorescence in channel 1, and a recording `recording.nd2`. The
[manual](../manual.md#what-comes-out) shows the whole folder with shapes and types.

"""
EXAMPLES: dict[str, Any] = {"fov": 0, "channel": 1, "basename": "recording", "pc": 0}
OF_PHASE = ("phase", "labeled", "tracked")
"""Groups of the phase contrast channel."""
FILES = {
    layout.CONFIG_FILE: "channels, parameters and the description of the recording",
    layout.RUN_FILE: "state of the last run, versions, counts and times of steps",
    layout.LOG_FILE: "what the runs have done, and errors in full",
    f"{layout.fov_dir(0)}/{layout.IMAGES}": "frames, labels and background as OME-Zarr",
    f"{layout.fov_dir(0)}/{layout.CELLS}": "crops of every cell",
    f"{layout.fov_dir(0)}/{layout.CELLS_ARCHIVE}": "the same in one file, with `cells: zip`",
    "control_merged.csv": "traces of the sample `control`, of `pyama merge`",
    "control_merged_fitted_maturation.csv": "a row per cell, of `pyama fit`",
    "report.html": "figures and tables in one file, of `pyama report`",
    f"{layout.SUPERSEDED}/": "tables and reports that are replaced by others",
}


def file_page() -> str:
    """Return the page."""
    parts = [HEAD, "## Files and folders", "", "| name | content |", "|---|---|"]
    parts += [f"| `{name}` | {text} |" for name, text in FILES.items()]
    parts += _names(lambda name: name.endswith(("_dir", "_file", "_log")))
    parts += ["", "## Groups of `images.zarr`", "", "| name | content |", "|---|---|"]
    parts += _names(lambda name: name in GROUPS)
    parts += ["", "## Columns of traces", "", *_columns(layout.BASE_COLUMNS)]
    others = [name for name in COLUMNS if name not in layout.BASE_COLUMNS]
    parts += ["", "## Further columns", "", "In some tables, or in exported ones only.", ""]
    parts += [*_columns(others), "", FITS]
    parts += ["", *_features()]
    return "\n".join(parts) + "\n"


FITS = """## Columns of fits

A table of fits has a row per cell: the parameters of the [model](models.md) under their names,
their standard errors with `_se`, `r_squared`, and `class`. [Uncertainties of fits](../fits.md)
says what they mean.
"""
GROUPS = (
    *("phase", "fluorescence", "labeled", "tracked", "background"),
    *("flat_field", "dark_frame"),
)


def _columns(names: Sequence[str]) -> Iterator[str]:
    yield from ("| column | unit | meaning |", "|---|---|---|")
    yield from (f"| `{name}` | {COLUMNS[name][0]} | {COLUMNS[name][1]} |" for name in names)


def _names(chosen: Callable[[str], bool]) -> Iterator[str]:
    for name, function in vars(layout).items():
        if not inspect.isfunction(function) or not chosen(name) or name.startswith("parse"):
            continue
        parameters = inspect.signature(function).parameters
        if parameters.keys() <= EXAMPLES.keys():
            given = EXAMPLES | ({"channel": EXAMPLES["pc"]} if name in OF_PHASE else {})
            shown = function(**{key: given[key] for key in parameters})
            yield f"| `{shown}` | {_meaning(function)} |"


def _meaning(function: Callable[..., Any]) -> str:
    first = " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
    words = re.sub(r"^Return the (file|folder|group) of (the )?", "", first)
    return words.rstrip(".")


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
