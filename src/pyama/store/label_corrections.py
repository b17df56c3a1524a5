"""Labels of single frames that a person has corrected: an input of the segmentation.

They are in the folder of a field of view, beside `images.zarr`, so that no run replaces them:
an OME-Zarr image (T, H, W) in which only corrected frames have a file. Frames are numbered as
in the recording. The document of its group lists every correction with who made it and when.

A correction is listed before its file is written, and counts if the file is the listed one. A
writer that is killed in between leaves the frame as it was.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.errors import StoreError
from pyama.fov_ranges import frames_text
from pyama.store.array_spec import ArraySpec, frames_spec, group_document
from pyama.store.file_reading import read_file
from pyama.store.files import file_checksum, path_in_errors, write_atomically
from pyama.store.ome import VERSION, Scale, multiscale
from pyama.store.removing import remove_temporaries
from pyama.store.zarr_arrays import DAMAGED, DOCUMENT, StoredArray

CORRECTED = "corrected_frames"
"""Entry of recipes for the labels that a person has corrected."""
LARGEST = np.iinfo(np.uint16).max
HELP = "Restore it from a copy, or move the folder away: its frames are segmented again then."


@dataclass(frozen=True)
class Correction:
    """The labels of one frame, as a person has saved them.

    Attributes:
        frame: Number of the frame in the recording.
        by: Who saved them.
        at: When, in ISO 8601 with the time zone.
        cells: Number of cells; 0 where the correction was withdrawn.
        checksum: Of the file; empty where the correction was withdrawn.
    """

    frame: int
    by: str
    at: str
    cells: int
    checksum: str


@dataclass(frozen=True)
class CorrectedStack:
    """What corrections belong to.

    Attributes:
        recording: Identity of the recording.
        shape: Frames of the whole recording, rows and columns.
        scale: Size of a pixel.
    """

    recording: str
    shape: tuple[int, int, int]
    scale: Scale = field(default_factory=Scale, compare=False)


class LabelCorrections:
    """The corrected frames of a field of view.

    Args:
        fov_path: Folder of the field of view.
        channel: Phase contrast channel.
        belongs_to: Corrections of anything else are not used.
    """

    def __init__(self, fov_path: Path, channel: int, belongs_to: CorrectedStack) -> None:
        self.path = fov_path / layout.corrected_dir(channel)
        self._channel, self._belongs_to = channel, belongs_to

    def current(self) -> dict[int, Correction]:
        """Return the corrections by the number of the frame in the recording, ascending.

        Raises:
            StoreError: A file is damaged.
        """
        latest: dict[int, Correction] = {}
        for entry in self._history():
            if entry.checksum == self._checksum(entry.frame):
                latest[entry.frame] = entry
        known = {entry.frame for entry in self._history() if entry.checksum}
        for frame in sorted(known - latest.keys()):
            if self._file(frame).exists():
                raise StoreError(
                    f"{self._file(frame)} is damaged: it is none of the corrections that "
                    f"were saved. Remove the file: frame {frame} is then segmented again, "
                    "and can be corrected again."
                )
        return {frame: latest[frame] for frame in sorted(latest) if latest[frame].checksum}

    def labels(self, frame: int) -> NDArray[np.uint16]:
        """Read the labels of a corrected frame, shape (H, W): 0 is background, 1..N are cells.

        Raises:
            StoreError: The file is missing or damaged.
        """
        return StoredArray(self.path / layout.FULL, self._spec).frame(frame)

    def save(self, labels: Mapping[int, NDArray[np.uint16]], by: str, at: str) -> None:
        """Save the labels of frames; nothing is changed if they are those that are there.

        The caller holds the lock of the field of view.

        Args:
            labels: Shape (H, W), by the number of the frame in the recording; 0 is
                background, 1..N are cells.
            by: Who has corrected them.
            at: When.

        Raises:
            StoreError: It cannot be written.
        """
        known = self.current()
        files = {t: self._spec.encode(frame[None]) for t, frame in labels.items()}
        new = [
            Correction(t, by, at, int(labels[t].max(initial=0)), file_checksum(data))
            for t, data in files.items()
            if t not in known or known[t].checksum != file_checksum(data)
        ]
        self._list(new)
        for entry in new:
            write_atomically(self._file(entry.frame), files[entry.frame])

    def withdraw(self, frames: Sequence[int], by: str, at: str) -> None:
        """Remove corrections; see `save`."""
        known = self.current()
        there = [frame for frame in frames if frame in known]
        self._list([Correction(frame, by, at, 0, "") for frame in there])
        for frame in there:
            with path_in_errors(self._file(frame)):
                self._file(frame).unlink()

    def _list(self, new: Sequence[Correction]) -> None:
        if not new:
            return
        history = self._history()
        if not history and (self.path / DOCUMENT).exists():
            self._set_aside()
        with path_in_errors(self.path):
            (self.path / layout.FULL).mkdir(parents=True, exist_ok=True)
            remove_temporaries(self.path / layout.FULL)
        array = self.path / layout.FULL / DOCUMENT
        if not array.exists():
            write_atomically(array, self._spec.document({}))
        write_atomically(self.path / DOCUMENT, self._document([*history, *new]))

    def _document(self, history: Sequence[Correction]) -> bytes:
        scale = self._belongs_to.scale
        source = f"../{layout.IMAGES}/{layout.phase(self._channel)}"
        ome = {
            "version": VERSION,
            "multiscales": [multiscale(self.path.stem, scale)],
            "image-label": {"source": {"image": source}},
        }
        facts = {
            "recording": self._belongs_to.recording,
            "corrections": [asdict(entry) for entry in history],
        }
        return group_document({"ome": ome, "pyama": facts})

    def _history(self) -> list[Correction]:
        """Return all entries, those of other recordings excepted."""
        path = self.path / DOCUMENT
        if not path.exists():
            return []
        document = read_file(path, HELP)
        try:
            facts = json.loads(document)["attributes"]["pyama"]
            entries = [Correction(**entry) for entry in facts["corrections"]]
            shape = StoredArray(self.path / layout.FULL).shape
        except DAMAGED as error:
            raise StoreError(f"{path} is damaged: {error!r}. {HELP}") from error
        found = CorrectedStack(facts["recording"], shape)  # type: ignore[arg-type]
        return entries if found == self._belongs_to else []

    def _set_aside(self) -> None:
        """Rename corrections of another recording."""
        number = 1
        while (target := self.path.with_name(f"{self.path.stem}_{number}.zarr")).exists():
            number += 1
        with path_in_errors(target):
            self.path.rename(target)

    def _checksum(self, frame: int) -> str:
        path = self._file(frame)
        return file_checksum(read_file(path, HELP)) if path.exists() else ""

    def _file(self, frame: int) -> Path:
        return self.path / layout.FULL / self._spec.key((frame, 0, 0))

    @property
    def _spec(self) -> ArraySpec:
        return frames_spec(self._belongs_to.shape, "uint16", "noshuffle")


def canonical(labels: NDArray[Any]) -> NDArray[np.uint16]:
    """Number the cells of a frame from 1 in the order in which their first pixels come.

    Two label images of the same cells are equal then.

    Args:
        labels: Whole numbers, shape (H, W); 0 is background.

    Raises:
        StoreError: There are more than 65535 cells.
    """
    numbers, first, places = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(np.where(numbers == 0, -1, first), kind="stable")
    ranks = np.empty(len(numbers), np.int64)
    ranks[order] = np.arange(len(numbers)) + (0 if 0 in numbers else 1)
    if ranks.max(initial=0) > LARGEST:
        raise StoreError(f"A frame has {ranks.max()} cells; at most {LARGEST} can be saved.")
    return ranks[places.reshape(labels.shape)].astype(np.uint16)


def corrections_text(checksums: Mapping[int, str]) -> str:
    """Return which frames are corrected, with a digest of their labels.

    Args:
        checksums: Of the files, by frame.
    """
    if not checksums:
        return "none"
    digest = hashlib.sha256(json.dumps(sorted(checksums.items())).encode()).hexdigest()
    return f"{frames_text(checksums)} ({digest[:8]})"
