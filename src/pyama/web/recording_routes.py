"""Recordings below the root: what is in them, a first look, and a trial of parameters."""

from typing import Annotated, Any, cast

import numpy as np
from fastapi import APIRouter, Depends, HTTPException, Query, Response
from numpy.typing import NDArray
from pydantic import BaseModel

from pyama.config import ProcessingConfig
from pyama.errors import ConfigError
from pyama.metadata import MicroscopyMetadata
from pyama.pictures.encoding import Format, encoded
from pyama.pictures.outlines import polygons
from pyama.processing.methods import PREPROCESSORS, SEGMENTERS, preprocessors
from pyama.processing.steps.segmentation import segmented
from pyama.readers import open_reader
from pyama.store import Stack
from pyama.web.folders import Root, root_of
from pyama.web.form_routes import form_config

router = APIRouter(tags=["recordings"])
SUFFIXES = (".nd2", ".czi", ".tif", ".tiff")
MOST = 2000
"""So many entries of a folder are listed."""
FIRST_LOOK_PX = 768
"""Longest side of a first look."""

File = Annotated[str, Query(max_length=4096, description="A file, relative to the root.")]


class Listing(BaseModel):
    """What is in a folder."""

    dir: str
    """Relative to the root."""
    folders: list[str]
    """Names of folders."""
    files: list[str]
    """Names of files that may be recordings."""


class Recording(BaseModel):
    """What is in a recording."""

    file: str
    basename: str
    format: str
    n_fovs: int
    n_frames: int
    n_z: int
    channels: list[str]
    shapes: list[tuple[int, int]]
    positions: list[str]
    pixel_size_um: float | None
    problems: list[str]


class Trial(BaseModel):
    """Parameters that are tried on one frame."""

    file: str
    fov: int
    frame: int
    channels: dict[str, Any]
    params: dict[str, Any]


class Found(BaseModel):
    """Cells of one frame."""

    shape: tuple[int, int]
    cells: int
    outlines: dict[int, list[list[int]]]


@router.get("/api/files")
def files(
    root: Annotated[Root, Depends(root_of)],
    directory: Annotated[str, Query(alias="dir", max_length=4096)] = ".",
) -> Listing:
    """Folders and possible recordings in a folder below the root."""
    place = root.inside(directory)
    try:
        found = sorted(place.iterdir())[:MOST]
    except OSError as error:
        raise HTTPException(404, "There is no such folder below the root.") from error
    shown = [path for path in found if not path.name.startswith(".")]
    return Listing(
        dir=root.name(place),
        folders=[path.name for path in shown if path.is_dir()],
        files=[path.name for path in shown if path.name.lower().endswith(SUFFIXES)],
    )


@router.get("/api/recording")
def recording(root: Annotated[Root, Depends(root_of)], file: File) -> Recording:
    """What is in a microscope file."""
    with open_reader(root.inside(file)) as reader:
        metadata = reader.metadata
    return Recording(
        file=file,
        basename=metadata.basename,
        format=metadata.format,
        n_fovs=metadata.n_fovs,
        n_frames=metadata.n_frames,
        n_z=metadata.n_z,
        channels=list(metadata.channel_names),
        shapes=list(metadata.shapes),
        positions=list(metadata.position_names),
        pixel_size_um=metadata.pixel_size_um,
        problems=list(metadata.problems),
    )


@router.get("/api/recording/frame", response_class=Response)
def first_look(
    root: Annotated[Root, Depends(root_of)],
    file: File,
    fov: Annotated[int, Query(ge=0)] = 0,
    frame: Annotated[int, Query(ge=0)] = 0,
    channel: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """A JPEG of one frame, stretched, at most 768 px long."""
    with open_reader(root.inside(file)) as reader:
        _check_place(reader.metadata, fov, frame, channel)
        pixels = reader.read(fov, frame, [channel])[0]
    step = -(-max(pixels.shape) // FIRST_LOOK_PX)
    return Response(encoded(pixels[::step, ::step], Format.JPEG), media_type="image/jpeg")


@router.post("/api/recording/segmentation")
def trial(root: Annotated[Root, Depends(root_of)], wish: Trial) -> Found:
    """Find the cells of one frame with some parameters; nothing is written."""
    config = form_config(wish.channels, wish.params)
    pc = config.channels.pc
    if pc is None:
        raise ConfigError("Cells are found in phase contrast: choose that channel.")
    with open_reader(root.inside(wish.file), config.params.z) as reader:
        _check_place(reader.metadata, wish.fov, wish.frame, pc.channel)
        pixels = reader.read(wish.fov, wish.frame, [pc.channel])[0]
    labels = _labels(pixels, config, wish.fov)
    found = polygons(labels)
    return Found(shape=labels.shape, cells=len(found), outlines=found)


def _labels(pixels: NDArray[np.uint16], config: ProcessingConfig, fov: int) -> NDArray[Any]:
    params = config.params
    name = params.segmentation_method
    method = name, SEGMENTERS[name]
    before = preprocessors(params) if params.preprocessors or PREPROCESSORS else []
    stack = cast("Stack", [pixels])  # it is only gone through
    labels: NDArray[Any] = next(segmented(stack, set(), method, before, params, {}, fov))
    return labels


def _check_place(metadata: MicroscopyMetadata, fov: int, frame: int, channel: int) -> None:
    if fov >= metadata.n_fovs or frame >= metadata.n_frames or channel >= metadata.n_channels:
        raise HTTPException(404, "The recording has no such FOV, frame or channel.")
