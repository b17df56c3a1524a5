"""The outputs of steps: an output counts as complete when its mark is written, last."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pyama import layout
from pyama.errors import StoreError
from pyama.store.files import FileSink, FolderFiles, Ledger, path_in_errors, replace_file
from pyama.store.marks import Mark, MarkFile
from pyama.store.ome import Scale, Series, root_documents
from pyama.store.recipe import Recipe
from pyama.store.scratch import place_in, publish

ROOT_MARK = "images"
TRACES_MARK = "traces"
SHIFTS_MARK = "shifts"
Write = Callable[[Any], object]
"""A function that takes the next item of an output."""


class Output(ABC):
    """Files written by one step, and the mark that declares them complete.

    Args:
        fov_path: Folder of the field of view.
        name: Name of the output; it is also the name of its mark.
    """

    def __init__(self, fov_path: Path, name: str) -> None:
        self.fov_path = fov_path
        self.name = name
        self.mark_file = MarkFile(fov_path, name)

    def mark(self) -> Mark | None:
        """Return the mark; None if the output is not complete."""
        return self.mark_file.read()

    def is_done(self, recipe: Recipe) -> bool:
        """Whether the output is complete, was made from `recipe`, and its files exist."""
        mark = self.mark()
        if mark is None or mark.recipe.digest != recipe.digest:
            return False
        return not self.mark_file.damages(thorough=False, mark=mark)

    def discard(self) -> None:
        """Remove the output, its mark first."""
        self.mark_file.remove()
        self._remove()

    @contextmanager
    def writing(
        self, recipe: Recipe, notes: Mapping[str, Any], scratch: Path | None = None
    ) -> Iterator[Write]:
        """Yield a function that takes the items of the output one by one.

        The output is finished only if the block ends without an exception. What was written
        until then stays for inspection and is replaced by the next run.

        Args:
            recipe: What the output is made from.
            notes: Counts of the step; read at the end of the block.
            scratch: A folder of this computer in which the output is made and, when it is
                complete, copied from; what is unfinished then does not stay.
        """
        self.discard()
        with ExitStack() as stack:
            place = self.fov_path
            if scratch is not None:
                place = stack.enter_context(place_in(scratch))
            with self._files(place) as files:
                ledger = Ledger(files)
                with self._open(ledger, place) as write:
                    yield write
                self._describe(ledger, notes)
            if scratch is not None:
                publish(place, self.fov_path)
        self.mark_file.write(recipe, notes, ledger)

    @contextmanager
    def _files(self, place: Path) -> Iterator[FileSink]:
        """Yield what takes files in a folder; they are complete at the end of the block."""
        yield FolderFiles(place)

    @abstractmethod
    def _open(self, ledger: Ledger, place: Path) -> Any:
        """Return a context manager that yields the function which takes the items.

        Args:
            ledger: Takes the files.
            place: Folder in which they are made.
        """

    def _describe(self, ledger: Ledger, notes: Mapping[str, Any]) -> None:  # noqa: B027
        """Write documents whose content is known only at the end."""

    @abstractmethod
    def _remove(self) -> None:
        """Remove the files."""


class RootOutput(Output):
    """The documents at the root of `images.zarr`; takes no items."""

    def __init__(self, fov_path: Path, series: Sequence[Series], scale: Scale) -> None:
        super().__init__(fov_path, ROOT_MARK)
        self.documents = root_documents(series, scale)

    @contextmanager
    def _open(self, ledger: Ledger, place: Path) -> Iterator[Write]:
        def refuse(item: object) -> None:
            raise StoreError(f"{self.name} takes no items, got {item!r}.")

        for path, document in self.documents.items():
            ledger.write(f"{layout.IMAGES}/{path}", document)
        yield refuse

    def _remove(self) -> None:
        for path in self.documents:
            (self.fov_path / layout.IMAGES / path).unlink(missing_ok=True)


class TableOutput(Output):
    """One CSV file; takes parts of its text.

    Args:
        fov_path: Folder of the field of view.
        file_name: Name of the file.
        name: Name of the output, `TRACES_MARK` or `SHIFTS_MARK`.
    """

    def __init__(self, fov_path: Path, file_name: str, name: str = TRACES_MARK) -> None:
        super().__init__(fov_path, name)
        self.file_name = file_name

    @contextmanager
    def _open(self, ledger: Ledger, place: Path) -> Iterator[Write]:
        with _table(place / self.file_name, ledger) as write:
            yield write

    def _remove(self) -> None:
        # For any base name: no second table remains after the recording was renamed.
        for name, path in tables(self.fov_path):
            if name == self.name:
                path.unlink()


class TracesOutput(TableOutput):
    """The traces and, in a second file, the cells that are left out of them.

    Takes pairs of texts, one for each file.

    Args:
        fov_path: Folder of the field of view.
        file_name: Name of the traces file.
        left_out: Name of the second file.
    """

    def __init__(self, fov_path: Path, file_name: str, left_out: str) -> None:
        super().__init__(fov_path, file_name)
        self.left_out = left_out

    @contextmanager
    def _open(self, ledger: Ledger, place: Path) -> Iterator[Write]:
        with (
            _table(place / self.left_out, ledger) as write_left_out,
            _table(place / self.file_name, ledger) as write,
        ):
            yield lambda texts: (write(texts[0]), write_left_out(texts[1]))


@contextmanager
def _table(path: Path, ledger: Ledger) -> Iterator[Write]:
    with path_in_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replace_file(path) as temporary:
            with temporary.open("w", encoding="utf-8", newline="") as file:
                yield file.write
            data = temporary.read_bytes()
    ledger.add(path.name, data)


def tables(fov_path: Path) -> list[tuple[str, Path]]:
    """Return name of the output and path of the tables that steps wrote for a field of view.

    Inspected traces are not included.
    """
    outputs = []
    for path in sorted(fov_path.glob("*.csv")):
        parsed = layout.parse_traces(path.name)
        if (parsed and not parsed[2]) or layout.is_left_out(path.name):
            outputs.append((TRACES_MARK, path))
        elif layout.is_shifts(path.name):
            outputs.append((SHIFTS_MARK, path))
    return outputs


def check_count(name: str, done: int, expected: int) -> None:
    """Raise an error if an output got too many or too few frames.

    Raises:
        StoreError: The numbers differ.
    """
    if done != expected:
        raise StoreError(f"{name} got {done} frames, expected {expected}.")
