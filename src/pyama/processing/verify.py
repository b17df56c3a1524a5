"""Verification of an output folder: files that are damaged, missing or left over."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pyama import layout, older_pyama
from pyama.analysis.result_notes import folder_remarks
from pyama.errors import ConfigError, LockedError, StoreError
from pyama.processing.record import is_intact, read_record
from pyama.processing.step_reports import Status
from pyama.store import MARKS, TEMPORARY, FovStore, MarkFile, fovs_in, lock_fovs, read_run

MADE = {Status.DONE.value, Status.UNCHANGED.value}


@dataclass(frozen=True)
class Finding:
    """One file that is damaged, missing or left over.

    Attributes:
        path: Relative to the output folder, with `/`.
        problem: Description of the problem.
        fov: 0-based index of its field of view; None for files of the whole folder.
        output: Name of the output it belongs to, such as `pc_ch_0/0`; empty for others.
    """

    path: str
    problem: str
    fov: int | None = None
    output: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


@dataclass(frozen=True)
class VerifyReport:
    """Result of the verification of an output folder.

    Attributes:
        output_dir: The output folder.
        quick: Whether only presence and size were compared.
        fovs: 0-based indices of the fields of view that were verified.
        outputs: Number of outputs that were compared with their marks.
        files: Number of their files.
        damages: Files that are missing or changed, and outputs that are not finished. The
            next run makes these outputs again.
        leftovers: Files that belong to no output. They are harmless.
        removed: Outputs that `pyama clean` has removed, by field of view. The next run makes
            them again.
        remarks: What is to be known about results that are intact, such as tables that are
            older than the traces, in sentences.
    """

    output_dir: Path
    quick: bool
    fovs: tuple[int, ...] = ()
    outputs: int = 0
    files: int = 0
    damages: tuple[Finding, ...] = ()
    leftovers: tuple[Finding, ...] = ()
    removed: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def is_intact(self) -> bool:
        """Whether all outputs exist and are as they were written."""
        return not self.damages

    def entries(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {**asdict(self), "output_dir": str(self.output_dir), "intact": self.is_intact}


def verify(
    output_dir: Path | str, fovs: Sequence[int] | None = None, quick: bool = False
) -> VerifyReport:
    """Compare every output with its mark.

    Files whose content has changed get a new modification time if the folder is writable: the
    next run reads files that are newer than their mark, and makes those outputs again.

    Args:
        output_dir: The output folder.
        fovs: 0-based indices; None is every field of view that exists or should exist.
        quick: Compare presence and size, and content only of files newer than their mark.

    Returns:
        The damaged files. Damage is reported, not raised.

    Raises:
        StoreError: The folder does not exist, or no run has written into it.
    """
    output_dir = Path(output_dir)
    if advice := older_pyama.what_to_do(output_dir):
        raise StoreError(advice)
    run = read_run(output_dir)
    try:
        made = _made(run)
    except (KeyError, TypeError, ValueError, AttributeError):  # written by someone else
        run, made = None, {}
    existing = fovs_in(output_dir)
    if not existing and run is None and not (output_dir / layout.CONFIG_FILE).exists():
        raise StoreError(
            f"{output_dir} holds no results. Name the folder that was given as --output."
        )
    chosen = sorted({*existing, *made}) if fovs is None else list(dict.fromkeys(fovs))
    check = _Check(output_dir, quick)
    check.damages += _folder_damages(output_dir, run)
    check.leftovers += _temporaries(output_dir, None, output_dir)
    for fov in chosen:
        check.field_of_view(fov, made.get(fov, set()))
    return VerifyReport(
        output_dir,
        quick,
        tuple(chosen),
        check.outputs,
        check.files,
        tuple(check.damages),
        tuple(check.leftovers),
        check.removed,
        tuple(folder_remarks(output_dir)),
    )


def _made(run: Mapping[str, Any] | None) -> dict[int, set[str]]:
    """Return the outputs that were complete at the end of the last run, by field of view."""
    if run is None:
        return {}
    return {
        int(fov): {
            name
            for step in steps.values()
            if step["status"] in MADE
            for name in step["outputs"]
        }
        for fov, steps in run["fovs"].items()
    }


def _folder_damages(output_dir: Path, run: Mapping[str, Any] | None) -> Iterator[Finding]:
    """Verify the two files that describe the run."""
    path = output_dir / layout.CONFIG_FILE
    if not path.exists():
        yield Finding(layout.CONFIG_FILE, "missing")
    elif not is_intact(path):
        yield Finding(layout.CONFIG_FILE, "changed: its checksum differs")
    if run is None:
        is_there = (output_dir / layout.RUN_FILE).exists()
        problem = "changed: its checksum differs" if is_there else "missing: no run has ended"
        yield Finding(layout.RUN_FILE, problem)
        return
    try:
        record = read_record(output_dir)
    except (ConfigError, StoreError):
        return
    if record is not None and record.metadata.identity != run["input"]["identity"]:
        yield Finding(layout.RUN_FILE, f"of another recording than {layout.CONFIG_FILE}")


@dataclass
class _Check:
    output_dir: Path
    quick: bool
    outputs: int = 0
    files: int = 0
    damages: list[Finding] = field(default_factory=list)
    leftovers: list[Finding] = field(default_factory=list)
    removed: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def field_of_view(self, fov: int, made: set[str]) -> None:
        """Verify one field of view, unless a run is working on it."""
        folder = layout.fov_dir(fov)
        if not (self.output_dir / folder).is_dir():
            self.damages.append(Finding(folder, "missing", fov))
            return
        with ExitStack() as stack:
            try:
                stack.enter_context(lock_fovs(self.output_dir, [fov]))
            except LockedError as error:
                self.damages.append(Finding(folder, f"not verified: {error}", fov))
                return
            except OSError:
                pass  # no run can be writing to a read-only folder
            self._outputs(FovStore(self.output_dir, fov), made)

    def _outputs(self, store: FovStore, made: set[str]) -> None:
        removed = store.removed()
        if removed:
            self.removed[store.fov] = tuple(sorted(removed))
        known = self._being_removed(store, removed)
        names = {*store.mark_names(), *made} - removed.keys()
        all_known = True
        for name in sorted(names):
            mark = MarkFile(store.path, name)
            files = mark.files()
            known.update(files)
            self.outputs += 1
            self.files += len(files)
            for damage in mark.damages(thorough=not self.quick):
                all_known &= not damage.path.startswith(MARKS)
                if damage.problem.startswith("changed"):
                    mark.point_out(damage.path)
                path = f"{store.path.name}/{damage.path}"
                self.damages.append(Finding(path, damage.problem, store.fov, name))
        names |= removed.keys()
        unfinished = [output for output in store.unfinished() if output not in names]
        self.damages += [
            Finding(f"{store.path.name}/{name}", "not finished", store.fov, name)
            for name in unfinished
        ]
        self.leftovers += _temporaries(self.output_dir, store.fov, store.path)
        if all_known and not unfinished:
            self.leftovers += self._strays(store, known)

    def _being_removed(self, store: FovStore, removed: Iterable[str]) -> set[str]:
        """Return the files of outputs that were removed on purpose, as far as they remain."""
        known: set[str] = set()
        for name in removed:
            mark = MarkFile(store.path, name)
            known |= {mark.removed_name, *mark.sizes()}
            if name in store.mark_names():
                problem = "left over from an interrupted `pyama clean`"
                path = f"{store.path.name}/{name}"
                self.leftovers.append(Finding(path, problem, store.fov, name))
                known.update(mark.files())
        return known

    def _strays(self, store: FovStore, known: set[str]) -> Iterator[Finding]:
        for other in store.other_cells():
            place = f"{store.path.name}/{other.name}"
            yield Finding(place, "another form of the cells counts", store.fov)
        for top in (layout.IMAGES, layout.CELLS, MARKS):
            for folder, _, names in os.walk(store.path / top):
                inside = Path(folder).relative_to(store.path).as_posix()
                for name in sorted(names):
                    if f"{inside}/{name}" not in known and not name.endswith(TEMPORARY):
                        path = f"{store.path.name}/{inside}/{name}"
                        yield Finding(path, "belongs to no output", store.fov)


def _temporaries(output_dir: Path, fov: int | None, folder: Path) -> Iterator[Finding]:
    for place in (folder, folder / MARKS):
        for path in sorted(place.glob(f"*{TEMPORARY}")):
            name = path.relative_to(output_dir).as_posix()
            yield Finding(name, "left over from an interrupted run", fov)
