"""What a file lacks: images, pixels of mosaics and planes of stacks, and sentences on them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pyama.fov_ranges import frames_text
from pyama.metadata import (
    Box,
    ChannelStack,
    MicroscopyMetadata,
    MissingPixels,
    MissingPlanes,
)
from pyama.readers.rectangles import common_rectangles
from pyama.sentences import nothing_recorded

Gaps = Mapping[tuple[int, int, int, int], tuple[Box, ...]]
"""Rectangles that no tile covers, by plane (p, t, z, c)."""


def missing_problems(metadata: MicroscopyMetadata) -> list[str]:
    """Return what a recording lacks, in sentences for the user."""
    return [
        *_image_problems(metadata),
        *_gap_problems(metadata),
        *_stack_problems(metadata),
    ]


def other_stacks(
    stored: NDArray[np.bool_], planes: Sequence[tuple[int, ...]]
) -> dict[int, ChannelStack]:
    """Return the stacks of the channels that lack planes of others."""
    has: NDArray[np.bool_] = np.any(stored, axis=(0, 1))
    stacks = {}
    for channel, used in enumerate(planes):
        present = tuple(np.flatnonzero(has[:, channel]).tolist())
        if 0 < len(present) < len(has):
            stacks[channel] = ChannelStack(stored=present, used=used)
    return stacks


def missing_pixels(gaps: Gaps, used: NDArray[np.bool_]) -> Iterable[MissingPixels]:
    """Yield the gaps of images, which all of their planes have in common."""
    frames: dict[tuple[int, int, tuple[Box, ...]], list[int]] = defaultdict(list)
    for p, t, c in dict.fromkeys((p, t, c) for p, t, _, c in sorted(gaps)):
        planes = np.flatnonzero(used[p, t, :, c]).tolist()
        if planes and (boxes := common_rectangles(gaps.get((p, t, z, c), ()) for z in planes)):
            frames[p, c, boxes].append(t)
    for (fov, channel, boxes), at in sorted(frames.items()):
        yield MissingPixels(fov=fov, channel=channel, frames=tuple(at), boxes=boxes)


def missing_images(stored: NDArray[np.bool_]) -> Iterable[MissingPlanes]:
    """Yield the images that are not stored; `stored` has the shape (P, T, C)."""
    for fov, channel in np.argwhere(~stored.all(axis=1)).tolist():
        frames = np.flatnonzero(~stored[fov, :, channel]).tolist()
        yield MissingPlanes(fov=fov, channel=channel, frames=tuple(frames))


MAX_FOVS = 8
"""If more fields of view have missing planes, the others are counted, not listed."""


def _image_problems(metadata: MicroscopyMetadata) -> list[str]:
    channels: dict[int, list[MissingPlanes]] = defaultdict(list)
    empty = metadata.empty_fovs
    for entry in metadata.missing:
        if entry.fov not in empty:
            channels[entry.channel].append(entry)
    sentences = [nothing_recorded(empty)] if empty else []
    for channel, entries in sorted(channels.items()):
        sentences.append(
            f"Frames of channel {channel} ({metadata.channel_names[channel]}) that were never "
            f"written: {_by_fov(entries, metadata.n_frames)}."
        )
    return sentences


def _gap_problems(metadata: MicroscopyMetadata) -> list[str]:
    fovs: dict[str, list[int]] = defaultdict(list)
    for entry in metadata.missing_pixels:
        height, width = metadata.shapes[entry.fov]
        area = sum((y1 - y0) * (x1 - x0) for y0, x0, y1, x1 in entry.boxes)
        share = f"{100 * area / (height * width):.2g} % of the pixels"
        if len(entry.frames) < metadata.n_frames:
            share += f" in frame {frames_text(entry.frames)}"
        fovs[f"{metadata.channel_names[entry.channel]}: no tile covers {share}."].append(
            entry.fov
        )
    return [f"FOV {frames_text(at)}, {text}" for text, at in fovs.items()]


def _by_fov(entries: Sequence[MissingPlanes], n_frames: int) -> str:
    parts = [f"{len(e.frames)} of {n_frames} in FOV {e.fov}" for e in entries[:MAX_FOVS]]
    rest = sum(len(entry.frames) for entry in entries[MAX_FOVS:])
    if rest:
        parts.append(f"{rest} in {len(entries) - MAX_FOVS} more FOVs")
    return ", ".join(parts)


def _stack_problems(metadata: MicroscopyMetadata) -> list[str]:
    sentences = []
    for channel, stack in sorted(metadata.stacks.items()):
        stored, used = (", ".join(map(str, planes)) for planes in (stack.stored, stack.used))
        sentences.append(
            f"Channel {channel} ({metadata.channel_names[channel]}) has z plane {stored} of "
            f"{metadata.n_z} only; {used} is used."
        )
    for channel in sorted({entry.channel for entry in metadata.incomplete}):
        entries = [entry for entry in metadata.incomplete if entry.channel == channel]
        sentences.append(
            f"Frames of channel {channel} ({metadata.channel_names[channel]}) that lack some "
            f"of their z planes: {_by_fov(entries, metadata.n_frames)}. The maximum of the "
            "others is used."
        )
    return sentences
