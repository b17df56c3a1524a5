"""Report on an output folder or an experiment: writing it, and showing it as a page."""

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel

from pyama.analysis.report.html_page import REPORT, write_report
from pyama.web.experiment_folders import SiteRoot, TablesDir, TablesOf

router = APIRouter(tags=["analysis"])
SANDBOX = {
    "Content-Security-Policy": (
        "sandbox allow-scripts allow-downloads; default-src 'none'; "
        "script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
}
"""Headers of a report, which contains its own scripts.

In a sandbox it has no cookie. So neither its scripts nor anything else that somebody put into
a file of that name can send requests to this server.
"""


class Report(BaseModel):
    """File of a report."""

    name: str
    """Name of the file in the folder of the tables."""
    kilobytes: int


@router.post("/api/report")
def make(root: SiteRoot, output_dir: TablesDir, directory: TablesOf = ".") -> Report:
    """Write the report into the folder of the tables, with merged tables and fits."""
    path = write_report(root.inside(directory), output_dir / REPORT, output_dir)
    return Report(name=path.name, kilobytes=-(-path.stat().st_size // 1024))


@router.get("/api/report", response_class=Response)
def report(output_dir: TablesDir) -> FileResponse:
    """Report as a page, if it was written."""
    path = output_dir / REPORT
    if path.is_symlink() or not path.is_file():
        raise HTTPException(404, "There is no report yet. Write it first.")
    return FileResponse(path, media_type="text/html; charset=utf-8", headers=SANDBOX)
