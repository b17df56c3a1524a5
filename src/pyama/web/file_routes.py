"""Files of an output folder as downloads, one by one or all in a zip archive."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import FileResponse, Response, StreamingResponse
from pydantic import BaseModel

from pyama import layout
from pyama.runs.result_files import result_files, result_zip
from pyama.symlinks import refuse_link_out
from pyama.units import bytes_text
from pyama.web.experiment_folders import TablesDir

router = APIRouter(tags=["analysis"])
MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
    ".jsonl": "application/x-ndjson",
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".pdf": "application/pdf",
}
"""Content types by suffix; other files are plain text."""
HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""Headers of a download: if a browser shows it all the same, it has no rights here."""


class ListedFile(BaseModel):
    """A file that can be downloaded."""

    name: str
    """Path in the output folder, with `/` between names."""
    kind: str
    """Such as `fits` or `traces`; files of one kind follow each other."""
    size: str
    """Size in words."""


class ListedFiles(BaseModel):
    """Files that can be downloaded."""

    files: list[ListedFile]
    zip_count: int
    """Number of files in the zip archive."""
    zip_size: str
    """Their size before compression, in words."""


@router.get("/api/results")
def results(output_dir: TablesDir) -> ListedFiles:
    """Tables, fits, figures, reports and records of an output folder."""
    found = result_files(output_dir)
    in_zip = result_zip(output_dir)
    return ListedFiles(
        files=[ListedFile(name=f.name, kind=f.kind, size=bytes_text(f.size)) for f in found],
        zip_count=in_zip.count,
        zip_size=bytes_text(in_zip.size),
    )


@router.get("/api/results/file", response_class=Response)
def result_file(
    output_dir: TablesDir,
    name: Annotated[str, Query(max_length=4096, description="As listed.")],
) -> FileResponse:
    """One of the files that are listed."""
    found = next((file for file in result_files(output_dir) if file.name == name), None)
    if found is None:
        raise HTTPException(404, "There is no such file.")
    refuse_link_out(found.path)
    kind = MEDIA_TYPES.get(found.path.suffix.lower(), "text/plain; charset=utf-8")
    return FileResponse(
        found.path,
        media_type=kind,
        filename=layout.safe_name(found.path.name),
        headers=HEADERS,
    )


@router.get("/api/results/zip", response_class=Response)
def archive(output_dir: TablesDir) -> StreamingResponse:
    """All of them in a zip archive, but for tables of earlier samples."""
    folder = layout.safe_name(output_dir.name)
    plain = folder.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    headers = HEADERS | {"Content-Disposition": f'attachment; filename="{plain}.zip"'}
    chunks = result_zip(output_dir).chunks(folder)
    return StreamingResponse(chunks, media_type="application/zip", headers=headers)
