"""The steps of the workflow, each in a file of its own, in the order in which they run."""

from pyama.processing.steps import (
    background,
    copying,
    cropping,
    extraction,
    previews,
    registration,
    segmentation,
    tracking,
)
from pyama.processing.steps.step import Step

__all__ = ["STEPS", "STEPS_BY_NAME", "Step"]

STEPS: tuple[Step, ...] = (
    copying.STEP,
    registration.STEP,
    segmentation.STEP,
    tracking.STEP,
    background.STEP,
    cropping.STEP,
    extraction.STEP,
    previews.STEP,
)
"""The steps in order."""
STEPS_BY_NAME = {step.name: step for step in STEPS}
"""The steps by their names."""
