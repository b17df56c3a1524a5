"""Frames of a run whose labels a person has corrected, as examples for the network."""

from collections.abc import Iterator
from pathlib import Path

from pyama import layout
from pyama.errors import ConfigError
from pyama.sentences import count_text
from pyama.store import FovStore, fovs_in
from pyama.traces.corrected_labels import corrections_in, current_corrections
from pyama.traces.trace_recording import read_recording
from pyama.training.annotated_frame import AnnotatedFrame, annotated


def are_results(folder: Path) -> bool:
    """Whether a folder is the output folder of a run."""
    return (folder / layout.CONFIG_FILE).is_file()


def read_corrected(folder: Path) -> tuple[list[AnnotatedFrame], list[str]]:
    """Return all corrected frames of a run, and what a user should know of them.

    All cells of a corrected frame count, those too that the person left as they were.

    Args:
        folder: Its output folder.

    Returns:
        The frames by field of view and frame, and sentences.

    Raises:
        ConfigError: There are none.
        StoreError: A file is damaged, or frames were removed.
    """
    frames = list(_corrected_frames(folder))
    found = [frame for frame in frames if frame is not None]
    if not found:
        raise ConfigError(
            f"No labels were corrected in {folder}. Correct some frames in napari, or name a "
            "folder with images and labels."
        )
    n = len(frames) - len(found)
    notes = [f"{count_text(n, 'corrected frame')} without a cell is not used."] if n else []
    return found, notes


def _corrected_frames(folder: Path) -> Iterator[AnnotatedFrame | None]:
    """Yield the corrected frames of all fields of view; None for a frame without a cell."""
    metadata, config = read_recording(folder)
    for fov in fovs_in(folder):
        corrections = corrections_in(folder, metadata, config, fov)
        if corrections is None or config.channels.pc is None:
            return
        stack = None
        for t, entry in current_corrections(folder, metadata, config, fov).items():
            if not entry.cells:
                yield None
                continue
            stack = stack or FovStore(folder, fov).stack(
                layout.phase(config.channels.pc.channel)
            )
            name = f"FOV {fov}, frame {t}"
            labels = corrections.labels(entry.frame).astype(int)
            yield annotated(name, stack[t], labels, f"{name}, corrected")
