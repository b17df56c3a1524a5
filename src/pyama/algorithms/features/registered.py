"""Registries of features, filled with the built-in ones.

A built-in feature is known by its name and its attribute `version`, 1 if it has none. Set a
higher version here when the results of a feature change.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from pyama.algorithms.features import intensity, shape, texture
from pyama.algorithms.features.cell_stack import CellStack
from pyama.algorithms.features.context import FeatureContext, Floats
from pyama.algorithms.kernels.array_types import Mask, check_same_shape
from pyama.registry import Registry

Feature: TypeAlias = Callable[[Floats, Mask, FeatureContext], Any]
Formula: TypeAlias = Callable[[CellStack], Floats]

_ARGUMENTS = ("image", "mask", "context")
PHASE_FEATURES: Registry[Feature] = Registry("feature", _ARGUMENTS)
"""Features of the phase contrast channel by name."""
FLUORESCENCE_FEATURES: Registry[Feature] = Registry("feature", _ARGUMENTS)
"""Features of fluorescence channels by name."""

FORMULAS: dict[int, Formula] = {}
"""Formulas for all frames by the id of the function for one frame."""


def _add_formula(registry: Registry[Feature], formula: Formula) -> None:
    """Register the function that applies a formula to a single frame."""

    def feature(image: Floats, mask: Mask, context: FeatureContext) -> float:
        return float(formula(_one_frame(image, mask, context))[0])

    feature.__name__ = feature.__qualname__ = formula.__name__
    feature.__doc__ = formula.__doc__
    FORMULAS[id(feature)] = formula
    registry[formula.__name__] = feature


def _one_frame(image: Floats, mask: Mask, context: FeatureContext) -> CellStack:
    check_same_shape("feature", image=image, mask=mask, background=context.background)
    return CellStack(
        np.ascontiguousarray(image, np.float64)[np.newaxis],
        np.ascontiguousarray(mask, np.bool_).view(np.uint8)[np.newaxis],
        np.ascontiguousarray(context.background, np.float64)[np.newaxis],
        np.array([context.bbox], np.int32),
        1.0,
        context.background_weight,
        context.pixel_size_um,
    )


_add_formula(PHASE_FEATURES, shape.area)
_add_formula(PHASE_FEATURES, shape.aspect_ratio)
_add_formula(PHASE_FEATURES, shape.centroid_x)
_add_formula(PHASE_FEATURES, shape.centroid_y)
_add_formula(PHASE_FEATURES, shape.area_um2)
_add_formula(PHASE_FEATURES, shape.eccentricity)
PHASE_FEATURES["perimeter"] = shape.perimeter
PHASE_FEATURES["solidity"] = shape.solidity
PHASE_FEATURES["border_contact"] = shape.border_contact
PHASE_FEATURES["neighbours"] = shape.neighbours
_add_formula(FLUORESCENCE_FEATURES, intensity.intensity_total)
_add_formula(FLUORESCENCE_FEATURES, intensity.intensity_mean)
_add_formula(FLUORESCENCE_FEATURES, intensity.intensity_max)
_add_formula(FLUORESCENCE_FEATURES, intensity.intensity_std)

MASK_FEATURES = frozenset(id(feature) for feature in PHASE_FEATURES.values())
"""Ids of the features above, which need no image."""
PHASE_FEATURES["texture"] = FLUORESCENCE_FEATURES["texture"] = texture.texture
FLUORESCENCE_FEATURES["particle_num"] = texture.particle_num
FLUORESCENCE_FEATURES["granularity"] = texture.granularity
FLUORESCENCE_FEATURES["intensity_core"] = intensity.intensity_core
FLUORESCENCE_FEATURES["intensity_middle"] = intensity.intensity_middle
FLUORESCENCE_FEATURES["intensity_rim"] = intensity.intensity_rim
