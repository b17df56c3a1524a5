"""The files of an output folder that people take away: everything but the images."""

import os
import stat
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pyama import layout
from pyama.analysis.current_tables import FITTED, tables_in
from pyama.analysis.merged_files import MERGED
from pyama.analysis.samples import samples_text
from pyama.analysis.table_origins import known_entries
from pyama.errors import reason
from pyama.fov_ranges import fovs_text
from pyama.symlinks import refuse_link_out

KINDS = (
    *("report", "fits", "merged tables", "figures", "other tables", "record of the run"),
    *("traces", "inspections", "earlier samples"),
)
"""Kinds of files in the order in which they are shown."""
FIGURES = (".png", ".svg", ".pdf")
TABLES = (".csv", ".parquet")
RECORDS = (".yaml", ".yml", ".json", ".log", ".txt")
SAMPLES_FILE = "samples.yaml"
INCOMPLETE_FILE = "not_complete.txt"
"""In a zip archive: files that could not be read, and why."""
CHUNK = 2**20
"""Bytes that are read at a time."""


@dataclass(frozen=True)
class ResultFile:
    """A file of an output folder.

    Attributes:
        name: Path relative to the output folder, with `/` between names.
        kind: One of `KINDS`.
        path: The file.
        size: In bytes.
    """

    name: str
    kind: str
    path: Path
    size: int


def result_files(output_dir: Path) -> list[ResultFile]:
    """Return tables, fits, figures, reports and records, by kind and name.

    Images, hidden files and links are left out, and so are files of other kinds.
    """
    earlier = {path.name for path in tables_in(output_dir).earlier}
    folders = [output_dir, *sorted(p for p in output_dir.glob("fov_*") if p.is_dir())]
    found = []
    for folder in folders:
        for path in sorted(folder.iterdir()):
            size = _size(path)
            if path.name.startswith(".") or size is None:
                continue
            is_own = folder == output_dir
            kind = "earlier samples" if is_own and path.name in earlier else _kind(path.name)
            if kind:
                name = path.relative_to(output_dir).as_posix()
                found.append(ResultFile(name, kind, path, size))
    return sorted(found, key=lambda file: (KINDS.index(file.kind), file.name))


def _size(path: Path) -> int | None:
    """Return the size of a file in bytes; None if it is gone, a link, or no file."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _kind(name: str) -> str:
    """Return the kind of a file; empty for files that are not offered."""
    table = f"{Path(name).stem}.csv"
    suffix = Path(name).suffix.lower()
    if suffix in TABLES:
        if FITTED in table or "_traces_fitted_" in table:
            return "fits"
        if table.endswith(MERGED):
            return "merged tables"
        is_traces = layout.parse_traces(table) or layout.is_left_out(table)
        return "traces" if is_traces or layout.is_shifts(table) else "other tables"
    if suffix in FIGURES:
        return "figures"
    if suffix == ".html":
        return "report"
    if suffix == ".jsonl":
        return "inspections"
    return "record of the run" if suffix in RECORDS else ""


@dataclass(frozen=True)
class ResultZip:
    """What a zip archive of the results holds.

    Attributes:
        files: By safe names, in their order.
        texts: Further files: the samples of the last merge, unless there is a file of them.
    """

    files: Mapping[str, ResultFile]
    texts: Mapping[str, str]

    @property
    def count(self) -> int:
        """Number of files."""
        return len(self.files) + len(self.texts)

    @property
    def size(self) -> int:
        """Bytes before compression."""
        sizes = [file.size for file in self.files.values()]
        return sum(sizes) + sum(len(text.encode()) for text in self.texts.values())

    def chunks(self, folder: str) -> Iterator[bytes]:
        """Yield the archive piece by piece, about a mebibyte at a time.

        Args:
            folder: Name of the folder in the archive. A file that is gone meanwhile, or cannot
                be read, is named in `INCOMPLETE_FILE`.
        """
        sink, problems = _Sink(), dict[str, str]()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in self.texts.items():
                archive.writestr(_entry(f"{folder}/{name}", 0.0, 0), text)
            for name, file in self.files.items():
                try:
                    for _ in _pieces(archive, f"{folder}/{name}", file.path):
                        yield from sink.taken()
                except OSError as error:
                    problems[name] = reason(error)
            if problems:
                text = "".join(f"{name}: {why}\n" for name, why in problems.items())
                archive.writestr(_entry(f"{folder}/{INCOMPLETE_FILE}", 0.0, 0), text)
        yield from sink.taken()


def result_zip(output_dir: Path) -> ResultZip:
    """Return what a zip archive of an output folder holds.

    Tables of earlier samples are left out: their cells are in other tables as well.
    """
    files: dict[str, ResultFile] = {}
    for file in sorted(result_files(output_dir), key=lambda file: file.name):
        name = "/".join(layout.safe_name(part) for part in file.name.split("/"))
        if file.kind != "earlier samples":
            files.setdefault(name, file)
    text = "" if SAMPLES_FILE in files else _merged_samples(output_dir)
    return ResultZip(files, {SAMPLES_FILE: text} if text else {})


def _merged_samples(output_dir: Path) -> str:
    """Return the samples of the last merge as a `samples.yaml`; empty if there are none."""
    headers = [known_entries(path) for path in tables_in(output_dir).merged]
    named = [
        (str(header["sample"]), fovs_text(header["fovs"]))
        for header in headers
        if "sample" in header and isinstance(header.get("fovs"), list)
    ]
    return samples_text(named) if named else ""


def _pieces(archive: zipfile.ZipFile, name: str, path: Path) -> Iterator[None]:
    """Add a file, as long as it was when it was opened."""
    refuse_link_out(path)
    with path.open("rb") as source:
        facts = os.fstat(source.fileno())
        left = facts.st_size
        with archive.open(_entry(name, facts.st_mtime, left), "w") as target:
            while chunk := source.read(min(CHUNK, left)):
                target.write(chunk)
                left -= len(chunk)
                yield


def _entry(name: str, seconds: float, size: int) -> zipfile.ZipInfo:
    when = datetime.fromtimestamp(max(seconds, 315619200.0), UTC)  # a zip begins in 1980
    entry = zipfile.ZipInfo(name, when.timetuple()[:6])
    entry.compress_type, entry.file_size = zipfile.ZIP_DEFLATED, size
    entry.external_attr = 0o644 << 16
    return entry


class _Sink:
    """What a zip archive is written into; it cannot seek."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Keep some bytes."""
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing; `zipfile` calls it."""

    def close(self) -> None:
        """Do nothing."""

    def taken(self) -> Iterable[bytes]:
        """Return what was written since the last call."""
        parts, self._parts = self._parts, []
        return [b"".join(parts)] if parts else []
