"""Remarks on saturated pixels."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from pyama import layout
from pyama.analysis.advice.accounting import Outputs
from pyama.analysis.advice.filter_advice import percent
from pyama.config import ProcessingConfig
from pyama.fov_ranges import fovs_text
from pyama.metadata import MicroscopyMetadata

MAX_IN_PHASE = 0.01
"""Largest share of saturated pixels of a phase contrast frame without a remark: halos are
bright, and not measured."""


def saturation_advice(
    outputs: Outputs, config: ProcessingConfig, metadata: MicroscopyMetadata
) -> Iterator[str]:
    """Yield a sentence for every channel with saturated pixels.

    Args:
        outputs: What the steps noted.
        config: Of the run.
        metadata: Of the recording.
    """
    found: dict[int, dict[int, Any]] = defaultdict(dict)
    for fov, steps in outputs.items():
        for name, notes in steps.get("copying", {}).items():
            kind, channel = layout.parse_group(name.partition("/")[0]) or ("", 0)
            saturated = notes.get("saturated", {})
            if saturated.get("share", 0) > (MAX_IN_PHASE if kind == "pc" else 0):
                found[channel][fov] = saturated
    pc = None if config.channels.pc is None else config.channels.pc.channel
    for channel, fovs in sorted(found.items()):
        worst = max(fovs.values(), key=lambda part: float(part["share"]))
        effect = "cells may be missed there" if channel == pc else "values there are too low"
        yield (
            f"FOV {fovs_text(fovs)}: {metadata.channel_names[channel]} is saturated "
            f"({worst['level']} counts) in up to {percent(worst['share'])} of the pixels of "
            f"frame {fovs_text(t for part in fovs.values() for t in part['frames'])}: "
            f"{effect}. A shorter exposure avoids it."
        )
