"""What is exported: fields of view of an output folder, their traces and their labels."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pyama import layout
from pyama.analysis.samples import load_samples
from pyama.errors import ConfigError, StoreError
from pyama.fov_ranges import fovs_text, parse_fovs
from pyama.metadata import pixel_size
from pyama.store import TRACES_MARK, FovStore
from pyama.traces.trace_files import traces_of, unused_inspections
from pyama.traces.trace_reading import load_traces
from pyama.traces.trace_recording import read_recording, run_times

SOURCE = "source_cell"


@dataclass(frozen=True)
class Selection:
    """What of an output folder is exported.

    Attributes:
        fovs: Fields of view such as `0-3,7`; None takes all that have finished traces.
        bad: Whether rows that were marked as bad are exported, too.
        left_out: Whether cells that a filter has left out are exported, too.
        samples: A file `samples.yaml`, whose names become a column.
    """

    fovs: str | None = None
    bad: bool = False
    left_out: bool = False
    samples: Path | None = None


@dataclass
class Exported:
    """What an export did.

    Attributes:
        files: Files and folders that were written.
        fovs: Fields of view that they hold.
        problems: Which fields of view could not be exported, and why, in sentences.
        notes: What else to know, in sentences.
    """

    files: list[Path] = field(default_factory=list)
    fovs: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class ExportSource:
    """The fields of view of an output folder that are exported.

    Args:
        output_dir: The output folder of a run.
        selection: What is exported.

    Attributes:
        metadata: Of the recording.
        config: Of the last run.
        pixel_size_um: Side of a pixel; None if unknown.
        fovs: Fields of view with finished traces, ascending.
        notes: Fields of view that are not finished, and inspections that are not used.
        samples: Fields of view by sample, None without a file of samples.

    Raises:
        StoreError: It is not an output folder, or has no finished traces.
        ConfigError: A field of view was named that has none, or samples are wrong.
    """

    def __init__(self, output_dir: Path, selection: Selection) -> None:
        self.folder, self._selection = Path(output_dir), selection
        self.metadata, self.config = read_recording(self.folder)
        self.pixel_size_um = pixel_size(self.metadata, self.config.params)
        everything = range(self.metadata.n_fovs)
        named = selection.fovs
        wanted = everything if named is None else sorted(parse_fovs(named, len(everything)))
        self.fovs = [fov for fov in wanted if self._is_finished(fov)]
        absent = [fov for fov in wanted if fov not in self.fovs]
        if absent and (named is not None or not self.fovs):
            kind = StoreError if named is None else ConfigError
            raise kind(
                f"FOV {fovs_text(absent)} of {self.folder} has no finished traces. "
                "`pyama run` with a phase contrast channel writes them."
            )
        self.notes = [
            f"FOV {fovs_text(absent)} has no finished traces and is not exported."
        ] * bool(absent) + unused_inspections(self.folder, self.fovs)
        self.samples = None if selection.samples is None else self._samples(selection.samples)

    def table(self, fov: int) -> pd.DataFrame:
        """Return the rows of one field of view that are exported, by cell and frame.

        Returns:
            The columns of the traces with `time` in hours; if cells that a filter has left
            out are exported, `left_out_by` names it, and is empty for all others.

        Raises:
            StoreError: The traces are damaged or missing.
        """
        store = FovStore(self.folder, fov)
        for damage in store.damages(TRACES_MARK, thorough=True):
            raise StoreError(f"{store.path / damage.path} is {damage.problem}")
        path = traces_of(self.folder, fov)
        if path is None:
            raise StoreError(f"{store.path} has no traces")
        table = load_traces(path)
        if self._selection.left_out:
            table = self._with_left_out(fov, path, table)
        kept = table if self._selection.bad else table[table["good"]]
        return kept.sort_values(["cell", "frame"], kind="stable", ignore_index=True)

    def times_h(self, fov: int) -> NDArray[np.float64]:
        """Return the time of every frame in hours, shape (T,)."""
        return np.array(run_times(self.folder, fov), np.float64) / 60

    def sample_of(self, fov: int) -> str | None:
        """Return the name of the sample of a field of view; None if it is in none."""
        named = (name for name, fovs in (self.samples or {}).items() if fov in fovs)
        return next(named, None)

    def labels(self, fov: int, numbers: pd.DataFrame) -> "LabelFrames":
        """Return the labels of a field of view with other numbers.

        Args:
            fov: The field of view.
            numbers: Columns frame, the number in the labels of the run (`source_cell`), and
                the number that it gets (`label`); all other cells become background.

        Raises:
            StoreError: The labels are not finished.
        """
        pc = self.config.channels.pc
        if pc is None:
            raise StoreError("The run had no phase contrast channel, in which cells are found")
        return LabelFrames(FovStore(self.folder, fov), layout.tracked(pc.channel), numbers)

    def export_each(self, act: Callable[[int, pd.DataFrame], Path]) -> Exported:
        """Export every field of view by itself; those with damaged files are left out.

        Args:
            act: Takes the field of view and its rows, and returns what it has written.

        Raises:
            StoreError: None could be exported.
        """
        done = Exported(notes=list(self.notes))
        for fov in self.fovs:
            try:
                done.files.append(act(fov, self.table(fov)))
                done.fovs.append(fov)
            except StoreError as error:
                reason = str(error).rstrip(".")
                done.problems.append(f"FOV {fov} is not exported: {reason}.")
        if not done.fovs:
            raise StoreError("\n".join(done.problems))
        return done

    def _is_finished(self, fov: int) -> bool:
        return FovStore(self.folder, fov).mark(TRACES_MARK) is not None

    def _samples(self, path: Path) -> dict[str, list[int]]:
        finished = [f for f in range(self.metadata.n_fovs) if self._is_finished(f)]
        samples = load_samples(path, finished)
        outside = [f for f in self.fovs if all(f not in fovs for fovs in samples.values())]
        if outside:
            self.notes.append(f"FOV {fovs_text(outside)} is in no sample of {path}.")
        return samples

    def _with_left_out(self, fov: int, path: Path, table: pd.DataFrame) -> pd.DataFrame:
        parsed = layout.parse_traces(path.name)
        file = path.with_name(layout.left_out_file(parsed[0] if parsed else "", fov))
        table = table.assign(**{layout.LEFT_OUT_BY: _texts(table)})
        if not file.exists():  # results of earlier versions have none
            return table
        others = load_traces(file).rename(columns={"reason": layout.LEFT_OUT_BY})
        known = table[SOURCE] if SOURCE in table else table["cell"]
        others = others[~others["cell"].isin(known)]
        if SOURCE in table:
            others = others.assign(**{SOURCE: others["cell"]})
        return pd.concat([table, others[table.columns]], ignore_index=True)


def _texts(table: pd.DataFrame) -> pd.Series:
    if layout.LEFT_OUT_BY in table:
        return table[layout.LEFT_OUT_BY].fillna("").astype("str")
    return pd.Series("", table.index, dtype="str")


class LabelFrames:
    """The labels of one field of view with the numbers of an export.

    Attributes:
        shape: (T, H, W).
        dtype: uint16, or uint32 with numbers beyond 65535.
    """

    def __init__(self, store: FovStore, group: str, numbers: pd.DataFrame) -> None:
        self._stack = store.stack(group)
        self.shape = self._stack.shape
        largest = int(numbers["label"].max()) if len(numbers) else 0
        self.dtype = np.dtype(np.uint16 if largest <= np.iinfo(np.uint16).max else np.uint32)
        self._numbers = {
            frame: (rows[SOURCE].to_numpy(), rows["label"].to_numpy())
            for frame, rows in numbers.groupby("frame")
        }

    def __iter__(self) -> Iterator[NDArray[np.unsignedinteger]]:
        nothing = np.zeros(0, np.int64)
        for t in range(self.shape[0]):
            frame = self._stack[t]
            source, given = self._numbers.get(t, (nothing, nothing))
            table = np.zeros(max(int(frame.max()), int(source.max(initial=0))) + 1, self.dtype)
            table[source] = given
            yield table[frame]


def numbers_of(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns frame, source_cell and label (the number of the cell) of traces."""
    source = table[SOURCE] if SOURCE in table else table["cell"]
    return pd.DataFrame({"frame": table["frame"], SOURCE: source, "label": table["cell"]})
