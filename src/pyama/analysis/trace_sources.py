"""The traces of an output folder, as parts of merged tables."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pyama import layout
from pyama.analysis.settings_by_fov import FovSettings, groups_of
from pyama.analysis.table_columns import NOT_MEASURED
from pyama.analysis.table_origins import relative_path
from pyama.errors import StoreError
from pyama.metadata import pixel_size
from pyama.traces.digests import traces_digest
from pyama.traces.trace_files import find_traces
from pyama.traces.trace_reading import load_traces
from pyama.traces.trace_recording import read_recording, run_times
from pyama.traces.trace_rows import DRIFT, PARENT


class TraceSource:
    """The recording and the traces files of an output folder.

    Args:
        output_dir: The folder.

    Attributes:
        folder: The same.
        metadata: Of the recording.
        config: Of the last run.
        files: Traces file of every field of view, inspected ones preferred.
        is_part: Whether it is joined with others, so that its selection of frames is no
            setting that is compared.

    Raises:
        StoreError: It is not an output folder, or has no traces.
    """

    def __init__(self, output_dir: Path) -> None:
        self.folder, self.is_part = output_dir, False
        self.metadata, self.config = read_recording(output_dir)
        self.files = dict(find_traces(output_dir))
        if not self.files:
            raise StoreError(
                f"{output_dir} has no traces. They are written by `pyama run` with a phase "
                "contrast channel."
            )

    def table(self, fovs: Sequence[int]) -> pd.DataFrame:
        """Return the good rows of some fields of view, with `time` in hours."""
        tables = (load_traces(self.files[fov]) for fov in fovs)
        return stacked([table[table["good"]] for table in tables])

    def times(self, fovs: Sequence[int]) -> dict[str, tuple[float, ...]]:
        """Return the time of every frame in minutes, by field of view as text."""
        return {str(fov): run_times(self.folder, fov) for fov in fovs}

    def named_pieces(self, name: str) -> "dict[str, TraceSource]":
        """Return the recordings that are joined in this one: itself, by its name."""
        return {name: self}

    def groups(self, fovs: Sequence[int]) -> list[FovSettings]:
        """Return fields of view grouped by what they were made with."""
        groups = groups_of(self.folder, fovs)
        return [group.without("frames") for group in groups] if self.is_part else groups

    def entry(self, fovs: Sequence[int], folder: Path) -> dict[str, Any]:
        """Return what a merged table in `folder` says of its source."""
        return {
            "recording": self.metadata.basename,
            "identity": self.metadata.identity,
            "frames": self.metadata.selection,
            "pixel_size_um": pixel_size(self.metadata, self.config.params),
            "folder": relative_path(self.folder, folder),
            "files": {self._relative(fov): traces_digest(self.files[fov]) for fov in fovs},
        }

    def entries(self, name: str, fovs: Sequence[int], folder: Path) -> dict[str, Any]:
        """Return what a merged table in `folder` says of this recording, by its name."""
        return {name: self.entry(fovs, folder)}

    def made_with(self, name: str, fovs: Sequence[int]) -> list[dict[str, Any]]:
        """Return what fields of view of this recording were made with."""
        return [{"recording": name, **group.entry()} for group in self.groups(fovs)]

    def joins(self) -> dict[str, str]:
        """Return in words how recordings are joined: nothing for one recording."""
        return {}

    def unpaired(self) -> Iterator[str]:
        """Yield which fields of view have no partner in joined recordings: none here."""
        return iter(())

    def sentences(self) -> Iterator[str]:
        """Yield how recordings were joined: nothing for one recording."""
        yield from ()

    def _relative(self, fov: int) -> str:
        return self.files[fov].relative_to(self.folder).as_posix()


def stacked(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate tables whose columns may differ; empty ones would change the types."""
    if any("source_cell" in table for table in tables):
        tables = [
            table if "source_cell" in table else table.assign(source_cell=table["cell"])
            for table in tables
        ]
    if any(layout.LEFT_OUT_BY in table for table in tables):
        tables = [
            table.assign(**{layout.LEFT_OUT_BY: _left_out_by(table)}) for table in tables
        ]
    for name, nothing in ((PARENT, 0), *((column, 0.0) for column in DRIFT)):
        if any(name in table for table in tables):
            tables = [
                table if name in table else table.assign(**{name: nothing}) for table in tables
            ]
    filled = [table for table in tables if len(table)] or tables[:1]
    joined = pd.concat(filled, ignore_index=True)
    fixed = [name for name in joined if name in NOT_MEASURED]
    return joined[[*fixed, *(name for name in joined if name not in NOT_MEASURED)]]


def _left_out_by(table: pd.DataFrame) -> list[str]:
    """Return the filter that left a cell out and somebody keeps it, by row; else empty."""
    values = table[layout.LEFT_OUT_BY] if layout.LEFT_OUT_BY in table else [""] * len(table)
    return [value if isinstance(value, str) else "" for value in values]
