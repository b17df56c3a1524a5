"""What is to be known about labels that a person has corrected, in words."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from pyama import layout
from pyama.config import ProcessingConfig
from pyama.errors import PyamaError, message_of
from pyama.fov_ranges import fovs_text, frames_text
from pyama.metadata import MicroscopyMetadata
from pyama.store import CORRECTED, Correction, FovStore, MarkFile, corrections_text, fovs_in
from pyama.traces.corrected_labels import current_corrections
from pyama.traces.trace_recording import read_recording

NOT_USED = "not in the results yet"


def frame_notes(corrections: Mapping[int, Correction], *, used: bool) -> dict[int, str]:
    """Return who has corrected the labels of a frame, and when, by frame.

    Args:
        corrections: By frame.
        used: Whether the results are made from them.
    """
    later = "" if used else f", {NOT_USED}"
    return {
        frame: f"labels corrected by {entry.by}, {_local_time(entry.at)}{later}"
        for frame, entry in corrections.items()
    }


def corrected_note(frames: Iterable[int], *, used: bool) -> str:
    """Return in a sentence in which frames labels were corrected; empty if in none."""
    numbers = sorted(frames)
    if not numbers:
        return ""
    later = "" if used else f", {NOT_USED}"
    return f"Labels were corrected by hand in frame {frames_text(numbers)}{later}."


def are_used(
    output_dir: Path, fov: int, channel: int | None, corrections: Mapping[int, Correction]
) -> bool:
    """Whether the labels of a field of view are made from its corrections.

    Args:
        output_dir: The output folder.
        fov: 0-based index.
        channel: Phase contrast channel.
        corrections: By frame.

    Returns:
        Also True if there are no labels yet: the next run makes them.
    """
    if channel is None:
        return True
    name = f"{layout.labeled(channel)}/{layout.FULL}"
    file = MarkFile(FovStore(output_dir, fov).path, name)
    mark = file.read() or file.removed()
    if mark is None:
        return True
    checksums = {frame: entry.checksum for frame, entry in corrections.items()}
    made_from = mark.recipe.params.get(CORRECTED, corrections_text({}))
    return bool(made_from == corrections_text(checksums))


def unused_corrections(output_dir: Path) -> list[str]:
    """Return in sentences which fields of view are made without their corrections."""
    if not any(output_dir.glob(f"fov_*/{layout.corrected_dir('*')}")):
        return []
    try:
        metadata, config = read_recording(output_dir)
        fovs = [
            fov
            for fov in fovs_in(output_dir)
            if fov < metadata.n_fovs and not _is_current(output_dir, metadata, config, fov)
        ]
    except PyamaError as error:
        return [f"Corrected labels cannot be read: {message_of(error)}"]
    if not fovs:
        return []
    return [
        f"Labels of FOV {fovs_text(fovs)} were corrected after the results were made. Run "
        "again with the same arguments to use them."
    ]


def _is_current(
    output_dir: Path, metadata: MicroscopyMetadata, config: ProcessingConfig, fov: int
) -> bool:
    pc = config.channels.pc
    corrections = current_corrections(output_dir, metadata, config, fov)
    return are_used(output_dir, fov, None if pc is None else pc.channel, corrections)


def _local_time(iso: str) -> str:
    try:
        return f"{datetime.fromisoformat(iso).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:  # written by another program
        return iso
