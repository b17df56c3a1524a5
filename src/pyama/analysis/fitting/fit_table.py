"""What a table of fits says: its parameters, which of them were fixed, and how good it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pyama.analysis.fitting.model_list import fixed_parameters
from pyama.analysis.joined_tables import fits_above, fitted_numbers, join_fits
from pyama.analysis.statistics import describe, finite_values
from pyama.analysis.table_files import read_header

QUANTILES = ("q25", "median", "q75")


@dataclass(frozen=True)
class FittedParameter:
    """A parameter in a table of fits.

    Attributes:
        name: Its column.
        unit: Empty if there is none.
        fixed: The value at which it was fixed; None if it was fitted.
        n: Cells with a value.
        q25: Lower quartile; None without cells.
        median: None without cells.
        q75: Upper quartile; None without cells.
    """

    name: str
    unit: str
    fixed: float | None
    n: int
    q25: float | None
    median: float | None
    q75: float | None


@dataclass(frozen=True)
class FitsDescription:
    """A table of fits.

    Attributes:
        sample: Name of the sample.
        model: Model that was fitted, or `auto`.
        column: Column that was fitted.
        cells: Number of cells, also those whose fit did not succeed.
        units: Of all columns of numbers; empty for those without a unit.
        classes: Number of cells in every class of R² that occurs, the most frequent first.
        median_r_squared: None if no cell has a fit.
        parameters: Of the model, those that were fitted first; of cells that express.
    """

    sample: str
    model: str
    column: str
    cells: int
    units: Mapping[str, str]
    classes: Mapping[str, int]
    median_r_squared: float | None
    parameters: tuple[FittedParameter, ...]


def describe_fits(path: Path) -> FitsDescription:
    """Describe a table of fits.

    Raises:
        StoreError: The file cannot be read or is not a table of fits.
    """
    table, units = join_fits([path])
    header = read_header(path)
    fixed = fixed_parameters(table, header)
    shown = fits_above(table, None)
    names = [name for name in fitted_numbers(table) if f"{name}_se" in table]
    names.sort(key=lambda name: name in fixed)
    return FitsDescription(
        sample=str(header.get("sample", path.stem)),
        model=str(header.get("model", "")),
        column=str(header.get("column", "")),
        cells=len(table),
        units={name: str(units.get(name, "")) for name in fitted_numbers(table)},
        classes=_counts(table),
        median_r_squared=_quantiles(table, "r_squared")["median"],
        parameters=tuple(
            FittedParameter(
                name,
                str(units.get(name, "")),
                fixed.get(name),
                len(finite_values(shown[name])),
                **_quantiles(shown, name),
            )
            for name in names
        ),
    )


def _counts(table: pd.DataFrame) -> dict[str, int]:
    if "class" not in table:
        return {}
    return {str(name): int(n) for name, n in table["class"].value_counts().items()}


def _quantiles(table: pd.DataFrame, name: str) -> dict[str, float | None]:
    values = finite_values(table[name])
    summary = describe(values)
    return {key: summary[key] if len(values) else None for key in QUANTILES}
