"""The commands `merge`, `fit` and `report`. Slow modules are imported inside."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from pyama.cli.options import Debug, Json, Plugins
from pyama.cli.screen import note, reported, result, result_json
from pyama.errors import ConfigError

Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="The output folder of `pyama run`.")
]
Parquet = Annotated[
    bool,
    typer.Option(
        "--parquet",
        help="Also write Parquet files; needs pip install 'pyama-traces[parquet]'.",
    ),
]


SHAPES = {
    "--fix": "NAME=VALUE, such as km=1.28",
    "--bound": "NAME=LOW:HIGH, such as ktl=0:1e6",
}
"""Form of the values of these options."""


class TimeUnit(StrEnum):
    """Units of time in tables."""

    HOURS = "h"
    MINUTES = "min"


class Loss(StrEnum):
    """What a fit minimises."""

    LINEAR = "linear"
    SOFT_L1 = "soft_l1"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        epilog="Examples:\n\n\b\n"
        "  pyama merge results --samples samples.yaml\n"
        "  pyama merge results --by-position-name --output tables --tidy\n\n"
        "In samples.yaml, ranges include their end:\n\n\b\n"
        '  samples: [{name: control, fovs: "0-5, 7"}, {name: drug, fovs: [8, 9]}]'
    )(merge)
    app.command(
        epilog="Examples:\n\n\b\n"
        "  pyama fit results/*_merged.csv\n"
        "  pyama fit results/control_merged.csv --free all --bound ktl=0:1e6\n"
        "  pyama fit traces.csv --model auto --column value --time-unit min"
    )(fit)
    app.command(
        epilog="Examples:\n\n\b\n  pyama report results\n"
        "  pyama report results --tables tables --output report.html"
    )(report)


@reported
def merge(
    folder: Folder,
    samples: Annotated[
        Path | None,
        typer.Option("--samples", metavar="FILE", help="Samples and their fields of view."),
    ] = None,
    by_position_name: Annotated[
        bool,
        typer.Option(
            "--by-position-name",
            help="Take the names of the positions, or their wells, as samples.",
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Folder of the tables. [default: DIR]"
        ),
    ] = None,
    tidy: Annotated[
        bool,
        typer.Option(
            "--tidy",
            help="Also write a table per feature with the columns time (h), fov, cell, value.",
        ),
    ] = False,
    parquet: Parquet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Put the traces of each sample into one table.

    Writes SAMPLE_merged.csv for every sample. Inspected traces replace the others; rows
    that were marked as bad are left out. Lines that begin with # describe the origin of the
    table and the time of every frame.
    """
    if (samples is None) is not by_position_name:
        raise ConfigError("Choose how samples are defined: --samples or --by-position-name.")
    from pyama.analysis.merge import write_merged

    written = write_merged(folder, samples, output, tidy=tidy, parquet=parquet)
    if as_json:
        result_json({name: [str(path) for path in paths] for name, paths in written.items()})
        return
    for name, paths in written.items():
        result(f"{name}: {paths[0]}{_and_more(paths)}")


def _and_more(paths: list[Path]) -> str:
    return f" and {len(paths) - 1} more" if len(paths) > 1 else ""


@reported
def fit(
    tables: Annotated[
        list[Path],
        typer.Argument(
            metavar="CSV...",
            help="Traces of a field of view, merged tables, or tables with the columns cell, "
            "time and a value.",
        ),
    ],
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="maturation, mrna_decay, exponential_decay, exponential_rise, logistic, "
            "linear_onset, constant, one of a plugin, or auto: for each cell the one with the "
            "smallest AIC.",
        ),
    ] = "maturation",
    column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Column to fit. [default: intensity_total, if there is one]"
        ),
    ] = None,
    free: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Also fit these parameters, or all. In maturation km and beta are fixed "
            "otherwise, in mrna_decay beta.",
        ),
    ] = "",
    fix: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Do not fit it; rates in 1/h, times in h. Without it km = 1.28 (maturation) "
            "and beta = 0.00522 (loss of protein), those of eGFP: give your protein's own.",
        ),
    ] = None,
    bound: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=LOW:HIGH", help="Bounds of a parameter: ktl=0:1e6."),
    ] = None,
    starts: Annotated[int, typer.Option(min=1, metavar="N", help="Starts per cell.")] = 5,
    loss: Annotated[
        Loss, typer.Option(help="soft_l1 gives outliers less weight.")
    ] = Loss.LINEAR,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-j", min=1, metavar="N", help="[default: one per core]"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Seed of the starts.")] = 0,
    time_unit: Annotated[
        TimeUnit,
        typer.Option(help="Unit of the column time, if the table has one."),
    ] = TimeUnit.HOURS,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Output folder. [default: that of the table]"
        ),
    ] = None,
    plugins: Plugins = None,
    parquet: Parquet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Fit a model of gene expression to every cell.

    Writes CSV_fitted_MODEL.csv: parameters with standard errors, R², AIC and class (good above
    0.9, fair above 0.7, poor, failed) of every cell. Times are in h, rates in 1/h.
    """
    from pyama.analysis.fitting.fit_files import fit_file

    options: dict[str, Any] = {
        "free": _names(free),
        "fix": {name: _number(text, value) for text, name, value in _pairs("--fix", fix)},
        "bounds": {name: _range(text, pair) for text, name, pair in _pairs("--bound", bound)},
        "starts": starts,
        "loss": loss.value,
        "seed": seed,
        "workers": workers,
    }
    done = []
    for path in tables:
        note(f"Fitting {model} to {path} ...")
        fitted = fit_file(
            path, model, column, output, time_unit=time_unit.value, parquet=parquet, **options
        )
        done.append(
            {
                "files": [str(path) for path in fitted.paths],
                "column": fitted.column,
                "cells": len(fitted.table),
                "classes": fitted.cells_by_class,
                "median_r_squared": fitted.median_r_squared,
            }
        )
        if not as_json:
            _print_fit(done[-1])
    if as_json:
        result_json(done)


def _print_fit(done: dict[str, Any]) -> None:
    classes = ", ".join(f"{n} {name}" for name, n in done["classes"].items())
    middle = done["median_r_squared"]
    quality = "" if middle is None else f"; median R² {middle:.4f}"
    result(f"{done['files'][0]}: {done['cells']} cells, {classes or 'none'}{quality}")


def _names(text: str) -> str | tuple[str, ...]:
    names = tuple(name for part in text.split(",") if (name := part.strip()))
    return "all" if names == ("all",) else names


def _pairs(option: str, texts: list[str] | None) -> list[tuple[str, str, str]]:
    """Return option and text for messages, name and value of every `NAME=VALUE`."""
    pairs: dict[str, tuple[str, str, str]] = {}
    for text in texts or ():
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise ConfigError(f"{option} {text}: write {SHAPES[option]}.")
        if name in pairs:
            raise ConfigError(f"{pairs[name][0]} and {text}: give {name} once.")
        pairs[name] = f"{option} {text}", name, value
    return list(pairs.values())


def _number(text: str, value: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise ConfigError(f"{text}: {value!r} is not a number.") from error


def _range(text: str, value: str) -> tuple[float, float]:
    low, colon, high = value.partition(":")
    if not colon:
        raise ConfigError(f"{text}: write {SHAPES['--bound']}.")
    return _number(text, low), _number(text, high)


@reported
def report(
    folder: Folder,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The file. [default: DIR/report.html]"
        ),
    ] = None,
    tables: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Where merged tables and fits are, if not in the same folder."
        ),
    ] = None,
    debug: Debug = False,
) -> None:
    """Write a report: one HTML file that works offline.

    Traces and fits of every sample, statistics, counts of every field of view, images with
    the outlines of the cells, background, drift, focus, and all settings. It includes the
    merged tables and fits in DIR.
    """
    from pyama.analysis.report import write_report

    result(str(write_report(folder, output, tables)))
