"""The report on an output folder: made here, shown in a page of its own."""

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel

from pyama.analysis.report.html_page import REPORT, write_report
from pyama.web.analysis_routes import OutputDir

router = APIRouter(tags=["answers"])
ALONE = {
    "Content-Security-Policy": (
        "sandbox allow-scripts allow-downloads; default-src 'none'; "
        "script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
}
"""A report brings its own scripts. In a sandbox it has no cookie, so that they, or whatever
else somebody put into a file of that name, cannot ask the server for anything."""


class Report(BaseModel):
    """A report that was written."""

    name: str
    """Of the file in the output folder."""
    kilobytes: int


@router.post("/api/report")
def make(output_dir: OutputDir) -> Report:
    """Write the report into the output folder, with the merged tables and fits of it."""
    path = write_report(output_dir)
    return Report(name=path.name, kilobytes=-(-path.stat().st_size // 1024))


@router.get("/api/report", response_class=Response)
def report(output_dir: OutputDir) -> FileResponse:
    """The report as a page, if it was written."""
    path = output_dir / REPORT
    if path.is_symlink() or not path.is_file():
        raise HTTPException(404, "There is no report yet.")
    return FileResponse(path, media_type="text/html; charset=utf-8", headers=ALONE)
