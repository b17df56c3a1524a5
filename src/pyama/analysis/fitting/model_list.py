"""The models and their parameters as people choose them, for the command line and the page."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import pandas as pd

from pyama.analysis.fitting.model import Parameter
from pyama.analysis.fitting.model_setups import AUTO
from pyama.analysis.fitting.models import MODELS
from pyama.analysis.table_files import Header

FIXED = "fixed"
"""Entry of tables of fits: values of the parameters that were fixed."""


@dataclass(frozen=True)
class ParameterDescription:
    """A parameter of a model; see `pyama.analysis.fitting.model.Parameter`.

    Attributes:
        lower: Lower bound; None if there is none.
        upper: Upper bound; None if there is none.
    """

    name: str
    unit: str
    lower: float | None
    upper: float | None
    default: float
    fixed: bool
    linear: bool
    description: str


@dataclass(frozen=True)
class ModelDescription:
    """A model that can be fitted.

    Attributes:
        name: Value of `--model`.
        description: What it describes, in a sentence; may be empty.
        source: DOI of the publication; empty if there is none.
        parameters: Of the model; for `auto` those of all models.
    """

    name: str
    description: str
    source: str
    parameters: tuple[ParameterDescription, ...]


def describe_models() -> list[ModelDescription]:
    """Return all models, those of plugins too, and `auto`, which chooses among them."""
    every = {p.name: p for model in reversed(list(MODELS.values())) for p in model.parameters}
    return [
        *(
            ModelDescription(m.name, m.description, m.source, _described(m.parameters))
            for m in MODELS.values()
        ),
        ModelDescription(
            AUTO,
            "For each cell the model with the smallest BIC, or undecided; options apply to "
            "the models that have the parameter.",
            "doi:10.1214/aos/1176344136",
            _described(sorted(every.values(), key=lambda parameter: parameter.fixed)),
        ),
    ]


def _described(parameters: Iterable[Parameter]) -> tuple[ParameterDescription, ...]:
    known = [field.name for field in fields(ParameterDescription)]
    return tuple(
        ParameterDescription(
            **{name: getattr(p, name) for name in known}
            | {name: _if_finite(getattr(p, name)) for name in ("lower", "upper")}
        )
        for p in parameters
    )


def _if_finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def model_lines() -> list[str]:
    """Return all models with their parameters, one line each, for the command line."""
    lines = []
    for model in describe_models():
        lines.append(
            f"{model.name}: {model.description}{f' {model.source}' * bool(model.source)}"
        )
        if model.name != AUTO:
            lines += [f"    {_parameter_line(parameter)}" for parameter in model.parameters]
    return lines


def _parameter_line(parameter: ParameterDescription) -> str:
    low, high = parameter.lower, parameter.upper
    facts = [
        parameter.unit,
        f"fixed at {parameter.default:g}" if parameter.fixed else "",
        "" if low is None else f"from {low:g}{'' if high is None else f' to {high:g}'}",
        parameter.description,
    ]
    return f"{parameter.name}: {', '.join(fact for fact in facts if fact)}"


def fixed_by(model: str, free: Any, fix: Mapping[str, float]) -> dict[str, float]:
    """Return the parameters that a fit does not change, with their values.

    Args:
        model: Name in `MODELS`, or `auto`.
        free: As for `fit_arrays`.
        fix: As for `fit_arrays`.
    """
    models = MODELS.values() if model == AUTO else [MODELS[model]]
    fixed = {
        p.name: p.default
        for of_model in models
        for p in of_model.parameters
        if p.fixed and free != "all" and p.name not in free
    }
    return fixed | dict(fix)


def fixed_parameters(table: pd.DataFrame, header: Header) -> dict[str, float]:
    """Return the parameters that were fixed in a table of fits, with their values.

    Tables of earlier versions do not tell: then a parameter with one value in all cells and
    without any standard error was fixed.
    """
    recorded = header.get(FIXED)
    if isinstance(recorded, dict):
        return {str(name): float(value) for name, value in recorded.items()}
    names = [str(name) for name in table if f"{name}_se" in table]
    constant = [
        name
        for name in names
        if table[f"{name}_se"].isna().all() and table[name].nunique() == 1 and len(table) > 1
    ]
    return {name: float(table[name].dropna().iloc[0]) for name in constant}
