"""Recordings below the root: their description, one frame, and a trial of parameters."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from pydantic import BaseModel

from pyama.algorithms.contracts import ImageIndex
from pyama.algorithms.params import TimeParams
from pyama.metadata import MicroscopyMetadata, frame_times, times_text, typical_interval
from pyama.pictures.contrast import contrast_of_frame
from pyama.pictures.encoding import ImageFormat, encode_image
from pyama.pictures.outlines import polygons
from pyama.readers import PROPOSED, open_reader
from pyama.runs.channels import propose_channels, question
from pyama.runs.trial import find_cells_in
from pyama.store import NotRecorded
from pyama.time_warnings import settings_to_check
from pyama.web.folders import Root, root_of
from pyama.web.form_routes import form_config

router = APIRouter(tags=["recordings"])
SUFFIXES = (".nd2", ".czi", ".tif", ".tiff", ".stk", ".companion.ome")
ZARR = (".zarr",)
"""Ends of the names of folders that are one recording."""
IMAGES = (".tif", ".tiff")
"""Several files of these kinds, or folders of them, may be one recording."""
MAX_FILES = 2000
"""Largest number of entries of a folder that are listed."""
IMAGE_PX = 2048
"""Longest side in px of the image of a recording."""

File = Annotated[str, Query(max_length=4096, description="A file, relative to the root.")]


class Listing(BaseModel):
    """What is in a folder."""

    dir: str
    """Relative to the root."""
    folders: list[str]
    """Names of folders."""
    files: list[str]
    """Names of files that may be recordings; `.` if all files may be one recording."""


class Proposal(BaseModel):
    """Channels chosen by their names."""

    pc: int
    """Phase contrast."""
    fl: list[int]
    """Fluorescence."""


class Recording(BaseModel):
    """What is in a recording."""

    file: str
    basename: str
    format: str
    n_fovs: int
    n_frames: int
    n_z: int
    channels: list[str]
    proposed: Proposal | None
    """Channels by their names; null if the names are ambiguous."""
    question: str
    """What to ask the user then; else empty."""
    shapes: list[tuple[int, int]]
    positions: list[str]
    pixel_size_um: float | None
    interval_min: float | None
    """Typical time between two frames, unless a run sets it; null for a single frame."""
    time: str
    """Interval and span of the frames, and where they come from, unless a run sets them."""
    problems: list[str]


class Trial(BaseModel):
    """Parameters to be tried on one frame."""

    file: str
    fov: int
    frame: int
    channels: dict[str, Any]
    params: dict[str, Any]


class TrialCells(BaseModel):
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
        entries = sorted(place.iterdir())[:MAX_FILES]
    except OSError as error:
        raise HTTPException(404, "There is no such folder below the root.") from error
    shown = [path for path in entries if not path.name.startswith(".")]
    return Listing(
        dir=root.name(place),
        folders=[path.name for path in shown if path.is_dir() and not _is_file(path)],
        files=[*_set_of_files(shown), *(path.name for path in shown if _is_file(path))],
    )


def _is_file(path: Path) -> bool:
    suffixes = SUFFIXES if path.is_file() else ZARR
    return path.name.lower().endswith(suffixes)


def _set_of_files(entries: list[Path]) -> list[str]:
    """Return the name of the folder itself, `.`, if its files may be one recording."""
    images = [path for path in entries if path.suffix.lower() in IMAGES]
    return ["."] if len(images) > 1 else []


@router.get("/api/recording")
def recording(root: Annotated[Root, Depends(root_of)], file: File) -> Recording:
    """What is in a microscope file."""
    with open_reader(root.inside(file), axes=PROPOSED) as reader:
        metadata = reader.metadata
    proposal = propose_channels(metadata.channel_names)
    return Recording(
        file=file,
        basename=metadata.basename,
        format=metadata.format,
        n_fovs=metadata.n_fovs,
        n_frames=metadata.n_frames,
        n_z=metadata.n_z,
        channels=list(metadata.channel_names),
        proposed=None if proposal is None else Proposal(pc=proposal[0], fl=proposal[1]),
        question=question(metadata.channel_names) if proposal is None else "",
        shapes=list(metadata.shapes),
        positions=list(metadata.position_names),
        pixel_size_um=metadata.pixel_size_um,
        interval_min=typical_interval(frame_times(metadata, TimeParams(), 0)[0]),
        time=times_text(metadata, TimeParams()),
        problems=[
            *metadata.problems,
            *settings_to_check(metadata),
            *filter(None, [metadata.question]),
        ],
    )


@router.get("/api/recording/frame", response_class=Response)
def image(
    root: Annotated[Root, Depends(root_of)],
    file: File,
    fov: Annotated[int, Query(ge=0)] = 0,
    frame: Annotated[int, Query(ge=0)] = 0,
    channel: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """A JPEG of one frame, stretched, at most 2048 px long."""
    with open_reader(root.inside(file), axes=PROPOSED) as reader:
        _check_place(reader.metadata, fov, frame, channel)
        pixels = reader.read(fov, frame, [channel])[0]
        lost = NotRecorded.known_to(reader.metadata, fov, channel)
    contrast = contrast_of_frame(pixels, lost.mask(frame, pixels.shape))
    step = -(-max(pixels.shape) // IMAGE_PX)
    image = encode_image(pixels[::step, ::step], ImageFormat.JPEG, contrast)
    return Response(image, media_type="image/jpeg")


@router.post("/api/recording/segmentation")
def trial(root: Annotated[Root, Depends(root_of)], request: Trial) -> TrialCells:
    """Find the cells of one frame with some parameters; nothing is written."""
    config = form_config(request.channels, request.params)
    place = ImageIndex(request.fov, request.frame)
    labels = find_cells_in(root.inside(request.file), config, place)
    outlines = polygons(labels)
    return TrialCells(shape=labels.shape, cells=len(outlines), outlines=outlines)


def _check_place(metadata: MicroscopyMetadata, fov: int, frame: int, channel: int) -> None:
    if fov >= metadata.n_fovs or frame >= metadata.n_frames or channel >= metadata.n_channels:
        raise HTTPException(404, "The recording has no such FOV, frame or channel.")
