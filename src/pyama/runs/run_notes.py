"""What was decided for the user of a run, in sentences, before it begins."""

from collections.abc import Container
from pathlib import Path

from pyama import layout
from pyama.config import WITHOUT_EFFECT, ProcessingConfig
from pyama.derived_sizes import derived_notes
from pyama.metadata import MicroscopyMetadata, times_text
from pyama.readers.frame_selection import selection_notes
from pyama.runs.network_notes import network_notes
from pyama.sentences import WITHOUT_CELLS, WITHOUT_MASK
from pyama.time_warnings import time_warnings


def quoted(path: Path) -> str:
    """Return a path as it is typed in a shell."""
    return f'"{path}"' if " " in str(path) else str(path)


def recording_notes(metadata: MicroscopyMetadata, config: ProcessingConfig) -> list[str]:
    """Return what is to be known about a recording and how it is processed."""
    notes = selection_notes(metadata)
    if config.channels.pc is None:
        notes.append(WITHOUT_CELLS)
        if not config.params.copy_only:
            notes.append(WITHOUT_MASK)
    if metadata.n_frames > 1:
        notes.append(f"There is {times_text(metadata, config.params)}.")
    notes += time_warnings(metadata, config.params)
    notes += derived_notes(config, metadata)
    notes += network_notes(config, metadata)
    if metadata.n_z > 1:
        notes.append(f"Of {metadata.n_z} z planes, z = {config.params.z} is used.")
        if "z" not in config.params.model_fields_set:
            notes[-1] += " Another: --set z=NUMBER; their maximum: --set z=max"
    return notes


def other_settings(
    old: ProcessingConfig, new: ProcessingConfig, typed: Container[str], output: Path
) -> list[str]:
    """Note which parameters of an earlier run are not used, unless the user typed others."""
    before, after = old.params.model_dump(), new.params.model_dump()
    differs = [
        f"{name} = {before[name]}"
        for name in before
        if name not in typed
        and name not in WITHOUT_EFFECT
        and name not in old.derived
        and before[name] != after[name]
    ]
    if not differs:
        return []
    return [
        f"The last run in this folder had other settings ({', '.join(differs)}). Now the "
        f"defaults are used; to keep those: --config {quoted(output / layout.CONFIG_FILE)}"
    ]


def reselection_notes(stored: MicroscopyMetadata, metadata: MicroscopyMetadata) -> list[str]:
    """Note that results of other frames of the recording cannot be used.

    Args:
        stored: As the last run in the output folder has recorded them.
        metadata: Of the recording, with the frames that are selected now.
    """
    if stored.selection == metadata.selection:
        return []
    return [
        f"The last run in this folder selected other frames ({stored.selection}). Arrays hold "
        "the selected frames only, so that no result of other frames can be kept: the fields "
        "of view of this run are copied and processed again, and the others cannot be used "
        "with them."
    ]
