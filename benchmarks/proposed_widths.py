"""Accuracy with the width of cells that `pyama suggest` proposes.

A part of `python dev.py bench accuracy`, and alone: python -m benchmarks.proposed_widths
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.annotated_fields import DATA, GROUPS, SCALES, TOLD, field, found_at, rescaled
from benchmarks.label_scores import score
from pyama.algorithms.kernels.array_types import Frame
from pyama.algorithms.segmenters.width_certainty import FAIRLY_SURE, NOT_SURE, SURE
from pyama.algorithms.segmenters.width_estimate import estimate_width
from pyama.processing.external.onnx_network import SHIPPED, load_network
from pyama.runs.suggestion import LEAST_PX, judged
from pyama.testing.field_layout import KINDS
from pyama.testing.phase_contrast import draw_field

WIDTHS = (7.0, 15.0, 30.0, 60.0, 120.0, 240.0)
"""Widths in px at which every kind of synthetic cells is drawn."""
SEED = 1818
LEAST_CELLS = 6
"""Frames with fewer drawn cells are left out: they need not have a proposal."""


def propose(frame: Frame, model: str | None) -> tuple[float, str]:
    """Return the estimated width in px, NaN without one, and how sure it is."""
    network = load_network(SHIPPED if model is None else Path(model)).run
    estimate = estimate_width([frame], network)
    width = np.nan if estimate is None else estimate.width
    return float(f"{width:.2g}"), judged(estimate, "Phase")[0]


def proposal_table(data: Path, model: str | None) -> list[str]:
    """Compare F1 with the true width and with the one that is proposed for each field."""
    lines = [
        "| fields | width | proposed | sure, fairly, not | unet: true | proposed "
        "| watershed: true | proposed |",
        "|" + "---|" * 8,
    ]
    for group, (names, usual) in GROUPS.items():
        for factor in SCALES:
            widths, certainties, scores = (
                [],
                Counter[str](),
                defaultdict[str, list[float]](list),
            )
            for number, name in enumerate(names):
                frame, true = rescaled(*field(data, name), factor, number)
                width, certainty = propose(frame, model)
                widths.append(width)
                certainties[certainty] += 1
                for method in ("unet", TOLD):
                    for kind, told in (("true", usual * factor), ("proposed", width)):
                        found = found_at(method, frame, max(told, LEAST_PX), model)
                        scores[f"{method} {kind}"].append(score(true, found).f1)
                print(group, name, usual * factor, width, certainty, file=sys.stderr)
            means = " | ".join(f"{np.mean(values):.2f}" for values in scores.values())
            lines.append(
                f"| {group} | {usual * factor:g} px | {min(widths):g} to {max(widths):g} px "
                f"| {_counts(certainties)} | {means} |"
            )
    return [*lines, "", *synthetic_lines(model)]


def synthetic_lines(model: str | None) -> Iterator[str]:
    """Yield a table of proposed by true width for every kind of synthetic cells."""
    yield "| synthetic kind | " + " | ".join(f"{width:g} px" for width in WIDTHS) + " |"
    yield "|" + "---|" * (1 + len(WIDTHS))
    for number, kind in enumerate(KINDS):
        cells = []
        for width in WIDTHS:
            frame, median = _drawn(kind, number, width)
            proposed, certainty = propose(frame, model)
            cells.append(f"{proposed / median:.2f}{MARKS[certainty]}")
            print(kind, width, median, proposed, certainty, file=sys.stderr)
        yield f"| {kind} | " + " | ".join(cells) + " |"


MARKS = {SURE: "", FAIRLY_SURE: " ?", NOT_SURE: " (not sure)"}


def _drawn(kind: str, number: int, width: float) -> tuple[Frame, float]:
    """Draw a frame, and return it with the median width of its cells."""
    side = int(np.clip(10 * width, 384, 1400))
    for i in range(1000):
        rng = np.random.default_rng([SEED, number, int(width), i])
        frame, labels = draw_field(kind, (side, side), width, rng)
        if labels.max() >= LEAST_CELLS:
            break
    areas = np.bincount(labels.ravel())[1:]
    return frame, float(2 * np.sqrt(np.median(areas[areas > 0]) / np.pi))


def _counts(certainties: Counter[str]) -> str:
    return ", ".join(str(certainties[name]) for name in (SURE, FAIRLY_SURE, NOT_SURE))


if __name__ == "__main__":
    print("\n".join(proposal_table(DATA, None)))
