"""What killed runs and interrupted cleaning leave."""

from dataclasses import dataclass
from pathlib import Path

from pyama.fov_ranges import fovs_text
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
    remove_temporary,
)


@dataclass(frozen=True)
class LeftOvers:
    """What nothing needs any more.

    Attributes:
        unfinished: Outputs of killed runs and of interrupted cleaning, by field of view.
        temporaries: Files that were being written.
        size: Size of all in bytes.
    """

    unfinished: dict[int, tuple[str, ...]]
    temporaries: tuple[Path, ...]
    size: int

    def __bool__(self) -> bool:
        return bool(self.unfinished or self.temporaries)

    def __str__(self) -> str:
        parts = []
        if self.unfinished:
            fovs = fovs_text(list(self.unfinished))
            parts.append(f"unfinished outputs of killed runs in FOV {fovs}")
        if self.temporaries:
            parts.append(f"temporary files ({len(self.temporaries)})")
        return "; ".join(parts) or "none"


def find_left_overs(output_dir: Path) -> LeftOvers:
    """Find what killed runs and interrupted cleaning have left in a folder."""
    stores = [FovStore(output_dir, fov) for fov in fovs_in(output_dir)]
    unfinished = {store.fov: names for store in stores if (names := _unfinished(store))}
    temporaries = left_temporaries(output_dir, STALE_SECONDS)
    temporaries += [path for store in stores for path in left_temporaries(store.path)]
    size = bytes_in(temporaries)
    for fov, names in unfinished.items():
        size += FovStore(output_dir, fov).unfinished_bytes(names)
    return LeftOvers(unfinished, tuple(temporaries), size)


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


def remove_left_overs(output_dir: Path, left: LeftOvers) -> None:
    """Remove left-overs; the locks of all fields of view are held."""
    for fov, names in left.unfinished.items():
        store = FovStore(output_dir, fov)
        for name in store.removed().keys() & names:
            remove_output(MarkFile(store.path, name))
        store.discard_unfinished(set(names) - store.removed().keys())
    for path in left.temporaries:
        remove_temporary(path)
