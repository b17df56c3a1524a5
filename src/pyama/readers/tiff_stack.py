"""The axes of the planes of one TIFF file, by the program that wrote it."""

from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from pyama.readers.imagej_facts import imagej_facts, resolution
from pyama.readers.micromanager import stack_facts
from pyama.readers.ome_xml import parse
from pyama.readers.page_axes import sized_axes
from pyama.readers.planes import unsupported_error
from pyama.readers.tiff_facts import TiffFacts
from pyama.units import micrometres_in

LETTERS = {"T": "T", "Z": "Z", "C": "C", "P": "P", "R": "P"}
"""Letters of tifffile for the axes of a recording."""
UM_PER_UNIT = {3: 1e4}
"""Micrometres in the units of the tag ResolutionUnit that microscopes use; inches are those of
screens."""
SCREEN_UM = 50.0
"""A pixel as large as this is one of a screen or a printer."""


def read_tiff_facts(file: tifffile.TiffFile, axes: str) -> TiffFacts:
    """Return what a file says of its planes.

    Args:
        file: The open file.
        axes: The order of planes, which replaces what the file says; may be empty.

    Raises:
        ConfigError: `axes` does not fit the file.
    """
    if file.is_ome:
        facts = _ome_facts(file)
    elif file.is_imagej:
        facts = imagej_facts(file)
    elif file.is_stk:
        facts = _stk_facts(file)
    else:
        facts = _series_facts(file)
    if file.is_micromanager and not file.is_ome:
        stack_facts(file, facts)
    if axes:
        _replace_axes(facts, axes)
    return facts


def _ome_facts(file: tifffile.TiffFile) -> TiffFacts:
    """Return what the OME-XML of a file with a single image says."""
    path = Path(file.filehandle.path)
    document = parse(file.pages.first.description, path)
    if len(document.images) != 1 or document.files != [path]:
        raise unsupported_error(path, "several images, or images in other files")
    image = document.images[0]
    n_frames, n_z, n_channels = image.ifd.shape
    facts = TiffFacts("ome-tiff", {"P": 1, "T": n_frames, "Z": n_z, "C": n_channels})
    facts.pages = np.where(image.file_index >= 0, image.ifd, -1)[np.newaxis]
    facts.channel_names = image.channel_names
    facts.pixel_size_um = image.quantities.pixel_size_um
    facts.increment_s = image.quantities.increment_s
    if n_frames > 1 and np.isfinite(image.quantities.stamps_s).any():
        facts.stamps_s = image.quantities.stamps_s[np.newaxis]
    return facts


def _replace_axes(facts: TiffFacts, axes: str) -> None:
    before, n_planes = facts.sizes, facts.n_declared
    facts.sizes = sized_axes(axes, n_planes)
    facts.pages = None
    if "?" not in before and _long(before) != _long(facts.sizes):
        facts.remarks.append(
            f"The file says that its axes are {_text(before)}; axes = {axes!r} is used."
        )
        facts.channel_names, facts.stamps_s = [], None


def _long(sizes: dict[str, int]) -> dict[str, int]:
    return {axis: size for axis, size in sizes.items() if size > 1}


def _text(sizes: dict[str, int]) -> str:
    return ",".join(f"{axis.lower()}={n}" for axis, n in (_long(sizes) or {"T": 1}).items())


def _series_facts(file: tifffile.TiffFile) -> TiffFacts:
    facts = TiffFacts("tiff", {"T": 1})
    is_stack = len(file.pages) > 1 or file.is_stk or file.is_shaped
    all_series = file.series if is_stack else []
    for series in all_series[:1]:
        facts.sizes = _sizes(series.get_axes(False), series.get_shape(False))
    others = sum(len(one) for one in all_series[1:])
    if others:
        facts.remarks.append(
            f"{Path(file.filehandle.path).name} contains {others} images of another size or "
            "type, which are not read."
        )
    entries = next(iter(file.shaped_metadata or ()), None) or {}
    _read_resolution(facts, file.pages.first, entries)
    return facts


def _sizes(axes: str, shape: tuple[int, ...]) -> dict[str, int]:
    """Return the size of every axis; of one axis `?` if any of them is not known."""
    planes = [(axis, n) for axis, n in zip(axes, shape, strict=True) if axis not in "YXS"]
    named = [(LETTERS.get(axis, "?"), n) for axis, n in planes if n > 1]
    names = [name for name, _ in named]
    if "?" in names or len(set(names)) < len(names):
        return {"?": int(np.prod([n for _, n in named]))}
    return dict(named) or {"T": 1}


def _read_resolution(
    facts: TiffFacts, page: tifffile.TiffPage, entries: dict[str, Any]
) -> None:
    factor = UM_PER_UNIT.get(page.tags.valueof("ResolutionUnit"))
    unit = entries.get("unit")
    if isinstance(unit, str):
        factor = micrometres_in(unit)
    if factor is None:
        return
    sizes = [
        factor / per_unit if per_unit else None
        for per_unit in (resolution(page, "XResolution"), resolution(page, "YResolution"))
    ]
    if sizes[0] is not None and sizes[0] < SCREEN_UM:
        facts.pixel_size_um = sizes[0], sizes[1]


def _stk_facts(file: tifffile.TiffFile) -> TiffFacts:
    """Return what MetaMorph writes into a `.stk`."""
    facts = _series_facts(file)
    facts.kind = "stk"
    entries = file.stk_metadata or {}
    created = entries.get("DatetimeCreated")
    if isinstance(created, np.ndarray) and list(facts.sizes) == ["T"]:
        facts.stamps_s = created.astype("datetime64[ns]").astype(np.int64)[np.newaxis] / 1e9
    size, unit = entries.get("XCalibration"), entries.get("CalibrationUnits")
    factor = micrometres_in(str(unit))
    if isinstance(size, int | float) and size > 0 and factor is not None:
        height = entries.get("YCalibration")
        height = height * factor if isinstance(height, int | float) and height > 0 else None
        facts.pixel_size_um = size * factor, height
    return facts
