"""How sure an estimated width of cells is, and what makes it doubtful."""

from pyama.algorithms.segmenters.unet import LARGEST_FAINT
from pyama.algorithms.segmenters.width_estimate import WidthEstimate

SURE, FAIRLY_SURE, NOT_SURE = "sure", "fairly sure", "not sure"
SURE_CELLS, LEAST_CELLS = 15, 5
"""Smallest numbers of whole cells for `sure` and `fairly sure`."""
SURE_PROBABILITY, LEAST_PROBABILITY = 0.8, 0.75
SURE_SPREAD, LARGEST_SPREAD = 1.25, 1.5
"""Largest ratios of the widths that are found with different assumed ones."""
SURE_FAINT = 0.5
"""Largest area that looks a little like cells, relative to the area of those found."""
LEAST_CONTRAST = 1.25
"""Smallest contrast in cells, relative to the rest. Smooth noise has 0.7 to 1.1."""


def certainty_of(estimate: WidthEstimate | None) -> str:
    """Return `SURE`, `FAIRLY_SURE` or `NOT_SURE`; the last one without an estimate."""
    if estimate is None or doubts_of(estimate):
        return NOT_SURE
    is_sure = (
        estimate.n_cells >= SURE_CELLS
        and estimate.probability >= SURE_PROBABILITY
        and estimate.spread <= SURE_SPREAD
        and estimate.faint <= SURE_FAINT
    )
    return SURE if is_sure else FAIRLY_SURE


def doubts_of(estimate: WidthEstimate) -> list[str]:
    """Return why an estimate is not sure, in sentences; empty if it is."""
    doubts = {
        "These are too few cells.": estimate.n_cells < LEAST_CELLS,
        "They hardly look like cells.": estimate.probability < LEAST_PROBABILITY,
        "The width depends on what is assumed.": estimate.spread > LARGEST_SPREAD,
        "Much of the rest looks a little like cells, too. The network knows phase contrast "
        "only.": estimate.faint > LARGEST_FAINT,
        "The rest has as much contrast as they have.": estimate.contrast < LEAST_CONTRAST,
    }
    return [text for text, is_true in doubts.items() if is_true]
