"""One field of view on disk: its complete stacks and cells, and all of its outputs."""

import json
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pyama import layout
from pyama.errors import NotReadyError, StoreError
from pyama.metadata import MicroscopyMetadata
from pyama.store.cell_places import (
    cell_paths,
    has_previews,
    other_cell_paths,
    previews_in_folder,
    remove_cells,
    stored_cells,
)
from pyama.store.cells import (
    CELL_PREVIEWS_MARK,
    CELLS_MARK,
    CellPreviewsOutput,
    Cells,
    CellsOutput,
)
from pyama.store.damages import Damage
from pyama.store.file_reading import read_file
from pyama.store.files import remove_tree
from pyama.store.marks import MARKS, REMOVED, Mark, MarkFile
from pyama.store.not_recorded import KEY, NotRecorded
from pyama.store.outputs import SHIFTS_MARK, Output, TableOutput, tables
from pyama.store.removing import bytes_in, remove_temporaries
from pyama.store.stack_outputs import PreviewOutput, StackOutput
from pyama.store.zarr_arrays import DAMAGED, DOCUMENT, REPAIR, StoredArray


class Stack:
    """A complete stack (T, H, W), read frame by frame.

    Attributes:
        shape: (T, H, W).
        dtype: Type of the pixels.
        attributes: Attributes of the array.
    """

    def __init__(self, array: StoredArray) -> None:
        self._array = array
        self.shape = array.shape
        self.dtype = array.dtype
        self.attributes = array.attributes

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, frame: int) -> NDArray[Any]:
        """Read one frame (H, W).

        Raises:
            StoreError: Its file is missing or damaged.
            IndexError: There is no such frame.
        """
        if not 0 <= frame < len(self):
            raise IndexError(f"frame {frame} of {len(self)}")
        return self._array.frame(frame)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self[frame] for frame in range(len(self)))


def fovs_in(output_dir: Path) -> list[int]:
    """Return the indices of the fields of view that have a folder, ascending."""
    fovs = (layout.parse_fov(path.name) for path in output_dir.glob("fov_*"))
    return sorted(fov for fov in fovs if fov is not None)


class FovStore:
    """One field of view in an output folder.

    Args:
        output_dir: The output folder.
        fov: 0-based index of the field of view.
    """

    def __init__(self, output_dir: Path, fov: int) -> None:
        self.fov = fov
        self.path = Path(output_dir) / layout.fov_dir(fov)

    def mark(self, name: str) -> Mark | None:
        """Return the mark of an output; None if it is not complete."""
        return MarkFile(self.path, name).read()

    def marks(self) -> dict[str, Mark]:
        """Return the marks of all complete outputs, by the name of the output."""
        marks = {name: self.mark(name) for name in self.mark_names()}
        return {name: mark for name, mark in marks.items() if mark is not None}

    def mark_names(self) -> list[str]:
        """Return the names of all outputs that have a mark, valid or not."""
        # If only the mark was deleted, its checksums remain.
        paths = (self.path / MARKS).glob("*")
        stems = {path.stem for path in paths if path.suffix in {".json", ".sums"}}
        return [stem.replace(".", "/") for stem in sorted(stems)]

    def removed(self) -> dict[str, Mark]:
        """Return the last marks of outputs that were removed on purpose, by their name."""
        stems = [path.stem for path in sorted((self.path / MARKS).glob(f"*{REMOVED}"))]
        names = [stem.replace(".", "/") for stem in stems]
        marks = {name: MarkFile(self.path, name).removed() for name in names}
        return {name: mark for name, mark in marks.items() if mark is not None}

    def damages(self, name: str, *, thorough: bool, mark: Mark | None = None) -> list[Damage]:
        """Compare an output with its mark; see `MarkFile.damages`."""
        return MarkFile(self.path, name).damages(thorough=thorough, mark=mark)

    def stack(
        self, group: str, level: str = layout.FULL, *, digest: str | None = None
    ) -> Stack:
        """Open a complete stack.

        Args:
            group: Name of the group in `images.zarr`.
            level: `0` or `1`.
            digest: Digest of the recipe that it must be made from; None accepts any.

        Raises:
            NotReadyError: It is missing, incomplete, or made from another recipe.
        """
        self._require(f"{group}/{level}", digest)
        return Stack(StoredArray(self.path / layout.IMAGES / group / level))

    def not_recorded(
        self, group: str, metadata: MicroscopyMetadata | None = None
    ) -> NotRecorded:
        """Return the planes and pixels of a group that were not recorded.

        Args:
            group: Name of the group in `images.zarr`.
            metadata: Of the recording. It is used if the attributes of the group say nothing,
                which is so before the group is written; None where that needs not be known.

        Raises:
            StoreError: The document of the group is damaged.
        """
        _, channel = layout.parse_group(group) or ("", 0)
        known = NotRecorded()
        if metadata is not None:
            known = NotRecorded.known_to(metadata, self.fov, channel)
        path = self.path / layout.IMAGES / group / DOCUMENT
        try:
            if path.exists():
                notes = json.loads(read_file(path, REPAIR))["attributes"].get("pyama", {})
            else:
                removed = MarkFile(self.path, f"{group}/{layout.FULL}").removed()
                notes = {} if removed is None else removed.notes
            entry = notes.get(KEY)
            return known if entry is None else NotRecorded.parse(entry)
        except DAMAGED as error:
            raise StoreError(f"{path} is damaged: {error!r}. {REPAIR}") from error

    def cells(self, *, digest: str | None = None) -> Cells:
        """Open the complete cells; see `stack`.

        Raises:
            NotReadyError: They are missing, incomplete, or made from another recipe.
        """
        self._require(CELLS_MARK, digest)
        return Cells(stored_cells(MarkFile(self.path, CELLS_MARK)))

    def other_cells(self) -> list[Path]:
        """Return the form of the cells that does not count, if a conversion was killed."""
        return other_cell_paths(MarkFile(self.path, CELLS_MARK))

    def shifts(self, *, digest: str | None = None) -> Path:
        """Return the path of the complete table of shifts; see `stack`.

        Raises:
            NotReadyError: It is missing, incomplete, or made from another recipe.
            StoreError: Its checksum differs.
        """
        self._require(SHIFTS_MARK, digest)
        for damage in self.damages(SHIFTS_MARK, thorough=True):
            raise StoreError(f"{self.path / damage.path} is {damage.problem}. Run again.")
        return self._place(SHIFTS_MARK)

    def groups(self) -> list[str]:
        """Return the names of all groups in `images.zarr`, complete or not."""
        folders = (self.path / layout.IMAGES).glob("*/")
        return sorted(path.name for path in folders if layout.parse_group(path.name))

    def clean_up(self) -> list[str]:
        """Remove outputs without a mark and temporary files; return their names."""
        unfinished = self._unfinished()
        for output in unfinished:
            output.discard()
        for name in self.mark_names():
            if self.mark(name) is None:
                MarkFile(self.path, name).remove()
        for path in self.other_cells():
            remove_tree(path)
        remove_temporaries(self.path)
        return [output.name for output in unfinished]

    def unfinished(self) -> list[str]:
        """Return the names of outputs that exist without a mark."""
        return [output.name for output in self._unfinished()]

    def unfinished_bytes(self, names: Container[str]) -> int:
        """Return the size in bytes of those of the outputs without a mark that are named."""
        places = {name: [self._place(name)] for name in self.unfinished() if name in names}
        previews = places.pop(CELL_PREVIEWS_MARK, None)
        if CELLS_MARK in places:  # they hold the previews
            places[CELLS_MARK] = cell_paths(self.path)
        elif previews is not None:
            places[CELL_PREVIEWS_MARK] = previews_in_folder(self.path)
        return bytes_in(path for paths in places.values() for path in paths)

    def discard_unfinished(self, names: Container[str]) -> None:
        """Remove those of the outputs without a mark that are named."""
        for output in self._unfinished():
            if output.name in names:
                output.discard()

    def discard(self) -> None:
        """Remove every output of this field of view, the marks first."""
        for name in (MARKS, layout.IMAGES):
            remove_tree(self.path / name)
        remove_cells(self.path)
        for _, path in tables(self.path):
            path.unlink()

    def _unfinished(self) -> list[Output]:
        return [output for output in self._existing() if output.mark() is None]

    def _existing(self) -> Iterator[Output]:
        images = self.path / layout.IMAGES
        for group in self.groups():
            if (images / group / layout.PREVIEW).is_dir():
                yield PreviewOutput(self.path, group, (0, 0, 0), {})
            if any((images / group / name).exists() for name in (layout.FULL, DOCUMENT)):
                yield StackOutput(self.path, group, (0, 0, 0), "uint16")
        if has_previews(self.path):
            yield CellPreviewsOutput(self.path)
        if cell_paths(self.path):
            yield CellsOutput(self.path, ())
        for name, path in dict(tables(self.path)).items():
            yield TableOutput(self.path, path.name, name)

    def _require(self, name: str, digest: str | None) -> None:
        mark = self.mark(name)
        place = self._place(name)
        step = name.partition("/")[0]
        if mark is None and MarkFile(self.path, name).removed() is not None:
            raise NotReadyError(
                f"{place} was removed by `pyama clean`. `pyama run` with the same options "
                "makes it again."
            )
        if mark is None:
            state = "unfinished" if place.exists() else "missing"
            raise NotReadyError(f"{place} is {state}. Run the step that writes {step} first.")
        if digest is not None and mark.recipe.digest != digest:
            raise NotReadyError(
                f"{place} was made with other settings. Run the step that writes {step} again."
            )

    def _place(self, name: str) -> Path:
        if name == CELLS_MARK:
            return next(iter(cell_paths(self.path)), self.path / layout.CELLS)
        if name == SHIFTS_MARK:
            paths = [path for output, path in tables(self.path) if output == name]
            return paths[0] if paths else self.path / name
        return self.path / layout.IMAGES / name
