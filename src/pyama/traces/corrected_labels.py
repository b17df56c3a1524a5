"""Labels that a person has corrected: saved, withdrawn, and found for a run."""

import getpass
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import skimage
from numpy.typing import NDArray

from pyama import layout
from pyama.config import ProcessingConfig
from pyama.errors import ArrayError, ConfigError
from pyama.fov_ranges import frames_text
from pyama.metadata import MicroscopyMetadata, pixel_size
from pyama.sentences import count_text
from pyama.store import (
    CorrectedStack,
    Correction,
    FovStore,
    LabelCorrections,
    Scale,
    canonical,
    lock_fovs,
)
from pyama.traces.trace_recording import read_recording, refuse_other_frames


@dataclass(frozen=True)
class SavedLabels:
    """What was saved.

    Attributes:
        frames: Frames whose labels were saved, ascending.
        unchanged: Frames whose labels were those that are there.
        notes: What to know about the labels, in sentences.
    """

    frames: tuple[int, ...]
    unchanged: tuple[int, ...]
    notes: tuple[str, ...]


def corrections_in(
    output_dir: Path, metadata: MicroscopyMetadata, config: ProcessingConfig, fov: int
) -> LabelCorrections | None:
    """Return the corrected labels of a field of view; None without phase contrast.

    Args:
        output_dir: The output folder.
        metadata: Of the recording, or of the frames that are selected.
        config: Of the run.
        fov: 0-based index.
    """
    pc = config.channels.pc
    if pc is None:
        return None
    n_recorded = metadata.n_recorded_frames or metadata.n_frames
    scale = Scale(None, pixel_size(metadata, config.params))
    shape = (n_recorded, *metadata.shapes[fov])
    belongs_to = CorrectedStack(metadata.identity, shape, scale)
    return LabelCorrections(output_dir / layout.fov_dir(fov), pc.channel, belongs_to)


def current_corrections(
    output_dir: Path, metadata: MicroscopyMetadata, config: ProcessingConfig, fov: int
) -> dict[int, Correction]:
    """Return the corrections of the frames of the results, by frame; see `corrections_in`.

    Raises:
        StoreError: A file is damaged.
    """
    corrections = corrections_in(output_dir, metadata, config, fov)
    if corrections is None:
        return {}
    found = corrections.current()
    frames = enumerate(metadata.recorded_frames)
    return {frame: found[number] for frame, number in frames if number in found}


def checksums(
    output_dir: Path, metadata: MicroscopyMetadata, config: ProcessingConfig, fov: int
) -> dict[int, str]:
    """Return the checksums of corrected labels by frame; see `current_corrections`."""
    found = current_corrections(output_dir, metadata, config, fov)
    return {frame: entry.checksum for frame, entry in found.items()}


def save_corrected_labels(
    folder: Path | str,
    fov: int,
    labels: Mapping[int, NDArray[Any]],
    by: str = "",
    opened_from: str = "",
) -> SavedLabels:
    """Save the labels of frames that a person has corrected.

    The next run takes them instead of what its method finds in these frames, without limits of
    size, and makes again what depends on them.

    Args:
        folder: Output folder of a run.
        fov: 0-based index of the field of view.
        labels: Whole numbers, shape (H, W), by frame of the results: 0 is background, every
            other number a cell. Numbers need not be those of other frames.
        by: Who has corrected them; by default the name of the user.
        opened_from: Group that the labels were changed from, such as `seg_tracked_ch_0`, by
            default `seg_labeled`. Frames with the same cells as there are not saved.

    Returns:
        What was saved.

    Raises:
        ConfigError: There is no such field of view or frame, or no phase contrast channel.
        ArrayError: Labels have another shape, or are not whole numbers from 0.
        LockedError: A run is working on the field of view.
        StoreError: The folder is no output folder, or cannot be written.
    """
    target = _Target(Path(folder), fov)
    cells = {t: _checked(frame, t, target) for t, frame in sorted(labels.items())}
    with lock_fovs(target.folder, [fov]):
        known = target.corrections.current()
        same = [t for t in cells if target.has(t, cells[t], known, opened_from)]
        new = {t: frame for t, frame in cells.items() if t not in same}
        numbers = {target.recorded(t): frame for t, frame in new.items()}
        target.corrections.save(numbers, by or user_name(), _now())
    return SavedLabels(tuple(new), tuple(same), tuple(_notes(new)))


def withdraw_corrected_labels(
    folder: Path | str, fov: int, frames: Sequence[int], by: str = ""
) -> tuple[int, ...]:
    """Remove corrections of frames; the next run finds their cells again.

    Args:
        folder: Output folder of a run.
        fov: 0-based index of the field of view.
        frames: Frames of the results.
        by: Who removes them; by default the name of the user.

    Returns:
        The frames whose corrections were removed.

    Raises:
        ConfigError: See `save_corrected_labels`; so are the others.
    """
    target = _Target(Path(folder), fov)
    numbers = {target.recorded(frame): frame for frame in frames}
    with lock_fovs(target.folder, [fov]):
        there = [number for number in numbers if number in target.corrections.current()]
        target.corrections.withdraw(there, by or user_name(), _now())
    return tuple(numbers[number] for number in there)


def user_name() -> str:
    """Return the name of the user of this computer; `unknown` if the system has none."""
    try:
        return getpass.getuser()
    except (OSError, ImportError, KeyError):
        return "unknown"


class _Target:
    """The field of view that labels are saved for."""

    def __init__(self, folder: Path, fov: int) -> None:
        self.folder = folder
        self.metadata, config = read_recording(folder)
        self.store = FovStore(folder, fov)
        if not 0 <= fov < self.metadata.n_fovs or not self.store.path.is_dir():
            raise ConfigError(f"There is no FOV {fov} in {folder}. Choose one with results.")
        refuse_other_frames(self.store, self.metadata)
        found = corrections_in(folder, self.metadata, config, fov)
        if found is None or config.channels.pc is None:
            raise ConfigError(
                f"The run in {folder} had no phase contrast channel, in which cells are "
                "found: there are no labels to correct."
            )
        self.corrections, self.pc = found, config.channels.pc.channel
        self.shape = self.metadata.shapes[fov]

    def recorded(self, frame: int) -> int:
        """Return the number of a frame in the recording."""
        if not 0 <= frame < self.metadata.n_frames:
            raise ConfigError(
                f"There is no frame {frame}: the results have "
                f"{count_text(self.metadata.n_frames, 'frame')}, numbered from 0."
            )
        return self.metadata.recorded_frames[frame]

    def has(
        self,
        frame: int,
        labels: NDArray[np.uint16],
        known: Mapping[int, Correction],
        opened_from: str,
    ) -> bool:
        """Whether a frame has these cells already."""
        if (number := self.recorded(frame)) in known:
            return np.array_equal(self.corrections.labels(number), labels)
        group = opened_from or layout.labeled(self.pc)
        if self.store.mark(f"{group}/{layout.FULL}") is None:
            return False
        return np.array_equal(canonical(self.store.stack(group)[frame]), labels)


def _checked(labels: NDArray[Any], frame: int, target: _Target) -> NDArray[np.uint16]:
    target.recorded(frame)
    found = np.asarray(labels)
    if found.shape != target.shape:
        raise ArrayError(
            f"The labels of frame {frame} have the shape {found.shape}, expected "
            f"{target.shape}: save them neither cropped nor scaled."
        )
    if found.dtype.kind not in "uib" or (found.size and found.min() < 0):
        raise ArrayError(
            f"The labels of frame {frame} have the type {found.dtype}; expected whole "
            "numbers: 0 for background, and a number from 1 for every cell."
        )
    return canonical(found)


def _notes(labels: Mapping[int, NDArray[np.uint16]]) -> list[str]:
    """Return in which frames cells consist of several parts."""
    apart = [
        frame
        for frame, cells in labels.items()
        if skimage.measure.label(cells, connectivity=2).max() > cells.max(initial=0)
    ]
    if not apart:
        return []
    return [
        f"In frame {frames_text(apart)}, a cell consists of several parts, which count as one "
        "cell. If they are several cells, give each a number of its own and save again."
    ]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
