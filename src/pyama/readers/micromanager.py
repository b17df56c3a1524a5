"""What Micro-Manager writes into its image files and into `metadata.txt`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tifffile

from pyama.readers.planes import read_optional
from pyama.readers.tiff_facts import TiffFacts

KIND = "micro-manager"
PAGE_TAG = 51123
"""Tag of a page with the metadata of its plane."""


def stack_facts(file: tifffile.TiffFile, facts: TiffFacts) -> None:
    """Add what a stack of Micro-Manager says: places of planes, names, sizes and times."""
    entries = read_optional(
        "Micro-Manager's metadata", facts.remarks, lambda: file.micromanager_metadata
    )
    entries = entries or {}
    summary = entries.get("Summary")
    summary = summary if isinstance(summary, dict) else {}
    index = entries.get("IndexMap")
    if isinstance(index, np.ndarray) and len(index) == len(file.pages):
        _place(facts, index.astype(np.int64))
    plane = plane_entries(file, 0)
    if not summary and not plane:
        return
    facts.kind = KIND
    read_summary(facts, summary, plane)
    if facts.pages is not None:
        _read_times(facts, file)


def _place(facts: TiffFacts, index: np.ndarray[Any, np.dtype[np.int64]]) -> None:
    """Place planes by the index map: channel, z plane, frame, position and offset of each."""
    places = index[:, [3, 2, 1, 0]]  # as in PTZC
    sizes = places.max(axis=0) + 1
    if places.min() < 0 or np.prod(sizes) > 1000 * len(index):
        return
    # A file of one position may count it in the whole recording.
    places[:, 0] -= places[:, 0].min()
    sizes = places.max(axis=0) + 1
    pages = np.full(sizes, -1)
    pages[tuple(places.T)] = np.argsort(np.argsort(index[:, 4]))
    facts.pages = pages
    facts.sizes = dict(zip("PTZC", sizes.tolist(), strict=True))


def plane_entries(file: tifffile.TiffFile, number: int) -> dict[str, Any]:
    """Return the metadata of one plane; empty if there are none."""
    page = file.pages[number]
    value = page.tags.valueof(PAGE_TAG) if isinstance(page, tifffile.TiffPage) else None
    return value if isinstance(value, dict) else {}


def read_summary(
    facts: TiffFacts, summary: Mapping[str, Any], plane: Mapping[str, Any]
) -> None:
    """Add the names of channels, the size of a pixel and the interval."""
    names = summary.get("ChNames")
    n_channels = facts.sizes.get("C", 1)
    if isinstance(names, list) and len(names) >= n_channels:
        facts.channel_names = [str(name) for name in names[:n_channels]]
    elif n_channels == 1 and isinstance(plane.get("Channel"), str):
        facts.channel_names = [plane["Channel"]]
    size = positive(summary.get("PixelSize_um")) or positive(plane.get("PixelSizeUm"))
    if size:
        facts.pixel_size_um = size, size
    interval = positive(summary.get("Interval_ms"))
    if interval and facts.increment_s is None:
        facts.increment_s = interval / 1000


def positive(value: object) -> float | None:
    """Return a finite positive number; None for anything else."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if 0 < number < float("inf") else None


def elapsed_s(entries: Mapping[str, Any]) -> float:
    """Return the seconds from the start of the recording to a plane; NaN if unknown."""
    value = entries.get("ElapsedTime-ms")
    try:
        return float(str(value)) / 1000
    except ValueError:
        return np.nan


def _read_times(facts: TiffFacts, file: tifffile.TiffFile) -> None:
    pages = facts.pages
    assert pages is not None  # noqa: S101 (checked by the caller)
    stamps = np.full(pages.shape[:2], np.nan)
    for fov, frame in np.ndindex(*stamps.shape):
        stored = pages[fov, frame][pages[fov, frame] >= 0]
        if len(stored):
            stamps[fov, frame] = elapsed_s(plane_entries(file, int(stored.min())))
    if np.isfinite(stamps).any():
        facts.stamps_s = stamps
