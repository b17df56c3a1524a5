"""Whether finished stacks describe pixels of another size than the run."""

import json
from collections import defaultdict

from pyama import layout
from pyama.config import ProcessingConfig
from pyama.fov_ranges import fovs_text
from pyama.metadata import pixel_size
from pyama.processing.fov import image_groups
from pyama.processing.workflow.run import RunReport
from pyama.store import FovStore
from pyama.store.ome import pixel_size_in
from pyama.store.zarr_arrays import DOCUMENT


def stored_scale_notes(report: RunReport, config: ProcessingConfig) -> list[str]:
    """Return a sentence for every other size of a pixel in `images.zarr` than that of a run.

    Stacks are not copied again where only the size of a pixel was set.
    """
    size = pixel_size(report.metadata, config.params)
    fovs: dict[str, list[int]] = defaultdict(list)
    for fov in report.fovs:
        for group in image_groups(config):
            stored = _stored(FovStore(report.output_dir, fov), group)
            if stored not in (size, size and round(size, 12), ""):
                text = "unknown" if stored is None else f"{stored:g} \N{MICRO SIGN}m"
                fovs[text].append(fov)
    return [
        f"FOV {fovs_text(sorted(set(found)))}: in images.zarr the size of a pixel is {text}, "
        "as it was when the stacks were copied. To copy them again: --overwrite"
        for text, found in fovs.items()
    ]


def _stored(store: FovStore, group: str) -> float | str | None:
    """Return the size of a pixel; empty if the stack is not finished."""
    path = store.path / layout.IMAGES / group / DOCUMENT
    try:
        return pixel_size_in(json.loads(path.read_bytes()))
    except (OSError, ValueError, LookupError, TypeError):
        return ""
