"""The options of `pyama fit`: their types and help, and reading of their values."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pyama.errors import ConfigError

SHAPES = {
    "--fix": "NAME=VALUE, such as km=1.28",
    "--bound": "NAME=LOW:HIGH, such as ktl=0:1e6",
}
"""Form of the values of these options."""


class Loss(StrEnum):
    """What a fit minimises."""

    LINEAR = "linear"
    SOFT_L1 = "soft_l1"


Tables = Annotated[
    list[Path],
    typer.Argument(
        metavar="CSV...",
        help="Traces of a field of view, merged tables, or tables with the columns cell, "
        "time and a value.",
    ),
]
Model = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="maturation, mrna_decay, exponential_decay, exponential_rise, logistic, "
        "linear_onset, constant, a model of a plugin, or auto: for each cell the model "
        "with the smallest AIC.",
    ),
]
Column = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Column to fit. [default: intensity_total, if there is one]"
    ),
]
Free = Annotated[
    str,
    typer.Option(
        metavar="NAMES",
        help="Also fit these parameters, or all. By default, km and beta are fixed in "
        "maturation, and beta in mrna_decay.",
    ),
]
Fix = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="Keep a parameter at this value; rates in 1/h, times in h. By default "
        "km = 1.28 (maturation) and beta = 0.00522 (loss of protein), the values of eGFP: set "
        "those of your protein.",
    ),
]
Bound = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=LOW:HIGH", help="Bounds of a parameter: ktl=0:1e6."),
]
Starts = Annotated[
    int, typer.Option(min=1, metavar="N", help="Number of starting points per cell.")
]
LossFunction = Annotated[Loss, typer.Option(help="soft_l1 gives outliers less weight.")]
Workers = Annotated[
    int | None,
    typer.Option("--workers", "-j", min=1, metavar="N", help="[default: one per core]"),
]
Seed = Annotated[
    int, typer.Option(min=0, metavar="N", help="Random seed of the starting points.")
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="DIR", help="Output folder. [default: that of the table]"
    ),
]
Unit = Annotated[
    str | None,
    typer.Option(
        metavar="UNIT",
        help="Unit of the column time, such as s, min or h. [default: the one that the table "
        "names, else h]",
    ),
]
FrameInterval = Annotated[
    float | None,
    typer.Option(
        metavar="MINUTES",
        help="Minutes per frame, for a table that has the column frame and no time.",
    ),
]


def parameter_names(text: str) -> str | tuple[str, ...]:
    """Read the value of `--free`: names separated by commas, or `all`."""
    names = tuple(name for part in text.split(",") if (name := part.strip()))
    return "all" if names == ("all",) else names


def fixed_values(texts: list[str] | None) -> dict[str, float]:
    """Read the values of `--fix`.

    Raises:
        ConfigError: One of them has another form, or a name occurs twice.
    """
    return {name: _number(text, value) for text, name, value in _pairs("--fix", texts)}


def bounds(texts: list[str] | None) -> dict[str, tuple[float, float]]:
    """Read the values of `--bound`.

    Raises:
        ConfigError: One of them has another form, or a name occurs twice.
    """
    return {name: _range(text, pair) for text, name, pair in _pairs("--bound", texts)}


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
