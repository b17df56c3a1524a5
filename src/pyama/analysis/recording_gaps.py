"""What was not recorded, as values and in sentences: for a run and for its report."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from pyama.algorithms.copy_params import CopyParams
from pyama.analysis.advice.setting_advice import Advice, options
from pyama.fov_ranges import fovs_text, frames_text
from pyama.metadata import MicroscopyMetadata
from pyama.sentences import count_text, nothing_recorded
from pyama.store.not_recorded import KEY

Copied = Mapping[tuple[int, int], Mapping[str, Any]]
"""Notes of the copied stacks by field of view and channel."""


def gaps(copied: Copied) -> list[dict[str, Any]]:
    """Return what was not recorded, per field of view and channel; complete ones are left out.

    `frames` are the frames without any pixel, `zeros` those of them that the file holds as
    images of zeros, `pixels` the rectangles that other frames lack.
    """
    return [
        {
            "fov": fov,
            "channel": channel,
            **notes[KEY],
            "zeros": list(notes.get("zero_frames", ())),
        }
        for (fov, channel), notes in copied.items()
        if KEY in notes
    ]


def gap_sentences(
    copied: Copied, metadata: MicroscopyMetadata, params: CopyParams
) -> list[str]:
    """Return what is known only after copying; the rest is in `metadata.problems`."""
    is_set = params.zero_planes == "missing"
    settings = {} if is_set else {"zero_planes": "keep"}
    remedy = "" if is_set else f" To process them as they are: {options(settings)}"
    zeros: dict[tuple[int, tuple[int, ...]], list[int]] = defaultdict(list)
    for (fov, channel), notes in copied.items():
        if notes.get("zero_frames"):
            zeros[channel, tuple(notes["zero_frames"])].append(fov)
    sentences = [
        Advice(
            f"FOV {fovs_text(fovs)}, {metadata.channel_names[channel]}: every pixel is 0 in "
            f"{len(frames)} of {count_text(metadata.n_frames, 'frame')} "
            f"({frames_text(frames)}). They count as not recorded.{remedy}",
            settings,
        )
        for (channel, frames), fovs in zeros.items()
    ]
    empty = _empty(copied, metadata.n_frames) - metadata.empty_fovs
    return [*([nothing_recorded(empty)] if empty else []), *sentences]


def _empty(copied: Copied, n_frames: int) -> set[int]:
    """Return the fields of view without a recorded frame in any channel that was copied."""
    lost = {
        place: KEY in notes and len(notes[KEY]["frames"]) == n_frames
        for place, notes in copied.items()
    }
    some = {fov for (fov, _), is_lost in lost.items() if not is_lost}
    return {fov for fov, _ in lost} - some
