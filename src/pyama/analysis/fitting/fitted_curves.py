"""What was fitted, as curves over the frames of a field of view."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from pyama import layout
from pyama.analysis.fitting.model import Values
from pyama.analysis.fitting.models import MODELS
from pyama.analysis.merge import MERGED
from pyama.analysis.sample_tables import Header, load_fitted, read_header
from pyama.errors import PyamaError, StoreError
from pyama.traces.trace_files import traces_digest, traces_of

T = TypeVar("T")


@dataclass(frozen=True)
class Curve:
    """The fit of one cell.

    Attributes:
        cell: Its number.
        model: Name of the model.
        r_squared: Share of the variance that it explains.
        values: At every frame, shape (T,).
    """

    cell: int
    model: str
    r_squared: float
    values: Values


@dataclass(frozen=True)
class FitTable:
    """A table of fits that holds cells of a field of view.

    Attributes:
        path: The file.
        model: Name of the model, or `auto`.
        column: What was fitted.
        is_current: Whether the traces are still those that were fitted.
    """

    path: Path
    model: str
    column: str
    is_current: bool


def fit_tables(output_dir: Path, fov: int) -> list[FitTable]:
    """Find the fits of a field of view: of merged tables and of its own traces.

    Tables that cannot be read, and links, are left out.

    Returns:
        The one that was written last comes first.
    """
    found = [
        FitTable(path, model, str(header.get("column", "")), is_current)
        for path, header, is_current in _candidates(output_dir, fov)
        if (model := str(header.get("model", "")))
    ]
    return sorted(found, key=lambda table: -table.path.stat().st_mtime_ns)


def curves(table: FitTable, fov: int, times_h: Values) -> list[Curve]:
    """Evaluate the fits of a field of view.

    Args:
        table: See `fit_tables`.
        fov: 0-based index of the field of view.
        times_h: Hours of every frame since the first frame of the recording, shape (T,).

    Returns:
        One per cell whose fit succeeded and whose model is known here, ascending.

    Raises:
        StoreError: The table is damaged.
    """
    try:
        return sorted(_curves(table, fov, times_h), key=lambda curve: curve.cell)
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{table.path} is no table of fits: {error}. Fit again.") from error


def _curves(table: FitTable, fov: int, times_h: Values) -> Iterator[Curve]:
    changed = table.path.stat()
    fitted = _fitted(table.path, changed.st_mtime_ns, changed.st_size)
    own = fitted[(fitted["fov"] == fov) & (fitted["success"].astype(str) == "True")]
    for name, rows in own.groupby("model_type"):
        model = MODELS.get(str(name))
        if model is None or not set(model.names) <= set(rows):
            continue
        values = model.evaluate(times_h, rows[list(model.names)].to_numpy(float).T)
        cells, scores = rows["cell"], rows["r_squared"]
        for cell, r_squared, curve in zip(cells, scores, values, strict=True):
            yield Curve(int(cell), model.name, float(r_squared), curve)


@lru_cache(maxsize=4)
def _fitted(path: Path, changed_ns: int, size: int) -> pd.DataFrame:
    return load_fitted(path)


def _candidates(output_dir: Path, fov: int) -> Iterator[tuple[Path, Header, bool]]:
    traces = traces_of(output_dir, fov)
    places = [output_dir] if traces is None else [output_dir, traces.parent]
    for path in (path for place in places for path in sorted(place.glob("*_fitted_*.csv"))):
        source = _source(path)
        if path.is_symlink() or source is None:
            continue
        header = _kept(read_header, path)
        if source.name.endswith(MERGED):
            merged = _kept(read_header, source)
            if str(fov) in _section(merged, "times"):
                yield path, header, _follows(header, source) and _holds(merged, traces)
        elif (layout.parse_traces(source.name) or ("", None))[1] == fov:
            yield path, header, source == traces and _follows(header, source)


def _source(path: Path) -> Path | None:
    """Return the table beside it that was fitted; None if it is not there or not told."""
    try:
        name = str(_kept(read_header, path).get("source", ""))
    except PyamaError:
        return None
    source = path.parent / layout.safe_name(name)
    usable = source.name == name and not source.is_symlink() and source.is_file()
    return source if usable else None


def _follows(header: Header, source: Path) -> bool:
    return header.get("digest") == _kept(traces_digest, source)


def _holds(merged: Header, traces: Path | None) -> bool:
    if traces is None:
        return False
    told = _section(_section(merged, "source"), "files")
    return bool(
        told.get(f"{traces.parent.name}/{traces.name}") == _kept(traces_digest, traces)
    )


def _section(entries: Header, name: str) -> Header:
    found = entries.get(name)
    return found if isinstance(found, dict) else {}


def _kept(read: Callable[[Path], T], path: Path) -> T:
    """Read a file once, as long as it stays the same."""
    changed = path.stat()
    found: T = _read(read, path, changed.st_mtime_ns, changed.st_size)
    return found


@lru_cache(maxsize=256)
def _read(read: Callable[[Path], Any], path: Path, changed_ns: int, size: int) -> Any:
    return read(path)
