"""Remarks on frames that are the same as the one before."""

from collections import defaultdict
from collections.abc import Iterator

from pyama import layout
from pyama.analysis.advice.accounting import Outputs
from pyama.fov_ranges import fovs_text, frames_text
from pyama.metadata import MicroscopyMetadata


def repeated_advice(outputs: Outputs, metadata: MicroscopyMetadata) -> Iterator[str]:
    """Yield a sentence for every channel with frames that were stored twice.

    Args:
        outputs: What the steps noted.
        metadata: Of the recording.
    """
    fovs_of: dict[tuple[int, tuple[int, ...]], list[int]] = defaultdict(list)
    for fov, steps in outputs.items():
        for name, notes in steps.get("copying", {}).items():
            _, channel = layout.parse_group(name.partition("/")[0]) or ("", 0)
            if frames := notes.get("repeated_frames"):
                fovs_of[channel, tuple(frames)].append(fov)
    for (channel, frames), fovs in sorted(fovs_of.items()):
        is_one = len(frames) == 1
        yield (
            f"FOV {fovs_text(fovs)}: {metadata.channel_names[channel]} has the same counts in "
            f"frame {frames_text(frames)} as in the frame before, in all pixels, as if "
            f"{'it' if is_one else 'they'} had been stored twice: the values there belong to "
            "an earlier time."
        )
