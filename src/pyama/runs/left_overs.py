"""What killed runs and interrupted cleaning leave, and tables that were set aside."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pyama import layout
from pyama.analysis.table_origins import known_entries
from pyama.fov_ranges import fovs_text
from pyama.processing.workflow.overwriting import REPORT
from pyama.processing.workflow.run import STALE_SECONDS
from pyama.store import (
    SHIFTS_MARK,
    TRACES_MARK,
    FovStore,
    MarkFile,
    bytes_in,
    fovs_in,
    left_temporaries,
    remove_output,
)


@dataclass(frozen=True)
class LeftOvers:
    """What nothing needs any more.

    Attributes:
        unfinished: Outputs of killed runs and of interrupted cleaning, by field of view.
        temporaries: Files that were being written.
        superseded: Tables and reports in the folder of those that were set aside.
        size: Size of all in bytes.
    """

    unfinished: dict[int, tuple[str, ...]]
    temporaries: tuple[Path, ...]
    superseded: tuple[Path, ...]
    size: int

    def __bool__(self) -> bool:
        return bool(self.unfinished or self.temporaries or self.superseded)

    def __str__(self) -> str:
        parts = []
        if self.unfinished:
            fovs = fovs_text(list(self.unfinished))
            parts.append(f"unfinished outputs of killed runs in FOV {fovs}")
        if self.temporaries:
            parts.append(f"temporary files ({len(self.temporaries)})")
        if self.superseded:
            n = len(self.superseded)
            parts.append(f"files in {layout.SUPERSEDED}/, which were set aside ({n})")
        return "; ".join(parts) or "none"


def find_left_overs(output_dir: Path) -> LeftOvers:
    """Find what killed runs, interrupted cleaning and `--overwrite` have left in a folder."""
    stores = [FovStore(output_dir, fov) for fov in fovs_in(output_dir)]
    unfinished = {store.fov: names for store in stores if (names := _unfinished(store))}
    temporaries = left_temporaries(output_dir, STALE_SECONDS)
    temporaries += [path for store in stores for path in left_temporaries(store.path)]
    superseded = tuple(_superseded(output_dir / layout.SUPERSEDED))
    size = bytes_in([*temporaries, *superseded])
    for fov, names in unfinished.items():
        size += FovStore(output_dir, fov).unfinished_bytes(names)
    return LeftOvers(unfinished, tuple(temporaries), superseded, size)


def _unfinished(store: FovStore) -> tuple[str, ...]:
    """Return outputs without a mark, and those whose removal was interrupted.

    Tables, and outputs whose mark is damaged, are none of them.
    """
    marked, removed = set(store.mark_names()), store.removed().keys()
    if not marked:  # the folder was copied without its marks
        return ()
    settled = {TRACES_MARK, SHIFTS_MARK, *marked, *removed}
    unfinished = [name for name in store.unfinished() if name not in settled]
    return (*sorted(marked & removed), *unfinished)


def _superseded(folder: Path) -> Iterator[Path]:
    """Yield the files in the folder of superseded tables that this program has written."""
    if folder.is_symlink() or not folder.is_dir():
        return
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    headers = {path: known_entries(path) for path in paths if path.suffix == ".csv"}
    ours = {path for path, header in headers.items() if {"version", "source"} <= set(header)}
    listed = {str(name) for path in ours for name in headers[path].get("tidy", ())}
    report = Path(REPORT)
    for path in paths:
        first_name = re.sub(r"_\d+$", "", path.stem) + path.suffix
        is_tidy = bool({path.name, first_name} & listed)
        is_copy = path.suffix == ".parquet" and path.with_suffix(".csv") in ours
        if path in ours or is_tidy or is_copy or report.name in {path.name, first_name}:
            yield path


def remove_left_overs(output_dir: Path, left: LeftOvers) -> None:
    """Remove left-overs; the locks of all fields of view are held."""
    for fov, names in left.unfinished.items():
        store = FovStore(output_dir, fov)
        for name in store.removed().keys() & names:
            remove_output(MarkFile(store.path, name))
        store.discard_unfinished(set(names) - store.removed().keys())
    for path in (*left.temporaries, *left.superseded):
        path.unlink(missing_ok=True)
    folder = output_dir / layout.SUPERSEDED
    if left.superseded and not any(folder.iterdir()):
        folder.rmdir()
