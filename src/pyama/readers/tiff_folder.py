"""Recordings of many TIFF files: folders whose files are named by a pattern."""

import hashlib
from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pyama.errors import ReaderError
from pyama.readers import PROPOSED, Z_IS_TIME, ZSelection, file_identity
from pyama.readers.file_patterns import (
    PATTERN_HELP,
    FileSet,
    file_set,
    image_names,
    split_axes,
)
from pyama.readers.micromanager_folder import has_metadata, read_folder
from pyama.readers.pattern_proposal import propose_pattern
from pyama.readers.planes import check_sizes, translate_errors, unsupported_error
from pyama.readers.tiff import Places, TiffReader, described, take_times
from pyama.readers.tiff_facts import AXES, TiffFacts
from pyama.readers.tiff_planes import check_pixels, n_planes_in, open_tiff
from pyama.readers.tiff_stack import read_tiff_facts
from pyama.sentences import count_text
from pyama.symlinks import refuse_link_out


def open_folder(folder: Path, z: ZSelection, axes: str) -> TiffReader:
    """Open the TIFF files in a folder as one recording.

    Args:
        folder: The folder; files may be in it, or in folders below it.
        z: Which planes of a z stack are read.
        axes: A pattern of names. `PROPOSED` takes one that the names suggest; empty refuses a
            folder that does not describe its files.

    Raises:
        ReaderError: The files cannot be read, or it is not known which is which.
        ConfigError: `axes` is no pattern.
    """
    with translate_errors(folder):
        names = image_names(folder)
        if len(names) < 2:
            raise ReaderError(f"{folder} is a folder. Name the microscope file in it.")
        if axes in ("", PROPOSED) and has_metadata(folder, names):
            return open_files(folder, folder, read_folder(folder, names), z)
        pattern, question = _pattern(folder, names, axes)
        pattern, pages = split_axes(pattern)
        return open_files(folder, folder, file_set(folder, names, pattern), z, pages, question)


def _pattern(folder: Path, names: Sequence[str], axes: str) -> tuple[str, str]:
    """Return a pattern, and what to confirm if it is a proposal."""
    if axes not in ("", PROPOSED):
        return axes, ""
    proposal = propose_pattern(names)
    if proposal is None:
        raise ReaderError(
            f"{folder} contains {len(names)} TIFF files, such as {names[0]} and {names[-1]}, "
            "whose names do not say which image is which. For a recording of several files, "
            f"{PATTERN_HELP}: --set 'axes=PATTERN'"
        )
    files = file_set(folder, names, proposal)
    others = f", without {count_text(files.n_others, 'other file')}" if files.n_others else ""
    question = (
        f"The files of {folder} seem to be {files.axes_text()}{others}. If this is right, "
        f"confirm it: --set 'axes={proposal}'"
    )
    if axes != PROPOSED:
        raise ReaderError(question)
    return proposal, question


def open_files(
    path: Path,
    folder: Path,
    files: FileSet,
    z: ZSelection,
    page_axes: str = "",
    question: str = "",
) -> TiffReader:
    """Open files of known places as one recording.

    Args:
        path: What the user named.
        folder: Of the files.
        files: Names and places.
        z: Which planes of a z stack are read.
        page_axes: The axes of each file, if it is a stack that does not say them.
        question: What is to be confirmed.

    Raises:
        ReaderError: The files differ, or contain unsupported images.
    """
    check_sizes(folder, 1, 1, prod(files.shape), len(files.names))
    index = np.full(files.shape, -1)
    index[tuple(files.places.T)] = np.arange(len(files.names))
    paths = [folder / name for name in files.names]
    for one in paths:
        refuse_link_out(one)
    stacks = [_first_stack(paths, fov, page_axes) for fov in index]
    stack, shapes, dtypes = (
        stacks[0][0],
        [one[2] for one in stacks],
        {one[3] for one in stacks},
    )
    if len(dtypes) > 1:
        raise unsupported_error(folder, "images that differ in pixel type")
    places = _combined(folder, paths, index, [one[1] for one in stacks], shapes, dtypes.pop())
    _add_file_facts([one[0] for one in stacks], files, index)
    facts = described(path, places, stack)
    facts.format = f"{stack.kind} files"
    facts.question = question
    facts.remarks = [*facts.remarks, *files.remarks]
    if len(places.shapes) > 1:
        facts.position_names = files.labels.get("P", ())
    facts.identity = _identity(paths, files)
    take_times(facts, stack, is_time_lapse=z == Z_IS_TIME)
    return TiffReader(facts, places, z, "the first file of the field of view")


def _first_stack(
    paths: Sequence[Path], index: NDArray[np.int64], page_axes: str
) -> tuple[TiffFacts, NDArray[np.int64], tuple[int, int], str]:
    """Return what the first file of a field of view says: facts, pages, shape and type."""
    present = index[index >= 0]
    path = paths[present[0]]
    with translate_errors(path), open_tiff(path) as file:
        page = file.pages.first
        check_pixels(path, page)
        stack = read_tiff_facts(file, page_axes)
        if "?" in stack.sizes:
            raise ReaderError(
                f"{path} has {count_text(stack.n_declared, 'plane')} and does not say what "
                "they are. Add their axes to the pattern, after a colon: "
                "--set 'axes=PATTERN:t' if they are frames."
            )
        n_stored = n_planes_in(file, stack.n_declared)
        height, width = page.shape
        check_sizes(path, height, width, stack.n_declared, n_stored)
        return stack, stack.page_numbers(n_stored), (height, width), str(page.dtype)


def _combined(
    folder: Path,
    paths: Sequence[Path],
    index: NDArray[np.int64],
    pages: list[NDArray[np.int64]],
    shapes: list[tuple[int, int]],
    dtype: str,
) -> Places:
    """Return the places of planes: those of files, and of the planes in each of them."""
    inner = tuple(np.max([one.shape for one in pages], axis=0).tolist())
    both = [AXES[i].lower() for i in range(4) if inner[i] > 1 and index.shape[i] > 1]
    if both or (inner[0] > 1 and len(pages) > 1):
        raise ReaderError(
            f"In {folder}, the names of files and the planes in each file both give the axis "
            f"{', '.join(both) or 'p'}. Correct axes: the axes of each file follow a colon."
        )
    padded = np.full((len(pages), *inner[1:]), -1)
    if inner[0] > 1:
        padded, shapes = pages[0], shapes * inner[0]
    else:
        for target, one in zip(padded, pages, strict=True):
            target[tuple(slice(n) for n in one.shape[1:])] = one[0]
    shape = np.broadcast_shapes(index.shape, padded.shape)
    return Places(
        paths, np.broadcast_to(index, shape), np.broadcast_to(padded, shape), shapes, dtype
    )


def _stamps(stacks: Sequence[TiffFacts]) -> NDArray[np.float64]:
    """Return the stamps of files with one field of view each, shape (P, T)."""
    rows = [np.zeros(0) if one.stamps_s is None else one.stamps_s[0] for one in stacks]
    stamps = np.full((len(rows), max(map(len, rows))), np.nan)
    for target, row in zip(stamps, rows, strict=True):
        target[: len(row)] = row
    return stamps


def _add_file_facts(
    stacks: Sequence[TiffFacts], files: FileSet, index: NDArray[np.int64]
) -> None:
    """Add what is known of the files to what one of them says."""
    stack, labels = stacks[0], files.labels.get("C", [])
    if files.channel_names:
        stack.channel_names = files.channel_names
    elif len(labels) > 1:
        named = not all(label.isdigit() for label in labels)
        stack.channel_names = labels if named else []
    if files.pixel_size_um is not None:
        stack.pixel_size_um = files.pixel_size_um, files.pixel_size_um
    stack.increment_s = files.increment_s or stack.increment_s
    if index.shape[1] > 1:
        stack.stamps_s = None
    elif stack.stamps_s is not None and len(index) > 1:
        stack.stamps_s = _stamps(stacks)
    if files.stamps_s is not None:
        stamps = np.where(index >= 0, files.stamps_s[index], np.inf).min(axis=(2, 3))
        stack.stamps_s = np.where(np.isfinite(stamps), stamps, np.nan)


def _identity(paths: Sequence[Path], files: FileSet) -> str:
    """Return a digest of the files in their places."""
    order = np.lexsort(files.places.T[::-1]).tolist()
    content = file_identity((paths[i] for i in order), n_samples=2)
    places = files.places[order].tolist()
    return hashlib.sha256(f"{content} {places}".encode()).hexdigest()
