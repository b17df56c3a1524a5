"""Advice where cells are much smaller or larger than the segmentation expects."""

from collections.abc import Iterator, Mapping
from statistics import median

from pyama.analysis.advice.accounting import Notes
from pyama.analysis.advice.setting_advice import Advice, options
from pyama.config import ProcessingConfig
from pyama.derived_sizes import assumed_diameter
from pyama.fov_ranges import fovs_text
from pyama.metadata import MicroscopyMetadata

FACTOR = 2.0
"""Largest ratio of the width of cells and the width that a method expects, either way."""


def diameter_advice(
    fovs: Mapping[int, Notes], config: ProcessingConfig, metadata: MicroscopyMetadata
) -> Iterator[Advice]:
    """Yield a sentence if the cells are not of the size that the segmentation expects.

    Args:
        fovs: What the segmentation noted, by field of view. Results of earlier versions have
            no width.
        config: Of the run.
        metadata: Of the recording.
    """
    expected = assumed_diameter(config, metadata)
    widths = {fov: notes["median_width"] for fov, notes in fovs.items() if _width(notes)}
    if expected is None or not widths:
        return
    found = median(widths.values())
    if 1 / FACTOR <= found / expected <= FACTOR:
        return
    settings = {"cell_diameter": round(found)}
    yield Advice(
        f"FOV {fovs_text(widths)}: Objects are {found:.0f} px wide (median), but "
        f"{config.params.segmentation_method} expects cells of {expected:.0f} px: cells may "
        "be missed, cut or joined. Compare the outlines with the images; if the cells are as "
        f"wide as that, try {options(settings)}",
        settings,
    )


def _width(notes: Notes) -> float | None:
    width = notes.get("median_width")
    return width if isinstance(width, int | float) else None
