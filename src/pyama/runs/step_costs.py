"""What a run needs to know of each step before it begins: name, cost, why it is skipped."""

from pyama.config import ProcessingConfig
from pyama.processing.steps import PLANS, made_in_passing
from pyama.store import CELL_PREVIEWS_MARK, CELLS_MARK, TRACES_MARK

STEPS = tuple(PLANS)
"""Names of the steps in their order."""
WEIGHTS = {
    "copying": 2.0,
    "segmentation": 3.0,
    "tracking": 1.0,
    "background": 2.0,
    "cropping": 10.0,
    "extraction": 1.0,
    "caching": 0.5,
}
"""Relative time per frame and output, until the times of the run itself are known."""
OF_UNKNOWN_LENGTH = {CELLS_MARK, TRACES_MARK, CELL_PREVIEWS_MARK}
"""Outputs that are not made frame by frame."""


def reason_to_skip(config: ProcessingConfig) -> str:
    """Return why a step that has no outputs does not apply."""
    if config.params.copy_only:
        return "copy_only"
    if config.channels.pc is None:
        return "no phase contrast channel"
    return "no fluorescence channel"


def without_passing(
    pending: dict[str, list[str]], config: ProcessingConfig
) -> dict[str, list[str]]:
    """Return pending outputs without those that an earlier pending step makes in passing."""
    if not pending.get("cropping"):
        return pending
    passing = made_in_passing(config)
    left = [name for name in pending.get("caching", []) if name not in passing]
    return {**pending, "caching": left}
