"""Results in Python: `pyama.open_results("results")`."""

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from pyama import layout
from pyama.analysis.current_tables import tables_in
from pyama.analysis.sample_tables import load_fitted
from pyama.analysis.trace_sources import stacked
from pyama.errors import ConfigError, NotReadyError
from pyama.exports.lazy_stack import LazyStack
from pyama.fov_ranges import fovs_text
from pyama.metadata import frame_times, pixel_size
from pyama.sentences import count_text
from pyama.store import TRACES_MARK, FovStore, fovs_in
from pyama.traces.trace_files import traces_of
from pyama.traces.trace_reading import in_hours, load_traces
from pyama.traces.trace_recording import read_recording


class FieldOfView:
    """The results of one field of view; everything is read when it is asked for.

    Attributes:
        fov: 0-based index.
        name: Name of the position; empty without one.
    """

    def __init__(self, results: "Results", fov: int) -> None:
        self.fov, self._results = fov, results
        names = results.metadata.position_names
        self.name = names[fov] if fov < len(names) else ""
        self._store = FovStore(results.folder, fov)

    @property
    def stacks(self) -> dict[str, LazyStack]:
        """Complete stacks by the names of their groups, such as `pc_ch_0`."""
        names = [name for name in self._store.groups() if self._is_complete(name)]
        return {name: self.stack(name) for name in names}

    def stack(self, group: str) -> LazyStack:
        """Open a stack, such as `seg_tracked_ch_0`.

        Raises:
            NotReadyError: It is missing, incomplete or removed.
        """
        known = self._results
        times = known.times_min(self.fov)
        return LazyStack(self._store.stack(group), group, times, known.pixel_size_um)

    @property
    def traces(self) -> pd.DataFrame:
        """Traces with `time` in hours; inspected ones, if there are any.

        Raises:
            NotReadyError: They are not finished.
        """
        path = traces_of(self._results.folder, self.fov)
        if path is None:
            raise NotReadyError(f"{self._store.path} has no traces. `pyama run` writes them.")
        return load_traces(path)

    @property
    def left_out(self) -> pd.DataFrame:
        """Rows of cells that a filter has left out, with `reason`; empty without a table."""
        tables = (path for path in self._store.path.glob("*.csv"))
        found = [path for path in tables if layout.is_left_out(path.name)]
        return load_traces(found[0]) if found else pd.DataFrame({"reason": []})

    def _is_complete(self, group: str) -> bool:
        return self._store.mark(f"{group}/{layout.FULL}") is not None

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        is_done = self._store.mark(TRACES_MARK) is not None
        state = "with traces" if is_done else "without traces"
        return f"<FOV {self.fov}{name} {state}: {', '.join(self.stacks) or 'no stacks'}>"


class Results:
    """The output folder of a run; see `open_results`.

    Attributes:
        folder: The folder.
        metadata: Of the recording.
        config: Channels and parameters of the last run.
        pixel_size_um: Side of a pixel in µm; None if unknown.
        fovs: Indices of the fields of view that have results, ascending.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metadata, self.config = read_recording(folder)
        self.pixel_size_um = pixel_size(self.metadata, self.config.params)
        self.fovs = tuple(fovs_in(folder))

    def __getitem__(self, fov: int) -> FieldOfView:
        """Return a field of view.

        Raises:
            ConfigError: It has no results.
        """
        if fov not in self.fovs:
            there = fovs_text(self.fovs) if self.fovs else "none"
            raise ConfigError(
                f"FOV {fov} has no results in {self.folder}. There are: {there}."
            )
        return FieldOfView(self, fov)

    def __iter__(self) -> Iterator[FieldOfView]:
        return (self[fov] for fov in self.fovs)

    def __len__(self) -> int:
        return len(self.fovs)

    def times_min(self, fov: int) -> tuple[float, ...]:
        """Return the time of every frame of a field of view in minutes."""
        return frame_times(self.metadata, self.config.params, fov)[0]

    @property
    def settings(self) -> dict[str, Any]:
        """Parameters of the last run by their names."""
        return self.config.params.model_dump()

    @property
    def traces(self) -> pd.DataFrame:
        """Traces of all fields of view that are finished, with `time` in hours."""
        done = [one.traces for one in self if traces_of(self.folder, one.fov)]
        if not done:
            raise NotReadyError(f"{self.folder} has no traces. `pyama run` writes them.")
        return in_hours(stacked(done))

    @property
    def left_out(self) -> pd.DataFrame:
        """Rows of all cells that a filter has left out, with `reason`."""
        tables = [one.left_out for one in self]
        filled = [table for table in tables if len(table)] or tables[:1]
        return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()

    @property
    def fits(self) -> pd.DataFrame:
        """Fits of the samples of the last merge, with the column `sample`; may be empty."""
        found = [load_fitted(path) for path in tables_in(self.folder).fitted]
        return pd.concat(found, ignore_index=True) if found else pd.DataFrame()

    def __repr__(self) -> str:
        return f"<Results of {self.metadata.basename}: {'; '.join(self._facts().values())}>"

    def _repr_html_(self) -> str:
        rows = {
            "recording": self.metadata.basename,
            "folder": str(self.folder),
        } | self._facts()
        cells = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th><td>{escape(text)}</td></tr>"
            for name, text in rows.items()
        )
        return f"<table>{cells}</table>"

    def _facts(self) -> dict[str, str]:
        size = self.pixel_size_um
        return {
            "fields of view": f"{count_text(len(self), 'field')} of view",
            "frames": count_text(self.metadata.n_frames, "frame"),
            "channels": ", ".join(self.metadata.channel_names),
            "pixel": "size of a pixel unknown" if size is None else f"{size:g} µm/px",
        }


def open_results(folder: Path | str) -> Results:
    """Open the output folder of a run. Nothing is read but what is asked for.

    Args:
        folder: The folder; runs may be at work in it.

    Raises:
        StoreError: It is not an output folder.
        ConfigError: Its configuration is damaged.

    Examples:
        >>> field = pyama.open_results("results")[0]
        >>> field.stack("seg_tracked_ch_0").shape
        (6, 172, 160)
    """
    return Results(Path(folder))
