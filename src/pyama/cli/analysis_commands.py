"""The commands `fit` and `report`. Slow modules are imported inside."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pyama.analysis.fitting.fit_settings import FitSettings
from pyama.cli import fit_options
from pyama.cli.options import Debug, Folders, Json, Parquet, Plugins
from pyama.cli.terminal import note, report_errors, result, result_json, warning
from pyama.errors import ConfigError
from pyama.sentences import count_text


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        epilog="Examples:\n\n\b\n"
        "  pyama fit results/*_merged.csv\n"
        "  pyama fit results/control_merged.csv --free all --bound ktl=0:1e6\n"
        "  pyama fit experiment.yaml\n"
        "  pyama fit traces.csv --model auto --column value --time-unit min"
    )(fit)
    app.command(
        epilog="Examples:\n\n\b\n  pyama report results\n"
        "  pyama report experiment.yaml\n"
        "  pyama report results --tables tables --output report.html"
    )(report)


@report_errors
def fit(
    tables: fit_options.Tables,
    model: fit_options.Model = FitSettings.model,
    column: fit_options.Column = None,
    free: fit_options.Free = "",
    fix: fit_options.Fix = None,
    bound: fit_options.Bound = None,
    guess: fit_options.Guess = None,
    starts: fit_options.Starts = FitSettings.starts,
    loss: fit_options.LossFunction = fit_options.Loss.LINEAR,
    workers: fit_options.Workers = None,
    seed: fit_options.Seed = FitSettings.seed,
    profile: fit_options.Profile = FitSettings.profile,
    time_unit: fit_options.Unit = None,
    frame_interval: fit_options.FrameInterval = None,
    lineages: fit_options.Lineages = False,
    output: fit_options.Output = None,
    plugins: Plugins = None,
    parquet: Parquet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Fit a model of gene expression to every cell.

    Writes CSV_fitted_MODEL.csv: parameters with standard errors, R², AIC and class (good above
    0.9, fair above 0.7, poor, failed; not expressing, if no rise or fall was found) of
    every cell.
    Times are in h, rates in 1/h.
    """
    from pyama.analysis.experiments.experiment_tables import merged_tables
    from pyama.analysis.fitting.fit_files import fit_file
    from pyama.analysis.result_notes import table_remarks
    from pyama.analysis.table_origins import distinct, refuse_equal_names

    tables = merged_tables(distinct(tables))
    refuse_equal_names(tables, output)
    remarks = table_remarks(tables)
    for text in remarks:
        warning(text)
    settings = FitSettings.from_texts(
        free=free,
        fix=fix or (),
        bound=bound or (),
        guess=guess or (),
        model=model,
        column=column,
        starts=starts,
        loss=loss.value,
        seed=seed,
        profile=profile,
    )
    others: dict[str, Any] = {
        "time_unit": time_unit,
        "frame_interval": frame_interval,
        "lineages": lineages,
        "parquet": parquet,
        "workers": workers,
        **settings.options(),
    }
    done = []
    for path in tables:
        note(f"Fitting {model} to {path} ...")
        fitted = fit_file(path, model, column, output, **others)
        done.append(fitted.entries() | {"remarks": remarks})
        if not as_json:
            _print_fit(done[-1])
    if as_json:
        result_json("fit", {"fits": done})


def _print_fit(done: dict[str, Any]) -> None:
    classes = ", ".join(f"{n} {name}" for name, n in done["classes"].items())
    middle = done["median_r_squared"]
    quality = "" if middle is None else f"; median R² {middle:.4f}"
    cells = count_text(done["cells"], "cell")
    found = f"{cells}, {classes or 'none'}{quality}; times {done['times']}"
    result(f"{done['files'][0]}: {found}")


@report_errors
def report(
    folders: Folders,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The HTML file. [default: DIR/report.html]"
        ),
    ] = None,
    tables: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder of the merged tables and fits. [default: DIR]"
        ),
    ] = None,
    debug: Debug = False,
) -> None:
    """Write a report: one HTML file that works offline.

    DIR is the output folder of a run, or the file of an experiment, see `pyama experiment`.

    Traces and fits of every sample, statistics, counts of every field of view, images with
    the outlines of the cells, background, drift, focus, and all settings. It includes the
    merged tables and fits in DIR.
    """
    from pyama.analysis.report import write_report
    from pyama.analysis.table_origins import distinct

    folder, *others = distinct(folders)
    if others:
        raise ConfigError(
            f"{len(others) + 1} folders were given; a report describes one recording. Write "
            "one report after the other, or describe them in a file: `pyama experiment init` "
            "with these folders writes one, and `pyama report` takes it."
        )
    result(str(write_report(folder, output, tables)))
