"""Movie of a field of view as a file, made by `pyama export movie`."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from pyama.exports.export_source import Selection
from pyama.exports.movie_export import export_movie
from pyama.web.folders import Fov, FovOutputDir

router = APIRouter(tags=["frames"])
MEDIA_TYPES = {"gif": "image/gif", "mp4": "video/mp4"}


@router.get("/api/fovs/{fov}/movie", response_class=Response)
def movie(
    output_dir: FovOutputDir,
    fov: Fov,
    kind: Literal["gif", "mp4"] = "gif",
    fps: Annotated[float, Query(ge=0.1, le=60, description="Frames per second.")] = 10,
) -> Response:
    """Phase contrast with outlines and numbers of cells, time and a scale bar, as a file.

    As `pyama export movie`; MP4 needs the extra `movie`.
    """
    with TemporaryDirectory(prefix="pyama_") as folder:
        path = Path(folder) / f"movie.{kind}"
        export_movie(output_dir, path, Selection(str(fov)), fps=fps)
        content = path.read_bytes()
    headers = {"Content-Disposition": "attachment", "Cache-Control": "no-store"}
    return Response(content, headers=headers, media_type=MEDIA_TYPES[kind])
