"""Folders of Micro-Manager with one file per image, described by `metadata.txt`."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pyama.errors import ReaderError
from pyama.readers.file_patterns import FileSet
from pyama.readers.micromanager import elapsed_s, positive
from pyama.symlinks import refuse_link_out

METADATA = "metadata.txt"


def has_metadata(folder: Path, names: Sequence[str]) -> bool:
    """Whether the images of a folder, or all folders of images in it, are described."""
    return all((folder / inner / METADATA).is_file() for inner in _folders(names))


def _folders(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(name.rpartition("/")[0] for name in names))


def read_folder(folder: Path, names: Sequence[str]) -> FileSet:
    """Return the files of a recording by its `metadata.txt`.

    Args:
        folder: Of one position, or of the folders of several positions.
        names: Images relative to it.

    Raises:
        ReaderError: A description is damaged.
    """
    known = set(names)
    found: list[tuple[str, list[int], dict[str, Any]]] = []
    summary: dict[str, Any] = {}
    labels: list[str] = []
    for inner in _folders(names):
        entries = _load(folder / inner / METADATA)
        summary = summary or entries.get("Summary") or {}
        prefix = f"{inner}/" if inner else ""
        described = [
            (prefix + name, [len(labels), *_place(plane)], plane)
            for name, plane in _planes(entries)
            if prefix + name in known
        ]
        if described:
            labels.append(inner)
            found += described
    if not found:
        raise ReaderError(
            f"{folder / METADATA} describes none of the images beside it. Remove it to read "
            "them by their names."
        )
    channels = {place[3]: plane.get("Channel") for _, place, plane in found}
    files = FileSet(
        [file for file, _, _ in found],
        np.array([place for _, place, _ in found]),
        {"P": labels},
        len(known) - len(found),
    )
    files.stamps_s = np.array([elapsed_s(plane) for _, _, plane in found])
    files.channel_names = [str(channels.get(i) or "") for i in range(files.shape[3])]
    sizes = (summary.get("PixelSize_um"), *(plane.get("PixelSizeUm") for _, _, plane in found))
    files.pixel_size_um = next((size for size in map(positive, sizes) if size), None)
    interval = positive(summary.get("Interval_ms"))
    files.increment_s = interval / 1000 if interval else None
    if files.n_others:
        files.remarks.append(f"{files.n_others} images are not described in {METADATA}.")
    return files


def _load(path: Path) -> dict[str, Any]:
    refuse_link_out(path)
    text = path.read_text("utf-8", errors="replace").rstrip()
    for end in ("", "}", "\n}}"):  # the program ends the file last
        try:
            entries = json.loads(text.rstrip(",") + end)
        except json.JSONDecodeError:
            continue
        if isinstance(entries, dict):
            return entries
    raise ReaderError(
        f"{path} is damaged or incomplete. Copy it again, or remove it to read the images by "
        "their names."
    )


def _planes(entries: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for key, plane in entries.items():
        if isinstance(plane, dict) and key.startswith(("FrameKey", "Metadata-")):
            name = str(plane.get("FileName") or key.removeprefix("Metadata-"))
            yield name.replace("\\", "/").rpartition("/")[2], plane


def _place(plane: dict[str, Any]) -> list[int]:
    """Return frame, z plane and channel."""
    names = ("Frame", "FrameIndex"), ("Slice", "SliceIndex"), ("ChannelIndex",)
    places = []
    for spellings in names:
        value = next((plane[name] for name in spellings if name in plane), 0)
        places.append(int(value) if str(value).isdigit() else 0)
    return places
