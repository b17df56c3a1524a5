"""Selected frames of a recording, seen as a recording of its own."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pyama.errors import ConfigError, ReaderError
from pyama.fov_ranges import parse_frames
from pyama.metadata import MicroscopyMetadata, MissingPixels, MissingPlanes, time_problems
from pyama.readers import Reader
from pyama.readers.context_reader import ContextReader
from pyama.readers.missing_parts import missing_problems
from pyama.readers.recording_facts import one_frame

Entry = TypeVar("Entry", MissingPlanes, MissingPixels)


def select_frames(metadata: MicroscopyMetadata, frames: str) -> MicroscopyMetadata:
    """Return the description of selected frames of a recording.

    They become the frames 0, 1, ...; their times are the same as before. What is missing and
    the problems of the file are those of the selected frames.

    Args:
        metadata: Of the recording, or of the same selection.
        frames: As `parse_frames` reads it.

    Raises:
        ConfigError: There is no such frame, or the metadata are those of another selection.
    """
    chosen = parse_frames(frames, metadata.n_recorded_frames or metadata.n_frames)
    if chosen == tuple(metadata.recorded_frames):
        return metadata
    if metadata.selected_frames is not None:
        raise ConfigError(
            f"Of the recording, only frames {metadata.selection} are at hand, but frames = "
            f"{frames!r} is requested. Request frames = {metadata.selection!r}, or give the "
            "whole recording."
        )
    stamps = metadata.times_min
    number = {frame: i for i, frame in enumerate(chosen)}
    part = metadata.replace(
        n_frames=len(chosen),
        selected_frames=chosen,
        n_recorded_frames=metadata.n_frames,
        times_min=stamps and tuple(tuple(row[t] for t in chosen) for row in stamps),
        missing=_selected(metadata.missing, number),
        missing_pixels=_selected(metadata.missing_pixels, number),
        incomplete=_selected(metadata.incomplete, number),
    )
    return part.replace(problems=_problems(metadata, part))


def _selected(entries: Iterable[Entry], number: dict[int, int]) -> tuple[Entry, ...]:
    parts = [
        entry.replace(frames=tuple(number[t] for t in entry.frames if t in number))
        for entry in entries
    ]
    return tuple(entry for entry in parts if entry.frames)


def _problems(whole: MicroscopyMetadata, part: MicroscopyMetadata) -> tuple[str, ...]:
    """Return the problems of a file, with those that depend on the frames for a part."""
    old, new = _found(whole), _found(part)
    kept = [text for text in whole.problems if text not in old]
    return (*(text for text in new if text in whole.problems or text not in old), *kept)


def _found(metadata: MicroscopyMetadata) -> list[str]:
    if metadata.n_frames == 1:
        return [*missing_problems(metadata), one_frame(metadata.n_z)]
    return [*missing_problems(metadata), *time_problems(metadata)]


def selection_notes(metadata: MicroscopyMetadata) -> list[str]:
    """Return which frames of the recording are those of the results; nothing if all are."""
    if metadata.selected_frames is None:
        return []
    n = metadata.n_frames
    numbers = "frame 0" if n == 1 else f"frames 0 to {n - 1}"
    return [
        f"Of the recording, frames {metadata.selection} are selected, {n} of "
        f"{metadata.n_recorded_frames}: they are {numbers} of the results. Times count from "
        "the first frame of the recording."
    ]


class FrameSelection(ContextReader):
    """Selected frames of an open recording.

    Args:
        reader: The recording.
        frames: As `parse_frames` reads it.

    Attributes:
        whole: The recording.
        metadata: Of the selected frames.

    Raises:
        ConfigError: See `select_frames`.
    """

    def __init__(self, reader: Reader, frames: str) -> None:
        self.whole = reader
        self.metadata = select_frames(reader.metadata, frames)

    def read(self, fov: int, frame: int, channels: Sequence[int]) -> list[NDArray[np.uint16]]:
        """Read one of the selected frames; see `Reader.read`."""
        known = self.metadata
        if not 0 <= frame < known.n_frames:
            raise ReaderError(
                f"{known.path} has no frame {frame}: {known.n_frames} of its frames are "
                "selected, counted from 0."
            )
        return self.whole.read(fov, known.recorded_frames[frame], channels)

    def close(self) -> None:
        """Close the recording."""
        self.whole.close()


def with_frames(reader: Reader, frames: str) -> Reader:
    """Return a recording itself if it has just these frames, else the selection of them.

    Raises:
        ConfigError: See `select_frames`.
    """
    if select_frames(reader.metadata, frames) == reader.metadata:
        return reader
    return FrameSelection(reader, frames)
