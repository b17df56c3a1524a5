"""Columns of traces tables: which ones hold features, which one to use, and their units."""

from collections.abc import Iterable
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from pyama import layout
from pyama.errors import ConfigError
from pyama.traces.trace_rows import DRIFT, PARENT

if TYPE_CHECKING:
    import pandas as pd  # takes long to load

IDENTITY = (*layout.NAME_COLUMNS, "fov", "cell")
"""Columns that identify a trace, as far as a table has them."""
PART = "part"
"""Column with the recording that a row is from, if recordings were joined in time."""
NOT_MEASURED = frozenset(
    {
        *(
            *IDENTITY,
            *layout.CONDITION_COLUMNS,
            PART,
            *layout.BASE_COLUMNS,
            "time",
            "source_cell",
        ),
        *(layout.LEFT_OUT_BY, PARENT, *DRIFT, "n_points"),
    }
)
"""Columns of traces that are not features."""
UNITS = {
    "area": "px²",
    "area_um2": "µm²",
    "perimeter": "px",
    "centroid_x": "px",
    "centroid_y": "px",
    "intensity_total": "counts",
    "intensity_mean": "counts",
    "intensity_max": "counts",
    "intensity_std": "counts",
    "intensity_core": "counts",
    "intensity_middle": "counts",
    "intensity_rim": "counts",
    "texture": "counts",
    "background_error": "counts",
}
"""Units of the built-in features that have one."""
_GENEROUS = (
    "depends on how generous the mask is; on synthetic cells, masks of LOG-STD are 1.2 to 1.5 "
    "times too large, those of small cells most"
)
MEANINGS = {
    "area": f"Pixels of the mask: {_GENEROUS}. Compare it between equal settings only.",
    "area_um2": f"Area of the mask: {_GENEROUS}. Compare it between equal settings only.",
    "intensity_mean": (
        f"intensity_total / area: {_GENEROUS}, and means as many times too small. Compare "
        "them between equal settings only, or use intensity_total."
    ),
    "intensity_total": (
        "Sum over the mask minus background: hardly depends on how generous the mask is, as "
        "pixels beside the cell add about 0."
    ),
    "background_error": (
        "Standard error of the background in the frame, the same for all cells: that of "
        "intensity_mean, and times area that of intensity_total. Empty where no background "
        "is visible."
    ),
}
"""What a person has to know to compare values of a feature."""


def require_columns(
    table: "pd.DataFrame", names: Iterable[str], numbers: Iterable[str] = ()
) -> None:
    """Raise an error if a table lacks a column.

    Args:
        table: Any table.
        names: Columns of any type.
        numbers: Columns that must hold numbers.

    Raises:
        ConfigError: A column is missing or of another type.
    """
    from pandas.api.types import is_numeric_dtype

    numbers = tuple(numbers)
    for name in (*names, *numbers):
        if name not in table:
            raise ConfigError(
                f"The table has no column {name!r}{' of numbers' if name in numbers else ''}. "
                f"It has: {', '.join(map(str, table.columns))}."
            )
        if name in numbers and not is_numeric_dtype(table[name]):
            raise ConfigError(_holds_text(table, name))


def first_text(column: "pd.Series[Any]") -> object:
    """Return the first value of a column that is no number; None if there is none."""
    import pandas as pd

    odd = column[column.notna() & pd.to_numeric(column, errors="coerce").isna()]
    return odd.iloc[0] if len(odd) else None


def _holds_text(table: "pd.DataFrame", name: str) -> str:
    text = first_text(table[name])
    held = "no numbers" if text is None else f"{text!r}"
    return f"The column {name!r} holds {held}; expected numbers."


def cell_keys(table: "pd.DataFrame") -> list[str]:
    """Return the columns of `IDENTITY` that a table has.

    Raises:
        ConfigError: It has no column fov or cell.
    """
    require_columns(table, ("fov", "cell"))
    return [name for name in IDENTITY if name in table]


def with_text_names(table: "pd.DataFrame", *others: str) -> "pd.DataFrame":
    """Return a table in which the names of samples, recordings, days etc. are text.

    Numbers, dates and truth values become the text that a file would hold: 1 and 1.0 become
    `1`, so that they are one sample with the text `1`. The order of categories is kept.

    Args:
        table: Any table.
        others: Further columns of names.
    """
    import pandas as pd

    known = {*layout.NAME_COLUMNS, *layout.CONDITION_COLUMNS, *others}
    for name in known.intersection(table.columns):
        column = table[name]
        texts = {value: name_text(value) for value in column.dropna().unique().tolist()}
        if all(isinstance(value, str) for value in texts):
            continue
        mapped: pd.Series[Any] = column.astype(object).map(name_text, na_action="ignore")
        if isinstance(column.dtype, pd.CategoricalDtype):
            order = dict.fromkeys(map(name_text, column.dtype.categories.tolist()))
            mapped = mapped.astype(pd.CategoricalDtype(list(order)))
        else:
            mapped = mapped.astype("str")
        table = table.assign(**{name: mapped})
    return table


def sample_names(table: "pd.DataFrame") -> list[str]:
    """Return the names of the samples of a table, in the order in which they are shown.

    Samples without a row are among them if the column is categorical.
    """
    import pandas as pd

    column = table["sample"]
    is_listed = isinstance(column.dtype, pd.CategoricalDtype)
    names = column.cat.categories if is_listed else column.dropna().unique()
    return list(dict.fromkeys(map(name_text, names.tolist())))


def name_text(value: object) -> str:
    """Return a name as text; a day without a time is a date, a whole number has no point."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return str(value)


def with_conditions(cells: "pd.DataFrame", table: "pd.DataFrame") -> "pd.DataFrame":
    """Add the columns day, plate and condition before fov, as far as the traces have them.

    Args:
        cells: One row per cell.
        table: The traces. A column that changes within a trace is left out.
    """
    keys = cell_keys(table)
    for name in layout.CONDITION_COLUMNS:
        if name in table and (table.groupby(keys)[name].nunique() <= 1).all():
            values = table[[*keys, name]].drop_duplicates(keys)
            found = cells[keys].merge(values, how="left", on=keys)[name].to_numpy()
            cells.insert(list(cells).index("fov"), name, found)
    return cells


def rows_of_cell(table: "pd.DataFrame", cell: "pd.Series[Any]") -> "pd.DataFrame":
    """Return the rows of a table that belong to a cell.

    Args:
        table: Traces of cells.
        cell: Row of a table with one row per cell. Columns of `IDENTITY` that only one of
            both has are not compared.
    """
    shared = [name for name in IDENTITY if name in table and name in cell]
    names = with_text_names(table[shared])
    return table[(names == with_text_names(cell[shared].to_frame().T).iloc[0]).all(axis=1)]


def cell_text(cell: "pd.Series[Any]", table: "pd.DataFrame") -> str:
    """Return where a cell is, such as `FOV 3, cell 3`.

    Args:
        cell: Row of the table.
        table: One row per cell. If it has several recordings, that of the cell is named.
    """
    place = f"FOV {cell['fov']}, cell {cell['cell']}"
    is_one = "recording" not in table or table["recording"].nunique() < 2
    return place if is_one else f"{name_text(cell['recording'])}, {place}"


def measured_columns(table: "pd.DataFrame") -> list[str]:
    """Return the columns of numbers that are features."""
    numbers = table.select_dtypes("number").columns
    return [str(name) for name in numbers if name not in NOT_MEASURED]


def default_columns(table: "pd.DataFrame") -> list[str]:
    """Return the total intensities if the table has any, else all features."""
    columns = measured_columns(table)
    return [name for name in columns if name.startswith("intensity_total_ch_")] or columns


def chosen_column(table: "pd.DataFrame", wanted: str | None) -> str:
    """Return the column to use: the wanted one, or the only one of `default_columns`.

    Raises:
        ConfigError: It does not exist, or there are several.
    """
    columns, default = measured_columns(table), default_columns(table)
    if wanted is None and len(default) == 1:
        return default[0]
    if wanted in table and wanted not in (*columns, *NOT_MEASURED):
        raise ConfigError(_holds_text(table, str(wanted)))
    if not columns:
        texts = [
            f" Its column {name!r} holds {text!r}."
            for name in table
            if name not in NOT_MEASURED and (text := first_text(table[name])) is not None
        ]
        raise ConfigError(
            "The table has no column of numbers to work on; expected one besides fov, cell, "
            f"frame and time. It has: {', '.join(map(str, table.columns))}.{''.join(texts)}"
        )
    if wanted is None or wanted not in columns:
        problem = "There are several columns" if wanted is None else f"No column {wanted!r}"
        raise ConfigError(f"{problem}. Choose with --column: {', '.join(columns)}.")
    return wanted


def unit_of(column: str) -> str:
    """Return the unit of a column of traces; empty if it has none or is unknown."""
    if column in layout.BASE_COLUMNS and column.startswith(("position_", "bbox_")):
        return "px"
    return UNITS.get(column.rpartition("_ch_")[0], "")


def with_unit(label: str, unit: str) -> str:
    """Return a label with a unit behind it, in parentheses; without a unit the label."""
    return f"{label} ({unit})" if unit else label


def meaning_of(column: str) -> str:
    """Return what a person has to know about a column of traces; empty if nothing special."""
    return MEANINGS.get(column.rpartition("_ch_")[0], "")


def meanings_of(table: "pd.DataFrame") -> dict[str, str]:
    """Return the meanings of the columns that have one."""
    return {str(name): meaning for name in table if (meaning := meaning_of(str(name)))}


def units_of(table: "pd.DataFrame") -> dict[str, str]:
    """Return the units of the columns that have one."""
    return {str(name): unit for name in table if (unit := unit_of(str(name)))}
