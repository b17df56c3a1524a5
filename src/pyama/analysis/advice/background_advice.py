"""Advice where the tiles of the background estimate cannot be trusted."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from pyama import layout
from pyama.analysis.advice.accounting import Outputs
from pyama.analysis.advice.setting_advice import Advice, options
from pyama.fov_ranges import fovs_text
from pyama.metadata import MicroscopyMetadata

CAUSES = {
    "crowded": "few pixels without cells are visible",
    "small": "the frame is small for tiles of this size",
    "steep": "the light changes within tiles, or bright objects are not in the mask",
}
SETTINGS = {"background_method": "planes"}


def background_advice(outputs: Outputs, metadata: MicroscopyMetadata) -> Iterator[Advice]:
    """Yield a sentence for every channel in which tiles and planes differ.

    Args:
        outputs: What the steps noted.
        metadata: Of the recording.
    """
    found: dict[int, dict[int, Any]] = defaultdict(dict)
    for fov, steps in outputs.items():
        for name, notes in steps.get("background", {}).items():
            _, channel = layout.parse_group(name.partition("/")[0]) or ("", 0)
            if "doubt" in notes:
                found[channel][fov] = notes["doubt"]
    for channel, fovs in sorted(found.items()):
        worst = max(fovs.values(), key=lambda doubt: float(doubt["counts"]))
        yield Advice(
            f"FOV {fovs_text(fovs)}: in {metadata.channel_names[channel]}, the background is "
            f"inaccurate, because {CAUSES[worst['cause']]}: it is up to {worst['counts']:.0f} "
            f"counts (frame {worst['frame']}) off from robust planes. Try {options(SETTINGS)}",
            SETTINGS,
        )
