"""The application: its routes, its access checks, and its responses to errors."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.middleware import Middleware

from pyama.errors import (
    ConfigError,
    InspectedError,
    LockedError,
    NotReadyError,
    PyamaError,
    message_of,
    problem_of,
)
from pyama.processing.workflow.inspected_results import QUESTION
from pyama.web import (
    analysis_routes,
    change_routes,
    comparison_routes,
    dataset_routes,
    experiment_routes,
    figure_routes,
    file_routes,
    fit_routes,
    fitting_routes,
    form_routes,
    frame_routes,
    intensity_routes,
    known_run_routes,
    movie_routes,
    outline_routes,
    plan_routes,
    recording_routes,
    report_routes,
    run_routes,
    samples_routes,
    scatter_routes,
    suggestion_routes,
    trace_figure_routes,
    trace_routes,
)
from pyama.web.event_streams import EventStreams
from pyama.web.folders import Root
from pyama.web.inspected_tables import InspectedTables
from pyama.web.security import AccessCheck

STATIC = Path(str(files("pyama.web") / "static"))
ROUTES = (
    *(
        dataset_routes,
        frame_routes,
        outline_routes,
        trace_routes,
        intensity_routes,
        fit_routes,
    ),
    *(form_routes, recording_routes, suggestion_routes, plan_routes, run_routes),
    *(analysis_routes, comparison_routes, report_routes),
    *(known_run_routes, change_routes, figure_routes, trace_figure_routes),
    movie_routes,
    *(samples_routes, experiment_routes, fitting_routes, scatter_routes, file_routes),
)
STATUSES: dict[type[Exception], int] = {
    NotReadyError: 404,
    LockedError: 409,
    InspectedError: 428,
    ConfigError: 422,
    PyamaError: 409,
    OSError: 409,
}
"""Classes of errors, from special to general, and their HTTP status."""


def create_app(
    root: Path,
    token: str,
    hosts: frozenset[str] = frozenset(),
    plugins: Sequence[Path] = (),
) -> FastAPI:
    """Build the application.

    Args:
        root: Nothing outside this folder is read or written.
        token: Required with every request.
        hosts: Names of the server besides `localhost` and plain addresses.
        plugins: Folders of plugins that were loaded, for the command line of a run.
    """
    app = FastAPI(
        title="pyama",
        description="Results of pyama: images, outlines, traces, inspections and runs.",
        docs_url=None,
        redoc_url=None,
        middleware=[Middleware(AccessCheck, token=token, hosts=hosts)],
        lifespan=_lifespan,
    )
    app.state.root = Root(root)
    app.state.runs = run_routes.StartedRuns(plugins)
    app.state.known_runs = known_run_routes.KnownRuns(app.state.root, app.state.runs)
    app.state.fits = fitting_routes.StartedFits()
    app.state.inspected_tables = InspectedTables()
    app.state.event_streams = EventStreams()
    for module in ROUTES:
        app.include_router(module.router)
    app.add_exception_handler(PyamaError, _on_error)
    app.add_exception_handler(OSError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)

    @app.get("/", include_in_schema=False)
    def page() -> Response:
        return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})

    @app.get("/docs", include_in_schema=False)
    def docs() -> Response:
        return FileResponse(STATIC / "docs.html")

    @app.get("/favicon.ico", include_in_schema=False)
    def icon() -> Response:
        return FileResponse(STATIC / "icon.svg", media_type="image/svg+xml")

    app.mount("/static", StaticFiles(directory=STATIC))
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Write what is still to be written when the server stops, and stop a fit."""
    yield
    tables: InspectedTables = app.state.inspected_tables
    tables.write_all()
    fits: fitting_routes.StartedFits = app.state.fits
    fits.stop()


def _on_error(request: Request, error: Exception) -> Response:
    status = next(code for kind, code in STATUSES.items() if isinstance(error, kind))
    root: Root = request.app.state.root
    text = str(error) if isinstance(error, PyamaError) else message_of(error)
    text = text.replace(f"{root.path}/", "").replace(str(root.path), ".")
    if isinstance(error, InspectedError):
        text += f"\n\n{QUESTION}"
    return _answer(text, status)


def _on_invalid(request: Request, error: Exception) -> Response:
    """Answer where a request is invalid, without repeating its content."""
    entries = error.errors() if isinstance(error, RequestValidationError) else ()
    return _answer([{"loc": entry["loc"], "msg": problem_of(entry)} for entry in entries], 422)


def _answer(detail: object, status: int) -> Response:
    # JSON escapes characters of the request that cannot be encoded.
    return Response(json.dumps({"detail": detail}), status, media_type="application/json")
