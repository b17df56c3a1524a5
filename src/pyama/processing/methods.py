"""The methods that a configuration chooses from by name, and what runs before them."""

from typing import Any

from pyama.algorithms import iou, logstd
from pyama.errors import PluginError
from pyama.registry import Registry

SEGMENTERS = Registry[Any]("segmentation method", ("frame", "params"))
"""`f(frame, params) -> labels`, see `pyama.algorithms.logstd.segment`. The limits of size are
applied afterwards, to the labels of every method alike."""
SEGMENTERS["logstd"] = logstd.segment

TRACKERS = Registry[Any]("tracking method", ("frames", "params"))
"""`f(frames, params) -> iterator of frames`, see `pyama.algorithms.iou.track`. Frames without
a phase contrast image are left out of what a tracker sees."""
TRACKERS["iou"] = iou.track
TRACKERS["mask_iou"] = iou.track_masks

PREPROCESSORS: list[Any] = []
"""Applied to every frame before segmentation, in this order; see `register_preprocessor`."""


def register_preprocessor(preprocessor: Any) -> None:
    """Change what segmentation sees: `preprocessor.process(image) -> image`.

    `image` is one phase contrast frame (H, W), uint16. What comes back has the same shape and
    finite numbers: integers from 0 to 65535 are taken as they are, anything else is stretched
    to that range. Nothing but the segmentation sees it.

    Raises:
        PluginError: The object has no method `process` that takes one image.
    """
    process = getattr(preprocessor, "process", None)
    if isinstance(preprocessor, type) or not callable(process):
        raise PluginError(
            f"A preprocessor must be an object with a method process(image), got "
            f"{preprocessor!r}."
        )
    Registry[Any]("preprocessor", ("image",))["process"] = process
    if not any(entry is preprocessor for entry in PREPROCESSORS):
        PREPROCESSORS.append(preprocessor)
