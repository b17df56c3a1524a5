"""The options of `pyama fit`: their types and help."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Loss(StrEnum):
    """What a fit minimises."""

    LINEAR = "linear"
    SOFT_L1 = "soft_l1"


Tables = Annotated[
    list[Path],
    typer.Argument(
        metavar="CSV...",
        help="Traces of a field of view, merged tables, or tables with the columns cell, "
        "time and a value; or the file of an experiment, for its merged tables.",
    ),
]
Model = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Name of a model; `pyama models` lists them with their parameters. With auto, "
        "for each cell the model with the smallest BIC, or undecided.",
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
Guess = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="First starting value of a parameter, instead of one that is estimated from "
        "each trace; the other starts lie around it: t0=2.5.",
    ),
]
Starts = Annotated[
    int, typer.Option(min=1, metavar="N", help="Number of starting points per cell.")
]
LossFunction = Annotated[Loss, typer.Option(help="soft_l1 gives outliers less weight.")]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        "-j",
        min=1,
        metavar="N",
        help="Processes that fit at the same time. [default: one per core]",
    ),
]
Seed = Annotated[
    int, typer.Option(min=0, metavar="N", help="Random seed of the starting points.")
]
Profile = Annotated[
    bool,
    typer.Option(
        "--profile",
        help="Also compute 95 % intervals that need not be symmetric: columns NAME_low and "
        "NAME_high. Takes several times as long.",
    ),
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
Lineages = Annotated[
    bool,
    typer.Option("--lineages", help="Add up the cells that descend from one cell."),
]
FrameInterval = Annotated[
    float | None,
    typer.Option(
        metavar="MINUTES",
        help="Minutes per frame, for a table that has the column frame and no time.",
    ),
]
