"""From what a file says to the metadata of a recording, its oddities included."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.metadata import MicroscopyMetadata, MissingPlanes, time_problems
from pyama.readers import file_identity


@dataclass
class Facts:
    """What a file says of itself, in the words of all formats.

    Attributes:
        path: The file that was asked for.
        format: `nd2`, `czi`, `ome-tiff` or `array`.
        shapes: (H, W) in px of every field of view.
        dtype: `uint8` or `uint16`.
        channel_names: As in the file, possibly empty or equal.
        stored: Whether a plane is in the file, shape (P, T, Z, C).
        stamps_min: Time stamps in minutes on any one clock, shape (P, T); NaN where one is
            missing; None where there are none.
        pixel_size_um: Side of a pixel in micrometres, if known.
        position_names: As in the file, possibly empty.
        remarks: Sentences on what is odd about the file.
        files: All files of the recording; without them, `path`.
    """

    path: Path
    format: str
    shapes: Sequence[tuple[int, int]]
    dtype: str
    channel_names: Sequence[str]
    stored: NDArray[np.bool_]
    stamps_min: NDArray[np.float64] | None = None
    pixel_size_um: float | None = None
    position_names: Sequence[str] = ()
    remarks: Sequence[str] = ()
    files: Sequence[Path] = field(default_factory=tuple)

    def metadata(
        self, planes: Sequence[int], identity: str | None = None
    ) -> MicroscopyMetadata:
        """Describe the recording as seen through some of its z planes.

        Args:
            planes: z planes that make up an image. An image misses when one of them does.
            identity: Digest of the content; without it, of the files.
        """
        stored: NDArray[np.bool_] = np.all(self.stored[:, :, planes, :], axis=2)
        metadata = MicroscopyMetadata(
            path=self.path,
            format=self.format,
            basename=layout.basename(self.path.name),
            identity=identity or file_identity(self.files or [self.path]),
            n_frames=stored.shape[1],
            channel_names=unique_names(self.channel_names),
            shapes=tuple(self.shapes),
            dtype=self.dtype,
            pixel_size_um=self.pixel_size_um,
            times_min=minutes(self.stamps_min, np.any(stored, axis=2)),
            n_z=self.stored.shape[2],
            position_names=tuple(self.position_names) if any(self.position_names) else (),
            missing=tuple(_missing(stored)),
        )
        return metadata.replace(problems=(*self.remarks, *problems(metadata)))


def unique_names(names: Iterable[str]) -> tuple[str, ...]:
    """Name channels `C0`, `C1`, ... where the file does not, and number equal names."""
    unique: list[str] = []
    for i, name in enumerate(names):
        wanted = name.strip() or f"C{i}"
        chosen, number = wanted, 2
        while chosen in unique:
            chosen, number = f"{wanted} {number}", number + 1
        unique.append(chosen)
    return tuple(unique)


def minutes(
    stamps: NDArray[np.float64] | None, written: NDArray[np.bool_]
) -> tuple[tuple[float, ...], ...] | None:
    """Put the stamps on one clock that starts with the first frame written.

    Frames that were never written have no stamp, or a wrong one. They get the time at which
    they were due, so that the stamps of the others stay usable.

    Args:
        stamps: Minutes on any clock, shape (P, T), NaN where one is missing.
        written: Whether anything was written of a frame, shape (P, T).

    Returns:
        Minutes per field of view and frame, NaN where a frame was written without a stamp;
        None when there is no stamp at all.
    """
    if stamps is None:
        return None
    known = written & np.isfinite(stamps)
    if not known.any():
        return None
    times = np.where(known, stamps, np.nan) - stamps[known].min()
    if not written.all():
        due = _due(times, known)
        times[~written] = due[~written]
    return tuple(tuple(row) for row in times.tolist())


def _due(times: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Estimate when every frame was due from the stamps that are known, shape (P, T)."""
    frames = np.arange(times.shape[1])
    due = np.full(times.shape, np.nan)
    seen = [(frames[has], row[has]) for row, has in zip(times, known, strict=True)]
    steps = np.concatenate([np.diff(own) / np.diff(at) for at, own in seen])
    if len(steps) == 0:
        return due
    step = float(np.median(steps))
    for row, (at, own) in zip(due, seen, strict=True):
        if len(at):
            beyond = np.minimum(frames - at[0], 0) + np.maximum(frames - at[-1], 0)
            row[:] = np.interp(frames, at, own) + step * beyond
    due[~known.any(axis=1)] = np.median(due[known.any(axis=1)], axis=0)
    return due


def _missing(stored: NDArray[np.bool_]) -> Iterable[MissingPlanes]:
    for fov, channel in np.argwhere(~stored.all(axis=1)).tolist():
        frames = np.flatnonzero(~stored[fov, :, channel]).tolist()
        yield MissingPlanes(fov=fov, channel=channel, frames=tuple(frames))


def problems(metadata: MicroscopyMetadata) -> list[str]:
    """Return what is odd about a recording, in sentences for its user."""
    found = _missing_problems(metadata)
    if metadata.n_frames == 1:
        found.append("There is only one frame: nothing can be tracked.")
    else:
        found += time_problems(metadata)
    if metadata.pixel_size_um is None:
        found.append("The file does not say how large a pixel is.")
    return found


MOST_FOVS = 8
"""More fields of view with missing planes are counted instead of listed."""


def _missing_problems(metadata: MicroscopyMetadata) -> list[str]:
    channels: dict[int, list[MissingPlanes]] = defaultdict(list)
    for entry in metadata.missing:
        channels[entry.channel].append(entry)
    found = []
    for channel, entries in sorted(channels.items()):
        parts = [f"{len(e.frames)} in FOV {e.fov}" for e in entries[:MOST_FOVS]]
        rest = sum(len(entry.frames) for entry in entries[MOST_FOVS:])
        if rest:
            parts.append(f"{rest} in {len(entries) - MOST_FOVS} more FOVs")
        found.append(
            f"Frames of channel {channel} ({metadata.channel_names[channel]}) that were never "
            f"written, of {metadata.n_frames}: {', '.join(parts)}."
        )
    return found
