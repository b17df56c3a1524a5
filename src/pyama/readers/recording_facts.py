"""The facts that every format provides, converted to the metadata of a recording."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.errors import ReaderError
from pyama.metadata import (
    FILE_STAMPS,
    MicroscopyMetadata,
    time_problems,
)
from pyama.readers import ZPlanes, file_identity
from pyama.readers.missing_parts import (
    Gaps,
    missing_images,
    missing_pixels,
    missing_problems,
    other_stacks,
)
from pyama.readers.z_planes import chosen_planes, used_planes
from pyama.sentences import count_text

INTERVAL = "interval of the file"


@dataclass
class Facts:
    """Content of a file, in the same terms for all formats.

    Attributes:
        path: The file that was opened.
        format: Name of the format, such as `ome-tiff`; `array` for arrays in memory.
        shapes: (H, W) in px of every field of view.
        dtype: `uint8` or `uint16`.
        channel_names: Names in the file, possibly empty or equal.
        stored: Whether a plane is in the file, shape (P, T, Z, C).
        gaps: Rectangles that no tile covers, by plane (p, t, z, c), of planes that are stored
            in part.
        stamps_min: Time stamps in minutes since any fixed time, shape (P, T); NaN for a
            missing stamp; None if there are none.
        pixel_size_um: Side of a pixel in micrometres, if known.
        position_names: Names in the file, possibly empty.
        remarks: Sentences for the user about problems of the file.
        files: All files of the recording; by default `path`.
        stamps_source: Where in the file the stamps are.
        time_remarks: Sentences about times in the file that are not used.
        pixel_remarks: Sentences about a size of a pixel in the file that is not used.
        identity: Digest of the content; by default of the files.
        interval_min: Minutes per frame that were planned, if the file holds them.
        question: What a user has to confirm, if it is not certain which plane is which.
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
    stamps_source: str = FILE_STAMPS
    time_remarks: Sequence[str] = ()
    pixel_remarks: Sequence[str] = ()
    identity: str | None = None
    gaps: Gaps = field(default_factory=dict)
    interval_min: float | None = None
    question: str = ""

    def with_z_as_time(self) -> "Facts":
        """Return the facts of the recording of which the z planes are the frames.

        Raises:
            ReaderError: It has more than one frame.
        """
        n_fovs, n_frames, n_z = self.stored.shape[:3]
        if n_frames > 1:
            raise ReaderError(
                f"{self.path} has {n_frames} frames and {count_text(n_z, 'z plane')}: its z "
                "planes cannot be frames. Remove z_is_time."
            )
        times = None
        if self.interval_min is not None:
            times = np.outer(np.ones(n_fovs), np.arange(n_z) * self.interval_min)
        return replace(
            self,
            stored=self.stored.transpose(0, 2, 1, 3),
            gaps={(p, z, t, c): boxes for (p, t, z, c), boxes in self.gaps.items()},
            stamps_min=times,
            stamps_source=INTERVAL,
            identity=hashlib.sha256(f"z is time {self.digest}".encode()).hexdigest(),
        )

    @property
    def digest(self) -> str:
        """The digest of the content."""
        return self.identity or file_identity(self.files or [self.path])

    def metadata(self, z: ZPlanes) -> MicroscopyMetadata:
        """Return the metadata of the recording for a choice of z planes.

        An image is missing if none of the planes is stored that it is made from.

        Raises:
            ReaderError: There is no such plane or channel.
        """
        planes = chosen_planes(self.stored, z, self.path)
        of_images = used_planes(self.stored, planes)
        used: NDArray[np.int64] = of_images.sum(axis=2)
        stored: NDArray[np.bool_] = np.greater(used, 0)
        n_used = np.array([len(of_channel) for of_channel in planes])
        metadata = MicroscopyMetadata(
            path=self.path,
            format=self.format,
            basename=layout.basename(self.path.name),
            identity=self.digest,
            n_frames=stored.shape[1],
            channel_names=unique_names(self.channel_names),
            shapes=tuple(self.shapes),
            dtype=self.dtype,
            pixel_size_um=self.pixel_size_um,
            times_min=minutes(self.stamps_min, np.any(stored, axis=2)),
            stamps_source=self.stamps_source,
            n_z=self.stored.shape[2],
            position_names=tuple(self.position_names) if any(self.position_names) else (),
            missing=tuple(missing_images(stored)),
            question=self.question,
            missing_pixels=tuple(missing_pixels(self.gaps, of_images)),
            stacks=other_stacks(self.stored, planes),
            incomplete=tuple(missing_images(~stored | (used == n_used))),
        )
        return metadata.replace(problems=(*self.remarks, *self._problems(metadata)))

    def _problems(self, metadata: MicroscopyMetadata) -> list[str]:
        sentences = missing_problems(metadata)
        if metadata.n_frames == 1:
            sentences.append(one_frame(metadata.n_z))
        else:
            sentences += self.time_remarks
            if metadata.times_min is not None or not self.time_remarks:
                sentences += time_problems(metadata)
        if metadata.pixel_size_um is not None:
            return [*sentences, *self.pixel_remarks, *_pixel_problems(metadata.pixel_size_um)]
        return [*sentences, *(self.pixel_remarks or [NO_PIXEL_SIZE])]


def unique_names(names: Iterable[str]) -> tuple[str, ...]:
    """Name channels without a name `C0`, `C1`, ..., and number equal names."""
    unique: list[str] = []
    for i, name in enumerate(names):
        given = name.strip() or f"C{i}"
        chosen, number = given, 2
        while chosen in unique:
            chosen, number = f"{given} {number}", number + 1
        unique.append(chosen)
    return tuple(unique)


def minutes(
    stamps: NDArray[np.float64] | None, written: NDArray[np.bool_]
) -> tuple[tuple[float, ...], ...] | None:
    """Convert time stamps to minutes since the first frame that was written.

    Frames that were never written have no stamp, or a wrong one. They get the time at which
    they were due, so that the stamps of the other frames can be used.

    Args:
        stamps: Minutes since any fixed time, shape (P, T), NaN for a missing stamp.
        written: Whether any plane of a frame was written, shape (P, T).

    Returns:
        Minutes per field of view and frame, NaN for a frame that was written without a stamp;
        None if there are no stamps.
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
    """Estimate the time at which every frame was due from the known stamps, shape (P, T)."""
    frames = np.arange(times.shape[1])
    due = np.full(times.shape, np.nan)
    seen = [(frames[has], row[has]) for row, has in zip(times, known, strict=True)]
    steps = np.concatenate([np.diff(stamps) / np.diff(at) for at, stamps in seen])
    if len(steps) == 0:
        return due
    step = float(np.median(steps))
    for row, (at, stamps) in zip(due, seen, strict=True):
        if len(at):
            beyond = np.minimum(frames - at[0], 0) + np.maximum(frames - at[-1], 0)
            row[:] = np.interp(frames, at, stamps) + step * beyond
    due[~known.any(axis=1)] = np.median(due[known.any(axis=1)], axis=0)
    return due


NO_PIXEL_SIZE = "The file does not contain the size of a pixel."
PIXEL_SIZES_UM = 0.005, 50.0
"""Sizes of a pixel outside this range are probably in another unit."""


def one_frame(n_z: int) -> str:
    """Return the sentence about a recording of a single frame."""
    sentence = "There is only one frame: nothing can be tracked."
    if n_z == 1:
        return sentence
    return (
        f"{sentence} There are {n_z} z planes: if these are the frames of a time lapse, read "
        "them as frames: --set z_is_time=true"
    )


def _pixel_problems(size_um: float) -> list[str]:
    low, high = PIXEL_SIZES_UM
    if low <= size_um <= high:
        return []
    return [
        f"The file says that the side of a pixel is {size_um:g} \N{MICRO SIGN}m. Expected "
        f"{low:g} to {high:g} \N{MICRO SIGN}m: the unit may be wrong."
    ]


def shape_remarks(width_um: float | None, height_um: float | None) -> list[str]:
    """Return a sentence if pixels are not square."""
    if width_um is None or height_um is None or abs(width_um - height_um) <= 1e-3 * width_um:
        return []
    return [
        f"Pixels are not square: {width_um:g} x {height_um:g} \N{MICRO SIGN}m. The "
        "width is used."
    ]


def early_stop_remarks(n_planned: int, n_frames: int) -> list[str]:
    """Return a sentence if fewer frames are stored than were planned."""
    if n_planned <= n_frames:
        return []
    return [
        f"{n_planned} frames were planned, {n_frames} are stored: the recording was probably "
        "stopped early."
    ]
