"""The output folder on disk. No other package reads or writes its arrays."""

from pyama.store.array_spec import crop_spec
from pyama.store.cells import (
    CELL_PREVIEWS_MARK,
    CELLS_MARK,
    CellList,
    CellPreviewsOutput,
    Cells,
    CellsOutput,
    Crop,
    crop_dtype,
    crop_files,
)
from pyama.store.damages import Damage
from pyama.store.file_locks import LOCK_FILE, lock_folder, try_lock
from pyama.store.files import (
    path_in_errors,
    replace_file,
    set_aside,
    write_atomically,
)
from pyama.store.fov_store import FovStore, Stack, fovs_in
from pyama.store.label_corrections import (
    CORRECTED,
    CorrectedStack,
    Correction,
    LabelCorrections,
    canonical,
    corrections_text,
)
from pyama.store.lock import lock_fovs, locks_joined
from pyama.store.lock_owner import local_time
from pyama.store.lock_state import LockHolder, lock_holders
from pyama.store.marks import MARKS, Mark, MarkFile, seal, unseal
from pyama.store.not_recorded import NotRecorded
from pyama.store.ome import Scale, Series
from pyama.store.outputs import (
    ROOT_MARK,
    SHIFTS_MARK,
    TRACES_MARK,
    Output,
    RootOutput,
    TableOutput,
    TracesOutput,
    Write,
)
from pyama.store.packing import convert_cells
from pyama.store.recipe import Recipe
from pyama.store.removing import (
    bytes_in,
    is_behind_link,
    left_temporaries,
    remove_output,
    remove_outputs,
    remove_temporaries,
    remove_temporary,
)
from pyama.store.run_file import read_run
from pyama.store.stack_outputs import PreviewOutput, StackOutput, stack_files
from pyama.store.stored_files import Form
from pyama.store.temporaries import TEMPORARY, owned_token
from pyama.store.zarr_arrays import StoredArray

__all__ = [
    "CELLS_MARK",
    "CELL_PREVIEWS_MARK",
    "CORRECTED",
    "LOCK_FILE",
    "MARKS",
    "ROOT_MARK",
    "SHIFTS_MARK",
    "TEMPORARY",
    "TRACES_MARK",
    "CellList",
    "CellPreviewsOutput",
    "Cells",
    "CellsOutput",
    "CorrectedStack",
    "Correction",
    "Crop",
    "Damage",
    "Form",
    "FovStore",
    "LabelCorrections",
    "LockHolder",
    "Mark",
    "MarkFile",
    "NotRecorded",
    "Output",
    "PreviewOutput",
    "Recipe",
    "RootOutput",
    "Scale",
    "Series",
    "Stack",
    "StackOutput",
    "StoredArray",
    "TableOutput",
    "TracesOutput",
    "Write",
    "bytes_in",
    "canonical",
    "convert_cells",
    "corrections_text",
    "crop_dtype",
    "crop_files",
    "crop_spec",
    "fovs_in",
    "is_behind_link",
    "left_temporaries",
    "local_time",
    "lock_folder",
    "lock_fovs",
    "lock_holders",
    "locks_joined",
    "owned_token",
    "path_in_errors",
    "read_run",
    "remove_output",
    "remove_outputs",
    "remove_temporaries",
    "remove_temporary",
    "replace_file",
    "seal",
    "set_aside",
    "stack_files",
    "try_lock",
    "unseal",
    "write_atomically",
]
