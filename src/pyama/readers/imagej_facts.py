"""What ImageJ and Fiji write into a TIFF: axes, times, sizes and labels.

See https://imagej.net/ij/developer/source/ij/io/FileInfo.java.html.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tifffile

from pyama.readers.planes import shorten
from pyama.readers.tiff_facts import TiffFacts
from pyama.units import micrometres_in, seconds_in

SIZES = {"T": "frames", "Z": "slices", "C": "channels"}
ORDERS = ("czt", "ctz", "zct", "ztc", "tcz", "tzc")
_COUNTERS = re.compile(r"\b[czt]:\d+/\d+\b[ -]*")


def imagej_facts(file: tifffile.TiffFile) -> TiffFacts:
    """Return what the description of an ImageJ file says."""
    entries = file.imagej_metadata or {}
    order = str(entries.get("order", "czt")).lower()
    slowest_first = (order if order in ORDERS else "czt")[::-1].upper()
    sizes = {axis: _count(entries.get(SIZES[axis])) for axis in slowest_first}
    facts = TiffFacts("imagej-tiff", sizes)
    declared, images = int(np.prod(list(sizes.values()))), _count(entries.get("images"))
    if declared == 1 and images > 1:
        facts.sizes = {"?": images}
    facts.channel_names = _channel_names(entries.get("Labels") or [], sizes)
    _read_pixel_size(facts, entries, file.pages.first)
    _read_interval(facts, entries)
    return facts


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 1


def _number(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _channel_names(labels: Sequence[Any], sizes: Mapping[str, int]) -> list[str]:
    """Return names of channels: what the labels of all their planes have in common."""
    n_planes = int(np.prod(list(sizes.values())))
    if len(labels) != n_planes or sizes["C"] == 1:
        return []
    texts = [_COUNTERS.sub("", str(label)).strip() for label in labels]
    by_channel = np.moveaxis(
        np.array(texts, object).reshape(list(sizes.values())), list(sizes).index("C"), 0
    )
    names = [set(planes.ravel().tolist()) for planes in by_channel]
    if any(len(texts) != 1 for texts in names):
        return []
    found = [text for (text,) in names]
    return found if len(set(found)) == len(found) else []


def _read_pixel_size(
    facts: TiffFacts, entries: Mapping[str, Any], page: tifffile.TiffPage
) -> None:
    unit = str(entries.get("unit", "")).replace("\\u00B5", "\N{MICRO SIGN}")
    if unit.lower() in ("", "pixel", "pixels"):
        return
    factor = micrometres_in(unit)
    if factor is None:
        facts.pixel_remarks.append(
            f"The size of a pixel has an unknown unit: {shorten(unit)}. In Fiji, Image > "
            "Properties sets it; so does --set pixel_size_um=NUMBER."
        )
        return
    facts.pixel_size_um = tuple(  # type: ignore[assignment]
        factor / per_unit if per_unit else None
        for per_unit in (resolution(page, "XResolution"), resolution(page, "YResolution"))
    )


def resolution(page: tifffile.TiffPage, name: str) -> float | None:
    """Return the pixels per unit of length in a tag; None if it is absent or not positive."""
    value = page.tags.valueof(name)
    if not isinstance(value, tuple) or len(value) != 2 or not value[1] or value[0] <= 0:
        return None
    return float(value[0] / value[1])


def _read_interval(facts: TiffFacts, entries: Mapping[str, Any]) -> None:
    interval, unit = _number(entries.get("finterval")), str(entries.get("tunit", "s"))
    if not interval:
        return
    factor = seconds_in(unit)
    if factor is None:
        facts.time_remarks.append(f"finterval has an unknown unit: {shorten(unit)}.")
    elif interval < 0:
        facts.time_remarks.append(f"finterval is not positive: {interval:g}.")
    else:
        facts.increment_s = interval * factor
