"""Outlines that were found for several sizes of cells, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.preview import intensity_to_uint8
from pyama.pictures.contrast import contrast_of_frame
from pyama.pictures.overlays import RIM, WITHOUT_TRACE, draw_outlines

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

PANEL_PX = 480
"""Side of a panel."""
TITLE_PX, FONT_PX, GAP_PX = 36, 20, 8
"""Height of the line above a panel, of its letters, and the space between panels."""
PAPER, INK, CHOSEN = (255, 255, 255), (20, 20, 20), (255, 226, 120)
"""RGB of the background, the letters, and the background of the chosen title."""


@dataclass(frozen=True, eq=False)
class SizePanel:
    """One panel.

    Attributes:
        title: What stands above it.
        diameter: Assumed width of a cell in px of the frame; drawn as a circle.
        labels: What was found, of the shape of the frame; 0 is background.
        is_chosen: Whether the title is highlighted.
    """

    title: str
    diameter: float
    labels: NDArray[Any]
    is_chosen: bool = False


def draw_size_panels(frame: NDArray[np.uint16], panels: Sequence[SizePanel]) -> NDArray[Any]:
    """Draw the same part of a frame with different outlines.

    Args:
        frame: Counts, shape (H, W), not empty.
        panels: From left to right.

    Returns:
        RGB, uint8, shape (height, width, 3).
    """
    from PIL import Image, ImageDraw

    scale = PANEL_PX / max(frame.shape)
    height, width = (max(1, round(side * scale)) for side in frame.shape)
    grey = Image.fromarray(intensity_to_uint8(frame, *contrast_of_frame(frame)))
    enlarged = np.asarray(grey.resize((width, height), Image.Resampling.BILINEAR))
    n = len(panels)
    size = n * (width + GAP_PX) + GAP_PX, TITLE_PX + height + GAP_PX
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, panel in enumerate(panels):
        left = GAP_PX + i * (width + GAP_PX)
        outlined = draw_outlines(enlarged, panel.labels, np.unique(panel.labels))
        sheet.paste(Image.fromarray(outlined), (left, TITLE_PX))
        _write_title(draw, panel, left, width)
        _draw_circle(draw, (left, TITLE_PX + height), panel.diameter * scale)
    return np.asarray(sheet)


def _write_title(draw: "ImageDraw", panel: SizePanel, left: int, width: int) -> None:
    from PIL import ImageFont

    if panel.is_chosen:
        draw.rectangle((left, 2, left + width - 1, TITLE_PX - 3), CHOSEN)
    font = ImageFont.load_default(FONT_PX)
    draw.text((left + 6, TITLE_PX / 2), panel.title, INK, font, anchor="lm")


def _draw_circle(draw: "ImageDraw", corner: tuple[int, int], diameter: float) -> None:
    """Draw a circle of the assumed width into the lower left corner."""
    left, bottom = corner[0] + 8, corner[1] - 8
    box = left, bottom - diameter, left + diameter, bottom
    draw.ellipse(box, outline=RIM, width=5)
    draw.ellipse(
        [v + d for v, d in zip(box, (1, 1, -1, -1), strict=True)], None, WITHOUT_TRACE, 3
    )
