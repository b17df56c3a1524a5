"""Results that the sections of a report show: traces and fits of samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from pyama.analysis.joined_tables import fitted_parameters
from pyama.analysis.table_columns import measured_columns, unit_of, with_unit


@dataclass(frozen=True)
class Fits:
    """All fits of one model to one column.

    Attributes:
        model: Name of the model, or `auto`.
        column: Column that was fitted.
        units: Of the parameters.
        table: One row per cell with the column `sample`.
        is_of_lineages: Whether a row is the sum of a lineage.
        fixed: Values of the parameters that were fixed; several if tables differ.
    """

    model: str
    column: str
    units: Mapping[str, str]
    table: pd.DataFrame
    is_of_lineages: bool = False
    fixed: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def parameters(self) -> list[str]:
        """Names of the parameters that were fitted in at least one cell."""
        return fitted_parameters(self.table)


class Results:
    """Traces and fits of the samples of a recording or of an experiment.

    Attributes:
        traces: All traces with `sample` and `time` in hours.
        fits: One entry per model and column.
    """

    traces: pd.DataFrame
    fits: tuple[Fits, ...]

    @property
    def channel_names(self) -> Sequence[str]:
        """Names of the channels by their number; empty if they are not known."""
        return ()

    @property
    def samples(self) -> list[str]:
        """Names of the samples in their order."""
        fitted = [name for fits in self.fits for name in fits.table["sample"]]
        return list(dict.fromkeys(map(str, [*self.traces["sample"].unique(), *fitted])))

    @property
    def features(self) -> list[str]:
        """Columns that were measured, the total intensities first."""
        columns = measured_columns(self.traces)
        first = ("intensity_total", "intensity")
        return sorted(columns, key=lambda name: [not name.startswith(kind) for kind in first])

    def label(self, column: str) -> str:
        """Return a label for a column: feature, name of the channel, and unit."""
        feature, separator, channel = column.rpartition("_ch_")
        names = self.channel_names
        if not separator or not channel.isdecimal() or int(channel) >= len(names):
            label = column
        else:
            label = f"{feature.replace('_', ' ')}, {names[int(channel)]}"
        return with_unit(label, unit_of(column))
