"""The images of an OME-Zarr: one image, a series, a plate, or the copies that pyama made.

It follows https://ngff.openmicroscopy.org, versions 0.4 and 0.5.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pyama import layout
from pyama.errors import ReaderError
from pyama.readers.planes import damage_error
from pyama.readers.zarr_images import ZarrImage, open_group, read_image

RAW = ("pc", "fl")
"""Kinds of groups with raw images."""
Fov = list[ZarrImage]
"""The images of a field of view: one, or one per channel."""


def read_fovs(path: Path) -> tuple[list[Fov], list[str]]:
    """Return the images of every field of view, and their names.

    Raises:
        ReaderError: There are no images, or they are not supported.
        LookupError: A description is damaged.
    """
    group, attributes = _open(path)
    if "plate" in attributes:
        places = list(_plate(path, attributes["plate"]))
    elif "well" in attributes:
        places = [(name, name) for name in _fields(attributes)]
    elif "bioformats2raw.layout" in attributes:  # also if it describes an image, as ours does
        places = [(name, "") for name in _series(path, group)]
        if places and all(layout.parse_group(name) for name, _ in places):
            return [_copies(path, [name for name, _ in places])], [path.parent.name]
    elif "multiscales" in attributes:
        image = read_image(path, group, attributes)
        image.notes = _notes(group)
        return [[image]], [image.name]
    else:
        raise ReaderError(
            f"{path} is a Zarr group without OME-Zarr images; expected an image, a series of "
            "images or a plate of version 0.4 or 0.5."
        )
    if not places:
        raise damage_error(path, "it lists no images")
    images = [_image(path, name) for name, _ in places]
    names = [label or image.name for (_, label), image in zip(places, images, strict=True)]
    return [[image] for image in images], names


def _open(path: Path) -> tuple[Any, Mapping[str, Any]]:
    group = open_group(path)
    if not hasattr(group, "members"):
        raise ReaderError(
            f"{path} is a Zarr array without a description of its axes. Name the OME-Zarr "
            "image that it belongs to, which is the folder above it."
        )
    attributes = dict(group.attrs)
    return group, attributes.get("ome", attributes)


def _notes(group: Any) -> Mapping[str, Any]:
    notes = dict(group.attrs).get("pyama")
    return notes if isinstance(notes, dict) else {}


def _image(path: Path, name: str) -> ZarrImage:
    folder = path / _inside(path, name)
    group, attributes = _open(folder)
    image = read_image(folder, group, attributes)
    image.notes = _notes(group)
    return image


def _inside(path: Path, name: object) -> str:
    """Return a path in the description, which must not lead out of the Zarr."""
    parts = str(name).strip("/").split("/")
    if ".." in parts or not str(name):
        raise damage_error(path, f"its description names the image {str(name)[:40]!r}")
    return "/".join(parts)


def _plate(path: Path, plate: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield path and name of every field of a plate, such as `B3/1`."""
    for well in plate["wells"]:
        place = _inside(path, well["path"])
        _, attributes = _open(path / place)
        for field in _fields(attributes):
            yield f"{place}/{field}", f"{place.replace('/', '')}/{field}"


def _fields(attributes: Mapping[str, Any]) -> list[str]:
    return [str(image["path"]) for image in attributes["well"]["images"]]


def _series(path: Path, group: Any) -> list[str]:
    if "OME" in group:
        _, attributes = _open(path / "OME")
        if "series" in attributes:
            return [str(name) for name in attributes["series"]]
    numbers = (name for name in group.group_keys() if name.isdecimal())
    return sorted(numbers, key=int)


def _copies(path: Path, names: list[str]) -> Fov:
    """Return the raw images of pyama's own copies, one per channel."""
    groups = ((layout.parse_group(name), name) for name in names)
    raw = sorted((group[1], name) for group, name in groups if group and group[0] in RAW)
    images = [_image(path, name) for _, name in raw]
    if not images:
        raise damage_error(path, "it contains no copied channel")
    for image in images:
        image.channel_names = [image.name]
    return images
