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
SEEN_FACTOR = 1.7
"""The same for the width that the network sees; its error is below a factor of 1.4."""


def diameter_advice(
    fovs: Mapping[int, Notes], config: ProcessingConfig, metadata: MicroscopyMetadata
) -> Iterator[Advice]:
    """Yield a sentence if the cells are not of the size that the segmentation expects.

    Args:
        fovs: What the segmentation noted, by field of view: the `median_width` of the
            objects, and in some the `seen_width`. Results of earlier versions have neither.
        config: Of the run.
        metadata: Of the recording.
    """
    expected = assumed_diameter(config, metadata)
    widths = {fov: notes["median_width"] for fov, notes in fovs.items() if _width(notes)}
    if expected is None or not widths:
        return
    cut = _cut_advice(fovs, expected, config.params.segmentation_method)
    if cut is not None:
        yield cut
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


def _cut_advice(fovs: Mapping[int, Notes], expected: float, method: str) -> Advice | None:
    """Return a sentence if the network has seen cells that are much wider than expected."""
    seen = {fov: notes for fov, notes in fovs.items() if "seen_width" in notes}
    width = median(float(notes["seen_width"]) for notes in seen.values()) if seen else 0.0
    if width <= SEEN_FACTOR * expected:
        return None
    settings = {"cell_diameter": round(float(f"{width:.2g}"))}
    places = "; ".join(f"FOV {fov}, frame {notes['seen_in']}" for fov, notes in seen.items())
    return Advice(
        f"Cells look about {width:.0f} px wide to the network of unet ({places}), but "
        f"{method} was not told their width and expects {expected:.0f} px: it probably cuts "
        "them into pieces. Compare the outlines with the images; `pyama suggest` draws them "
        f"for several widths. Try {options(settings)}",
        settings,
    )


def _width(notes: Notes) -> float | None:
    width = notes.get("median_width")
    return width if isinstance(width, int | float) else None
