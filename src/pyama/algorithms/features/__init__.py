"""Features: numbers that are measured for each cell in each frame.

A feature is a function `f(image, mask, context)` that returns one number:

* image: counts in the bounding box of the cell, shape (H, W), float64. The background is not
  subtracted. With a flat field or dark frame, image and background are corrected with it.
* mask: True inside the cell, same shape; at least one pixel is True
* context: all other inputs, see `FeatureContext`

All three are read-only. The number is finite, or NaN if the feature is not defined; NaN
becomes an empty field. True and False count as 1 and 0. `PHASE_FEATURES["name"] = f` or
`FLUORESCENCE_FEATURES["name"] = f` makes a function available by name.

Most built-in features are formulas that `measure_stack` applies to all frames of a cell at
once. The function of the same name applies the formula to one frame, and the results have the
same bits. All other features are called frame by frame.
"""

from pyama.algorithms.features.context import FeatureContext
from pyama.algorithms.features.measuring import (
    CellTrack,
    feature_rng,
    measure_stack,
    needs_image,
)
from pyama.algorithms.features.registered import (
    FLUORESCENCE_FEATURES,
    PHASE_FEATURES,
    Feature,
)

__all__ = [
    "FLUORESCENCE_FEATURES",
    "PHASE_FEATURES",
    "CellTrack",
    "Feature",
    "FeatureContext",
    "feature_rng",
    "measure_stack",
    "needs_image",
]
