"""Fits of merged tables: what can be fitted, one fit at a time under way, and its results."""

import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from pyama.analysis.fitting.fit import check_options
from pyama.analysis.fitting.fit_settings import FitSettings
from pyama.analysis.fitting.fit_table import FittedParameter, describe_fits
from pyama.analysis.fitting.model_list import ModelDescription, describe_models
from pyama.errors import ConfigError, LockedError
from pyama.file_cache import cached_while_unchanged
from pyama.runs.active_fit import ActiveFit
from pyama.runs.command_line import fit_command
from pyama.web.event_streams import EventStream, until_ended
from pyama.web.experiment_folders import TablesDir
from pyama.web.folders import TableName, shorten_paths, table_in
from pyama.web.run_routes import StartedRuns

router = APIRouter(tags=["analysis"])
POLLS_PER_SECOND = 4
Text = Annotated[str, Field(max_length=256)]
Texts = Annotated[list[Text], Field(max_length=200)]


class FitRequest(BaseModel):
    """Tables to fit, and the options of `pyama fit`, written as on the command line."""

    tables: Annotated[list[TableName], Field(min_length=1, max_length=500)]
    """Merged tables of the output folder."""
    model: Text = FitSettings.model
    column: Text | None = None
    """Without it, the only `intensity_total` of the table."""
    free: Annotated[str, Field(max_length=4096)] = ""
    """Names separated by commas, or `all`."""
    fix: Texts = []
    """Such as `km=1.28`."""
    bound: Texts = []
    """Such as `ktl=0:1e6`."""
    guess: Texts = []
    """Starting values, such as `t0=2.5`."""
    starts: Annotated[int, Field(le=10_000)] = FitSettings.starts
    loss: Text = FitSettings.loss
    seed: Annotated[int, Field(le=2**64)] = FitSettings.seed
    profile: bool = FitSettings.profile
    """Whether to compute intervals that need not be symmetric."""

    def settings(self) -> FitSettings:
        """Return the options."""
        return FitSettings.from_texts(**self.model_dump(exclude={"tables"}))


class FitCheck(BaseModel):
    """Whether a fit can be started."""

    command: str
    """The same fit on the command line; empty if it cannot be started."""
    problem: str
    """What is wrong with the options, in the words of `pyama fit`; empty if nothing is."""


class FittedTable(BaseModel):
    """A table of fits."""

    table: str
    sample: str
    model: str
    column: str
    cells: int
    """Number of cells, also those whose fit did not succeed."""
    units: dict[str, str]
    """Units of the parameters and of other numbers; empty for those without a unit."""
    classes: dict[str, int]
    """Number of cells in every class of R² that occurs."""
    median_r_squared: float | None
    parameters: list[FittedParameter]


class FitState(BaseModel):
    """The state of a fit."""

    id: str
    command: str
    """The same fit on the command line."""
    status: str
    """`running`, `finished`, `failed` or `cancelled`."""
    message: str
    """What went wrong, in sentences."""
    fraction: float
    """Part of the work that is done, 0 to 1."""
    seconds: float
    """Since the start, or until the end."""
    seconds_left: float | None
    """Estimated; null while it is not known."""
    fitted: list[str]
    """Tables of fits that were written."""
    cells: int
    """Number of cells in them."""
    warnings: list[str]


@dataclass
class StartedFit:
    """One fit, under way or ended."""

    folder: Path
    command: str
    current: ActiveFit
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def state(self) -> FitState:
        """Return its state."""
        current = self.current
        left = current.seconds_left
        fitted = list(current.fitted)
        warnings = [text for part in fitted for text in part.warnings]
        return FitState(
            id=self.id,
            command=self.command,
            status=current.status,
            message=" ".join(shorten_paths([current.message], self.folder)),
            fraction=current.fraction,
            seconds=round(current.seconds, 1),
            seconds_left=None if left is None else round(left, 1),
            fitted=[part.paths[0].name for part in fitted],
            cells=sum(len(part.table) for part in fitted),
            warnings=shorten_paths(warnings, self.folder),
        )


class StartedFits:
    """The last fit since the server was started; only one is under way at a time."""

    def __init__(self) -> None:
        self.last: StartedFit | None = None
        self._given_up: list[ActiveFit] = []
        self._lock = threading.Lock()

    def start(self, fit: StartedFit) -> StartedFit:
        """Start a fit.

        Raises:
            LockedError: Another fit is under way.
        """
        with self._lock:
            if self.last is not None and self.last.current.status == "running":
                raise LockedError("A fit is under way. Wait until it ends, or cancel it.")
            if self.last is not None and self.last.current.is_given_up:
                self._given_up.append(self.last.current)
            self.last = fit
            fit.current.start()
        return fit

    def get(self, fit_id: str) -> StartedFit:
        """Return a fit.

        Raises:
            HTTPException: There is none (404).
        """
        if self.last is None or self.last.id != fit_id:
            raise HTTPException(404, "There is no such fit.")
        return self.last

    @property
    def is_given_up(self) -> bool:
        """Whether a fit does not end, see `ActiveFit`."""
        last = [] if self.last is None else [self.last.current]
        return any(current.is_given_up for current in [*self._given_up, *last])

    def stop(self) -> None:
        """Cancel the fit that is under way, if any, and wait until it ends or is given up."""
        if self.last is not None:
            self.last.current.cancel()
            self.last.current.wait()


def _fits(request: Request) -> StartedFits:
    fits: StartedFits = request.app.state.fits
    return fits


def _plugins(request: Request) -> Sequence[Path]:
    runs: StartedRuns = request.app.state.runs
    return runs.plugins


Known = Annotated[StartedFits, Depends(_fits)]
PluginFolders = Annotated[Sequence[Path], Depends(_plugins)]


@router.get("/api/models")
def models() -> list[ModelDescription]:
    """The models that can be fitted, as `pyama models` lists them; `auto` is the last."""
    return describe_models()


@router.post("/api/fits/check")
def check(output_dir: TablesDir, plugins: PluginFolders, request: FitRequest) -> FitCheck:
    """Whether a fit can be started, and the same fit on the command line."""
    tables = [table_in(output_dir, name) for name in request.tables]
    try:
        settings = request.settings()
        check_options(settings.model, **settings.options())
    except ConfigError as error:
        return FitCheck(command="", problem=str(error))
    return FitCheck(command=fit_command(tables, settings, plugins), problem="")


@router.post("/api/fits", status_code=201)
def start(
    output_dir: TablesDir, plugins: PluginFolders, known: Known, request: FitRequest
) -> FitState:
    """Fit a model to every cell of some merged tables, in the background."""
    tables = [table_in(output_dir, name) for name in request.tables]
    settings = request.settings()
    command = fit_command(tables, settings, plugins)
    fit = StartedFit(output_dir, command, ActiveFit(tables, settings))
    return known.start(fit).state()


@router.get("/api/fits/last")
def last(output_dir: TablesDir, known: Known) -> FitState | None:
    """The last fit in this output folder since the server was started; null if none."""
    fit = known.last
    return fit.state() if fit is not None and fit.folder == output_dir else None


@router.get("/api/fits")
def fits(output_dir: TablesDir, table: str) -> FittedTable:
    """Size, parameters, their medians and units of a table of fits."""
    return _fitted_table(table_in(output_dir, table))


@router.get("/api/fits/{fit_id}")
def state(known: Known, fit_id: str) -> FitState:
    """The state of a fit."""
    return known.get(fit_id).state()


@router.post("/api/fits/{fit_id}/cancel")
def cancel(known: Known, fit_id: str) -> FitState:
    """Stop a fit; tables that are finished are kept."""
    fit = known.get(fit_id)
    fit.current.cancel()
    return fit.state()


@router.get("/api/fits/{fit_id}/events", response_class=StreamingResponse)
def events(request: Request, known: Known, fit_id: str) -> EventStream:
    """The state of a fit, repeatedly, as server-sent events, until it has ended."""
    return EventStream(request, until_ended(known.get(fit_id).state, 1 / POLLS_PER_SECOND))


@cached_while_unchanged(16)
def _fitted_table(path: Path) -> FittedTable:
    return FittedTable(table=path.name, **vars(describe_fits(path)))
