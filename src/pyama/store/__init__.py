"""The output folder on disk. No other package reads or writes its arrays."""

from pyama.store.arrays import StoredArray, crop_spec
from pyama.store.fov import Cells, FovStore, Stack
from pyama.store.lock import locked
from pyama.store.marks import Damage, Mark, Recipe, replacing, write_atomically
from pyama.store.ome import Scale, Series
from pyama.store.outputs import (
    CELL_PREVIEWS_MARK,
    CELLS_MARK,
    ROOT_MARK,
    TRACES_MARK,
    CellPreviewsOutput,
    CellsOutput,
    Crop,
    Output,
    PreviewOutput,
    RootOutput,
    Roster,
    StackOutput,
    TableOutput,
)

__all__ = [
    "CELLS_MARK",
    "CELL_PREVIEWS_MARK",
    "ROOT_MARK",
    "TRACES_MARK",
    "CellPreviewsOutput",
    "Cells",
    "CellsOutput",
    "Crop",
    "Damage",
    "FovStore",
    "Mark",
    "Output",
    "PreviewOutput",
    "Recipe",
    "RootOutput",
    "Roster",
    "Scale",
    "Series",
    "Stack",
    "StackOutput",
    "StoredArray",
    "TableOutput",
    "crop_spec",
    "locked",
    "replacing",
    "write_atomically",
]
