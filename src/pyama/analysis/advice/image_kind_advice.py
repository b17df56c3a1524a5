"""Advice where the segmentation network sees images of a kind that it does not know."""

from collections.abc import Iterator, Mapping

from pyama.algorithms.segmenters.unet import FAINT_AREA, FOUND_AREA, LARGEST_FAINT
from pyama.analysis.advice.accounting import Notes
from pyama.config import ProcessingConfig
from pyama.fov_ranges import fovs_text
from pyama.metadata import MicroscopyMetadata

FEWEST = 10
"""Smallest number of objects in all frames of a field of view that say something."""
KINDS = ("kept", "small", "large")
"""Objects that were counted: within the limits of size, below and above."""


def image_kind_advice(
    fovs: Mapping[int, Notes], config: ProcessingConfig, metadata: MicroscopyMetadata
) -> Iterator[str]:
    """Yield a sentence if much of the images looks only a little like cells.

    Args:
        fovs: What the segmentation noted, by field of view. Only `unet` notes what looks a
            little like cells.
        config: Of the run.
        metadata: Of the recording.
    """
    shares = {fov: share for fov, notes in fovs.items() if (share := _faint(notes))}
    unknown = {fov: share for fov, share in shares.items() if share > LARGEST_FAINT}
    pc = config.channels.pc
    if not unknown or pc is None:
        return
    most = 100 * max(unknown.values())
    yield (
        f"FOV {fovs_text(unknown)}: In {metadata.channel_names[pc.channel]}, what looks only "
        f"a little like cells covers {most:.0f} % of the area of the cells that were found "
        f"(expected: at most {100 * LARGEST_FAINT:.0f} %): cells are probably missed, or "
        "their outlines are wrong. The network of unet knows phase contrast in focus, and "
        "cells of about cell_diameter. Compare the outlines with the images. For bright field "
        "and DIC, use segmentation_method=cellpose or labels, or teach the network your cells "
        "with `pyama train`."
    )


def _faint(notes: Notes) -> float:
    """Return the area of what looks a little like cells, relative to that of the cells."""
    areas, objects = notes.get("areas", {}), notes.get("objects", {})
    if not areas.get(FOUND_AREA) or sum(objects.get(k, 0) for k in KINDS) < FEWEST:
        return 0.0
    return float(areas[FAINT_AREA]) / float(areas[FOUND_AREA])
