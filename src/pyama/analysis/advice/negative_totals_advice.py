"""Advice where many totals are far below zero."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from pyama.analysis.advice.accounting import Notes
from pyama.analysis.advice.filter_advice import percent
from pyama.analysis.advice.setting_advice import Advice, options
from pyama.config import ProcessingConfig
from pyama.derived_sizes import SEPARATING
from pyama.fov_ranges import fovs_text
from pyama.metadata import MicroscopyMetadata

MANY, FEWEST = 0.05, 3
"""Share and number of the totals of a field of view and channel that are worth a remark."""


def negative_totals_advice(
    fovs: Mapping[int, Notes], config: ProcessingConfig, metadata: MicroscopyMetadata
) -> Iterator[Advice]:
    """Yield a sentence for every channel in which many totals are far below zero.

    Args:
        fovs: What the extraction noted, by field of view; see `BackgroundAccount`. Results of
            earlier versions have no such counts.
        config: Of the run.
        metadata: Of the recording.
    """
    found: dict[int, dict[int, Any]] = defaultdict(dict)
    for fov, notes in fovs.items():
        for channel, counts in notes.get("below_background", {}).items():
            if counts["below"] >= max(FEWEST, MANY * counts["totals"]):
                found[int(channel)][fov] = counts
    settings = _settings(config)
    for channel, parts in sorted(found.items()):
        below = sum(part["below"] for part in parts.values())
        totals = sum(part["totals"] for part in parts.values())
        lowest = min(float(part["lowest"]) for part in parts.values())
        yield Advice(
            f"FOV {fovs_text(parts)}: in {metadata.channel_names[channel]}, "
            f"{percent(below / totals)} of the totals are below zero by more than noise "
            f"explains (down to {lowest:.2g} counts). Their background is too high, as where "
            "bright cells nearby were not found, hardly any pixel is without cells, or the "
            "medium is brighter than the cells. Compare the outlines with both channels; "
            f"`pyama suggest` proposes method and width of the cells.{_remedy(settings)}",
            settings,
        )


def _remedy(settings: dict[str, Any]) -> str:
    return f" Try {options(settings)}" if settings else ""


def _settings(config: ProcessingConfig) -> dict[str, Any]:
    """Return what finds more cells; nothing for methods that separate them already."""
    if config.params.segmentation_method in SEPARATING:
        return {}
    return {"segmentation_method": SEPARATING[-1]}
