"""A part of the segmentation: how wide the cells look where nobody has said it.

Methods that separate touching cells cut wide cells into pieces of about the width that they
expect. The pieces look as wide as expected, so that their width tells nothing.
"""

import math
from typing import Any

from pyama import layout
from pyama.algorithms.gaps import fill_gaps
from pyama.algorithms.segmenters.width_certainty import NOT_SURE, certainty_of
from pyama.algorithms.segmenters.width_estimate import estimate_width
from pyama.derived_sizes import SEPARATING, assumed_diameter, is_width_given
from pyama.processing.external.onnx_network import SHIPPED, load_network
from pyama.processing.fov import FovContext

FRAMES_PER_CHECK = 32
"""Frames of a run for each frame that is looked at: this takes about as long as one to two
frames of the segmentation."""


def note_seen_width(context: FovContext, notes: dict[str, Any]) -> None:
    """Estimate how wide the cells are in one frame of some fields of view.

    Args:
        context: The field of view; its phase contrast is complete.
        notes: Gets `seen_width` in px and the index of the frame as `seen_in`, if a width was
            needed and is at least fairly sure. Widths below half of the expected one are not
            tried.
    """
    params, n_frames = context.config.params, context.metadata.n_frames
    expected = assumed_diameter(context.config, context.metadata)
    is_needed = params.segmentation_method in SEPARATING and not is_width_given(params)
    if not is_needed or expected is None:
        return
    lost = context.not_recorded(context.pc)
    frames = [t for t in range(n_frames) if t not in lost.frames]
    if context.fov % math.ceil(FRAMES_PER_CHECK / n_frames) or not frames:
        return
    frame = frames[len(frames) // 2]
    image = context.stack(layout.phase(context.pc))[frame]
    image = fill_gaps(image, lost.mask(frame, image.shape))
    estimate = estimate_width([image], load_network(SHIPPED).run, least=expected / 2)
    if estimate is not None and certainty_of(estimate) != NOT_SURE:
        notes |= {"seen_width": round(estimate.width, 1), "seen_in": frame}
