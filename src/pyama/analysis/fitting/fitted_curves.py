"""Tables of fits of a field of view, and the fitted curves of its cells."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pyama import layout
from pyama.analysis.fitting.model import Values
from pyama.analysis.fitting.models import MODELS
from pyama.analysis.lineages import is_of_lineages
from pyama.analysis.merged_files import MERGED
from pyama.analysis.sample_tables import load_fitted
from pyama.analysis.table_files import Header, read_header
from pyama.errors import NotReadyError, PyamaError, StoreError
from pyama.file_cache import cached_while_unchanged
from pyama.traces.digests import traces_digest
from pyama.traces.inspected_tracks import tracks
from pyama.traces.inspection import Inspection
from pyama.traces.trace_files import traces_of
from pyama.traces.trace_recording import run_times

# A page asks for the same files again and again.
_header_of = cached_while_unchanged(256)(read_header)
_digest_of = cached_while_unchanged(256)(traces_digest)
_fits_of = cached_while_unchanged(4)(load_fitted)


@dataclass(frozen=True)
class Curve:
    """The fit of one cell.

    Attributes:
        cell: Number of the cell.
        model: Name of the model.
        r_squared: Fraction of the variance that the fit explains.
        values: Value of the model at every frame, shape (T,); NaN in frames that are marked
            as bad, which no fit uses.
    """

    cell: int
    model: str
    r_squared: float
    values: Values


@dataclass(frozen=True)
class FitTable:
    """A table of fits that contains cells of a field of view.

    Attributes:
        path: The file.
        model: Name of the model, or `auto`.
        column: Column that was fitted.
        is_current: Whether the current traces are those that were fitted.
    """

    path: Path
    model: str
    column: str
    is_current: bool


def fit_tables(output_dir: Path, fov: int) -> list[FitTable]:
    """Find the fits of a field of view: of merged tables and of its own traces.

    Tables that cannot be read, those of lineages, and symbolic links are left out.

    Returns:
        The tables, the most recent one first.
    """
    tables = [
        FitTable(path, model, str(header.get("column", "")), is_current)
        for path, header, is_current in _candidates(output_dir, fov)
        if (model := str(header.get("model", "")))
    ]
    return sorted(tables, key=lambda table: -table.path.stat().st_mtime_ns)


def curves(table: FitTable, output_dir: Path, fov: int) -> list[Curve]:
    """Evaluate the fits of a field of view.

    Args:
        table: One of `fit_tables`.
        output_dir: The output folder, which says at what time each frame was taken.
        fov: 0-based index of the field of view.

    Returns:
        One curve per cell whose fit succeeded and whose model is in `MODELS`, ascending.

    Raises:
        StoreError: The table or the record of the run is damaged.
    """
    times_h = np.array(run_times(output_dir, fov)) / 60
    bad = _bad_frames(output_dir, fov)
    try:
        found = sorted(_curves(table, fov, times_h), key=lambda curve: curve.cell)
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(
            f"{table.path} is not a table of fits: {error}. Fit the traces again."
        ) from error
    for curve in found:
        for first, last in bad.get(curve.cell, ()):
            curve.values[first : last + 1] = np.nan
    return found


def _bad_frames(output_dir: Path, fov: int) -> dict[int, list[tuple[int, int]]]:
    """Return the first and the last of the frames that are marked as bad, by cell."""
    try:
        table = Inspection(output_dir, fov).state().table
    except NotReadyError:  # a run is making the traces again
        return {}
    return {track.cell: track.bad for track in tracks(table)}


def smooth_curve(row: "pd.Series[Any]", time: Values, n: int) -> tuple[Values, Values]:
    """Evaluate the fit of one cell at equally spaced times, for a figure.

    Args:
        row: Row of a table of fits.
        time: Times of the points that were fitted, in h.
        n: Number of points.

    Returns:
        Times and values, shape (n,); empty if the model is not in `MODELS`, or without times.
    """
    model, time = MODELS.get(str(row["model_type"])), time[np.isfinite(time)]
    if model is None or not time.size:
        return np.empty(0), np.empty(0)
    grid = np.linspace(time.min(), time.max(), n)
    return grid, model.evaluate(grid, row[list(model.names)].to_numpy(float)[:, np.newaxis])[0]


def _curves(table: FitTable, fov: int, times_h: Values) -> Iterator[Curve]:
    fitted = _fits_of(table.path)
    in_fov = fitted[(fitted["fov"] == fov) & (fitted["success"].astype(str) == "True")]
    for name, rows in in_fov.groupby("model_type"):
        model = MODELS.get(str(name))
        if model is None or not set(model.names) <= set(rows):
            continue
        values = model.evaluate(times_h, rows[list(model.names)].to_numpy(float).T)
        cells, scores = rows["cell"], rows["r_squared"]
        for cell, r_squared, curve in zip(cells, scores, values, strict=True):
            yield Curve(int(cell), model.name, float(r_squared), curve.copy())


def _candidates(output_dir: Path, fov: int) -> Iterator[tuple[Path, Header, bool]]:
    traces = traces_of(output_dir, fov)
    places = [output_dir] if traces is None else [output_dir, traces.parent]
    for path in (path for place in places for path in sorted(place.glob("*_fitted_*.csv"))):
        source = _source(path)
        if path.is_symlink() or source is None or is_of_lineages(_header_of(path)):
            continue
        header = _header_of(path)
        if source.name.endswith(MERGED):
            merged = _header_of(source)
            if str(fov) in _section(merged, "times"):
                yield path, header, _follows(header, source) and _holds(merged, traces)
        elif (layout.parse_traces(source.name) or ("", None))[1] == fov:
            yield path, header, source == traces and _follows(header, source)


def _source(path: Path) -> Path | None:
    """Return the table in the same folder that was fitted; None if missing or unknown."""
    try:
        name = str(_header_of(path).get("source", ""))
    except PyamaError:
        return None
    source = path.parent / layout.safe_name(name)
    usable = source.name == name and not source.is_symlink() and source.is_file()
    return source if usable else None


def _follows(header: Header, source: Path) -> bool:
    return header.get("digest") == _digest_of(source)


def _holds(merged: Header, traces: Path | None) -> bool:
    if traces is None:
        return False
    digests = _section(_section(merged, "source"), "files")
    return bool(digests.get(f"{traces.parent.name}/{traces.name}") == _digest_of(traces))


def _section(entries: Header, name: str) -> Header:
    section = entries.get(name)
    return section if isinstance(section, dict) else {}
