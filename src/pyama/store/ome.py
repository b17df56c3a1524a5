"""OME-Zarr 0.5 metadata, with which other programs open the stacks.

See https://ngff.openmicroscopy.org/0.5 for the meaning of the entries.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

from pyama import layout
from pyama.store.array_spec import group_document
from pyama.store.not_recorded import KEY

VERSION = "0.5"
OME_XML = "OME/METADATA.ome.xml"
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Scale:
    """Time between frames and size of a pixel. Values that are not positive become None.

    Attributes:
        seconds: Time between two frames; None if unknown.
        micrometers: Side of a pixel; None if unknown.
    """

    seconds: float | None = None
    micrometers: float | None = None

    def __post_init__(self) -> None:
        for name in ("seconds", "micrometers"):
            size = getattr(self, name)
            if size is not None and not 0 < size < math.inf:
                object.__setattr__(self, name, None)


@dataclass(frozen=True)
class Series:
    """One stack as listed in other programs.

    Attributes:
        group: Name of its group in `images.zarr`.
        name: Name of the channel.
        shape: (T, H, W).
        dtype: NumPy name of the type of its pixels.
    """

    group: str
    name: str
    shape: tuple[int, int, int]
    dtype: str


def stack_group(group: str, name: str, scale: Scale, notes: Mapping[str, Any]) -> bytes:
    """Return the document of a stack's group.

    Only level 0 is listed as an image. Level 1 is uint8 and described under
    `pyama.preview`: it must not be taken for the same intensities at half the size.

    Args:
        group: Name of the group.
        name: Name of the stack in viewers.
        scale: Size of a pixel and time between frames.
        notes: Notes of the output; values `low` and `high`, if present, are displayed as
            black and white; what was not recorded is listed, and which frames of the
            recording were selected.
    """
    ome: dict[str, Any] = {"version": VERSION, "multiscales": [multiscale(name, scale)]}
    parsed = layout.parse_group(group)
    if layout.is_labels(group) and parsed:
        ome["image-label"] = {"source": {"image": f"../{layout.phase(parsed[1])}"}}
    elif {"low", "high"} <= notes.keys():
        ome["omero"] = {"channels": [_channel(group, notes["low"], notes["high"])]}
    if layout.is_light(group):  # a single frame, without a preview
        return group_document({"ome": ome})
    preview = {"path": layout.PREVIEW, "downsampling": 2, "dtype": "uint8"}
    said = {key: notes[key] for key in (KEY, "frames") if key in notes}
    return group_document({"ome": ome, "pyama": {"preview": preview, **said}})


def multiscale(name: str, scale: Scale, folder: str = "") -> dict[str, Any]:
    """Return the description of an image (t, y, x) with level 0 alone.

    Args:
        name: Name of the stack in viewers.
        scale: Size of a pixel and time between frames.
        folder: Of the image, relative to the group that describes it, with a slash.
    """
    return {
        "name": name,
        "axes": _axes(scale),
        "datasets": [
            {
                "path": f"{folder}{layout.FULL}",
                "coordinateTransformations": [{"type": "scale", "scale": _factors(scale)}],
            }
        ],
    }


def _channel(label: str, low: float, high: float) -> dict[str, Any]:
    high = max(high, low + 1)  # viewers fail if black equals white
    window = {"min": 0, "max": max(high, 65535), "start": low, "end": high}
    return {"label": label, "color": "FFFFFF", "window": window}


def root_documents(series: Sequence[Series], scale: Scale) -> dict[str, bytes]:
    """Return the documents with which all stacks open together, by path.

    The root is a series of images, as bioformats2raw writes it, and lists the same stacks as
    `multiscales`: programs that do not know the series show the first of them.
    """
    paths = [entry.group for entry in series]
    images = [multiscale(entry.name, scale, f"{entry.group}/") for entry in series]
    root = {"version": VERSION, "bioformats2raw.layout": 3, "multiscales": images}
    return {
        "zarr.json": group_document({"ome": root}),
        "OME/zarr.json": group_document({"ome": {"version": VERSION, "series": paths}}),
        OME_XML: _ome_xml(series, scale).encode(),
    }


def pixel_size_in(document: Mapping[str, Any]) -> float | None:
    """Return the side of a pixel in micrometres in the document of a stack's group."""
    multiscale = document["attributes"]["ome"]["multiscales"][0]
    (transformation,) = multiscale["datasets"][0]["coordinateTransformations"]
    is_known = "unit" in multiscale["axes"][-1]
    return float(transformation["scale"][-1]) if is_known else None


def _axes(scale: Scale) -> list[dict[str, str]]:
    time = {"name": "t", "type": "time"}
    if scale.seconds is not None:
        time["unit"] = "second"
    space = {"type": "space"}
    if scale.micrometers is not None:
        space["unit"] = "micrometer"
    return [time, {"name": "y", **space}, {"name": "x", **space}]


def _factors(scale: Scale) -> list[float]:
    side = scale.micrometers or 1.0
    return [scale.seconds or 1.0, side, side]


def _ome_xml(series: Sequence[Series], scale: Scale) -> str:
    images = "".join(_image_xml(entry, scale) for entry in series)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">\n'
        f"{images}</OME>\n"
    )


def _image_xml(series: Series, scale: Scale) -> str:
    frames, height, width = series.shape
    size = f'SizeC="1" SizeT="{frames}" SizeX="{width}" SizeY="{height}" SizeZ="1"'
    physical = ""
    if scale.micrometers is not None:
        side = f"{scale.micrometers:.9g}"
        physical += f' PhysicalSizeX="{side}" PhysicalSizeY="{side}"'
    if scale.seconds is not None:
        physical += f' TimeIncrement="{scale.seconds:.9g}" TimeIncrementUnit="s"'
    name = quoteattr(_NOT_IN_XML.sub("", series.name))
    # The name of the group as id: napari looks for the image there.
    return (
        f'  <Image ID="Image:{series.group}" Name={name}>\n'
        f'    <Pixels ID="Pixels:{series.group}" DimensionOrder="XYTZC" '
        f'Type="{series.dtype}" {size}{physical}>\n'
        f'      <Channel ID="Channel:{series.group}:0" Name={name} SamplesPerPixel="1"/>\n'
        "      <MetadataOnly/>\n"
        "    </Pixels>\n"
        "  </Image>\n"
    )
