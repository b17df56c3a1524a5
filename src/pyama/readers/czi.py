"""Zeiss CZI files: metadata from the directories in the file, pixels from pylibCZIrw."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray
from pylibCZIrw import czi

from pyama.fov_ranges import fovs_text
from pyama.metadata import Box
from pyama.readers import ZSelection
from pyama.readers.czi_directory import METADATA, Contents, Subblocks, read_contents
from pyama.readers.czi_tiles import TileCheck
from pyama.readers.czi_times import Extent, czi_times
from pyama.readers.planes import (
    PlaneReader,
    check_sizes,
    damage_error,
    empty_images,
    parse_xml,
    positive_number,
    read_optional,
    refuse_entities,
    translate_errors,
)
from pyama.readers.recording_facts import Facts, early_stop_remarks, shape_remarks
from pyama.readers.rectangles import uncovered_rectangles
from pyama.readers.stamp_sources import take_stamps

AXES = "TZC"
ROOM_PIXELS = 2**24
MAX_ROOM = 64
"""A larger field of view with a larger ratio to the area of its tiles counts as damaged."""


@dataclass
class _Grid:
    """Arrangement of tiles: first index and length per axis, numbers and boxes of scenes."""

    first: dict[str, int]
    length: dict[str, int]
    has_scenes: bool
    scenes: list[int]
    boxes: list[tuple[int, int, int, int]]  # x, y, width, height in px

    def scene(self, fov: int) -> int | None:
        return self.scenes[fov] if self.has_scenes else None


class CziReader(PlaneReader):
    """A CZI file. A field of view is a scene, stitched where it was recorded in tiles.

    Args:
        path: The file.
        z: Which planes of a z stack are read.

    Raises:
        ReaderError: The file is damaged or contains unsupported images.
    """

    def __init__(self, path: Path, z: ZSelection = "middle") -> None:
        contents = read_contents(path)
        tiles = contents.subblocks
        self._grid = _grid(path, tiles)
        facts = Facts(
            path,
            "czi",
            [(height, width) for _, _, width, height in self._grid.boxes],
            "uint16" if tiles.pixel_types.any() else "uint8",
            [""] * self._grid.length["C"],
            _stored(tiles, self._grid),
            gaps=_gaps(tiles, self._grid),
        )
        with translate_errors(path):
            remarks = contents.remarks
            refuse_entities(contents.xml)
            root = read_optional(METADATA, remarks, partial(_root, contents.xml))
            root = Element("ImageDocument") if root is None else root
            _add_times(facts, contents, root, self._grid)
            _add_xml(facts, root, self._grid)
            if any(text.startswith(METADATA) for text in remarks):
                facts.pixel_remarks = ["Without its metadata, the size of a pixel is unknown."]
            facts.remarks = [*remarks, *facts.remarks]
        super().__init__(facts, z)
        self._tile_check = TileCheck(path, tiles)
        with translate_errors(path):
            self._file: Any = czi.CziReader(str(path))
            self._raw = path.open("rb")

    def _read(
        self, fov: int, frame: int, z: int, channels: Sequence[int]
    ) -> list[NDArray[np.uint16]]:
        grid = self._grid
        images = empty_images(channels, self.metadata.shapes[fov])
        for target, channel in zip(images, channels, strict=True):
            at = {"T": frame, "Z": z, "C": channel}
            plane = {axis: grid.first[axis] + i for axis, i in at.items()}
            scene = grid.scenes[fov]
            self._tile_check.plane(self._raw, scene, plane["T"], plane["Z"], plane["C"])
            # The rectangle of the scene: that of the library also includes the pyramid.
            target[:] = self._file.read(grid.boxes[fov], plane, grid.scene(fov))[..., 0]
        return list(images)

    def _close(self) -> None:
        self._file.close()
        self._raw.close()


def _grid(path: Path, tiles: Subblocks) -> _Grid:
    first = {axis: int(tiles.index(axis).min()) for axis in AXES}
    length = {axis: int(tiles.index(axis).max()) + 1 - first[axis] for axis in AXES}
    scenes = np.unique(tiles.index("S")).tolist()
    declared = len(scenes) * length["T"] * length["Z"] * length["C"]
    check_sizes(path, 1, 1, declared, len(tiles.pixel_types))
    grid = _Grid(first, length, tiles.has_scenes, scenes, [])
    left, top = tiles.index("X"), tiles.index("Y")
    right, bottom = left + tiles.sizes["X"], top + tiles.sizes["Y"]
    for scene in scenes:
        here = tiles.index("S") == scene
        x, y = int(left[here].min()), int(top[here].min())
        width, height = int(right[here].max()) - x, int(bottom[here].max()) - y
        check_sizes(path, height, width, 1, 1)
        covered = int((tiles.sizes["X"] * tiles.sizes["Y"])[here].sum())
        if height * width > max(ROOM_PIXELS, MAX_ROOM * covered):
            raise damage_error(path, f"its tiles cover {covered} of {height} x {width} px")
        grid.boxes.append((x, y, width, height))
    return grid


def _stored(tiles: Subblocks, grid: _Grid) -> NDArray[np.bool_]:
    """Return which planes have any tile, shape (P, T, Z, C)."""
    stored = np.zeros([len(grid.scenes), *(grid.length[axis] for axis in AXES)], np.bool_)
    stored[_places(tiles, grid)] = True
    return stored


def _places(tiles: Subblocks, grid: _Grid) -> tuple[NDArray[np.int64], ...]:
    """Return field of view, frame, plane and channel of every tile, each shape (N,)."""
    fov = np.searchsorted(grid.scenes, tiles.index("S"))
    return fov, *(tiles.index(axis) - grid.first[axis] for axis in AXES)


def _gaps(tiles: Subblocks, grid: _Grid) -> dict[tuple[int, int, int, int], tuple[Box, ...]]:
    """Return the rectangles that no tile covers, by plane (p, t, z, c)."""
    places = np.stack(_places(tiles, grid), axis=1)
    origin = np.array(grid.boxes)[places[:, 0]]
    y0, x0 = tiles.index("Y") - origin[:, 1], tiles.index("X") - origin[:, 0]
    boxes = np.stack([y0, x0, y0 + tiles.sizes["Y"], x0 + tiles.sizes["X"]], axis=1)
    whole = (boxes == np.stack([0 * y0, 0 * x0, origin[:, 3], origin[:, 2]], axis=1)).all(1)
    if whole.all():
        return {}
    planes, plane_of = np.unique(places, axis=0, return_inverse=True)
    order = np.lexsort((boxes[:, 1], boxes[:, 0], plane_of.ravel()))
    parts = np.split(order, np.cumsum(np.bincount(plane_of.ravel()))[:-1])
    gaps = {}
    found: dict[tuple[int, bytes], tuple[Box, ...]] = {}
    for place, part in zip(map(tuple, planes.tolist()), parts, strict=True):
        if whole[part].any():
            continue
        key = place[0], boxes[part].tobytes()
        if key not in found:
            _, _, width, height = grid.boxes[place[0]]
            found[key] = uncovered_rectangles(
                [tuple(b) for b in boxes[part].tolist()], (height, width)
            )
        if found[key]:
            gaps[place] = found[key]
    return gaps


def _add_times(facts: Facts, contents: Contents, root: Element, grid: _Grid) -> None:
    tiles, remarks = contents.subblocks, list[str]()
    extent = Extent(
        n_fovs=len(grid.scenes),
        n_frames=grid.length["T"],
        first_frame=grid.first["T"],
        n_planned=_n_planned(root),
        inner=(grid.length["C"], grid.length["Z"], len(np.unique(tiles.index("M")))),
    )
    places = np.searchsorted(grid.scenes, tiles.index("S")), tiles.index("T") - grid.first["T"]
    sources = czi_times(facts.path, contents.stamps_s, root, tiles, places, extent, remarks)
    take_stamps(facts, sources, remarks)


def _root(xml: bytes) -> Element | None:
    return parse_xml(xml) if xml.strip() else None


def _add_xml(facts: Facts, root: Element, grid: _Grid) -> None:
    facts.channel_names = [
        _channel_name(root, grid.first["C"] + i) for i in range(grid.length["C"])
    ]
    scenes = {
        scene.get("Index"): scene.get("Name", "")
        for scene in root.iterfind("./Metadata/Information/Image/Dimensions/S/Scenes/Scene")
    }
    if grid.has_scenes:
        facts.position_names = [scenes.get(str(number), "") for number in grid.scenes]
    sizes = {axis: _micrometres(root, axis, facts) for axis in "XY"}
    facts.pixel_size_um = sizes["X"]
    facts.remarks = [
        *shape_remarks(sizes["X"], sizes["Y"]),
        *early_stop_remarks(_n_planned(root), grid.length["T"]),
        *_scene_remarks(root, grid),
    ]


def _scene_remarks(root: Element, grid: _Grid) -> list[str]:
    """Return a sentence if fields of view are not the scenes of the same numbers."""
    absent = sorted(set(range(grid.scenes[-1] + 1)) - set(grid.scenes))
    planned = _number(root, "SizeS")
    remarks = []
    if grid.has_scenes and absent and grid.scenes[0] == 0:
        moved = [
            f"FOV {fov} is scene {scene}"
            for fov, scene in enumerate(grid.scenes)
            if fov != scene
        ]
        more = "" if len(moved) == 1 else f", ..., {moved[-1]}"
        remarks.append(f"Scene {fovs_text(absent)} holds no image: {moved[0]}{more}.")
    if grid.has_scenes and planned > grid.scenes[-1] + 1:
        remarks.append(f"{planned} scenes were planned, {len(grid.scenes)} hold images.")
    return remarks


def _channel_name(root: Element, number: int) -> str:
    wanted = f"Channel:{number}"
    information = root.findall("./Metadata/Information/Image/Dimensions/Channels/Channel")
    display = root.findall("./Metadata/DisplaySetting/Channels/Channel")
    for channels in (information, display):
        named = [c for c in channels if c.get("Id") == wanted] or channels[number : number + 1]
        if named and named[0].get("Name", "").strip():
            return named[0].get("Name", "")
    return ""


def _micrometres(root: Element, axis: str, facts: Facts) -> float | None:
    """Return the side of a pixel, which is in metres whatever its `DefaultUnitFormat`."""
    text = root.findtext(f"./Metadata/Scaling/Items/Distance[@Id='{axis}']/Value") or ""
    if not text.strip():
        return None
    size, problem = positive_number(text)
    if problem and axis == "X":
        facts.pixel_remarks = [f"The size of a pixel in the file is {problem}."]
    return None if size is None else round(size * 1e6, 9)


def _n_planned(root: Element) -> int:
    return _number(root, "SizeT")


def _number(root: Element, name: str) -> int:
    text = (root.findtext(f"./Metadata/Information/Image/{name}") or "").strip()
    return int(text) if text.isdecimal() else 0
