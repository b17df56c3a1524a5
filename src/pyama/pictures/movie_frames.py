"""Frames of a movie: grey image, outlines and numbers of cells, time, and scale bar."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.preview import intensity_to_uint8
from pyama.errors import NotReadyError
from pyama.pictures.contrast import Contrast
from pyama.pictures.grey_frames import grey_frame
from pyama.pictures.overlays import draw_outlines, reduce_image
from pyama.store import FovStore

LONGEST = 1024
"""Longest side of a frame in px; larger images are reduced by a whole factor."""
SMALLEST = 256
"""Shortest side of a frame in px; smaller images are enlarged, so that text fits."""
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


@dataclass(frozen=True)
class MovieLook:
    """How the frames of a movie are drawn.

    Attributes:
        group: Group of the intensities that are shown.
        contrast: Counts that are drawn black and white.
        pixel_size_um: Side of a pixel of the full frame; None draws no scale bar.
        numbers: Whether cells have their numbers.
    """

    group: str
    contrast: Contrast
    pixel_size_um: float | None
    numbers: bool = True


def movie_frame(
    store: FovStore, frame: int, labels: NDArray[Any], hours: float, look: MovieLook
) -> NDArray[np.uint8]:
    """Draw one frame.

    Args:
        store: The field of view.
        frame: 0-based.
        labels: Of this frame, shape (H, W); cells that are 0 are not outlined.
        hours: Its time.
        look: How it is drawn.

    Returns:
        RGB, shape (h, w, 3); h and w are even, as encoders need it.

    Raises:
        StoreError: There is neither a stack nor its preview, or a file is damaged.
    """
    grey = _enlarged(reduce_image(_grey(store, frame, look), LONGEST))
    image = draw_outlines(grey, labels, np.unique(labels))
    factor = labels.shape[1] / image.shape[1]
    even = image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]
    return _with_texts(even, labels, factor, hours, look)


def _grey(store: FovStore, frame: int, look: MovieLook) -> NDArray[np.uint8]:
    try:
        return intensity_to_uint8(store.stack(look.group)[frame], *look.contrast)
    except NotReadyError:  # removed to make room; its preview is there
        return grey_frame(store, look.group, frame, look.contrast)


def _enlarged(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    times = math.ceil(SMALLEST / min(grey.shape))
    return grey.repeat(times, axis=0).repeat(times, axis=1)


def _with_texts(
    image: NDArray[np.uint8],
    labels: NDArray[Any],
    factor: float,
    hours: float,
    look: MovieLook,
) -> NDArray[np.uint8]:
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.fromarray(image)
    draw = ImageDraw.Draw(picture)
    height, width = image.shape[:2]
    size = max(14, width // 36)
    font = ImageFont.load_default(size)
    outlined: dict[str, Any] = {"fill": WHITE, "stroke_width": 1, "stroke_fill": BLACK}
    for number, (y, x) in _middles(labels).items() if look.numbers else ():
        place = (x / factor, y / factor)
        draw.text(place, str(number), font=font, anchor="mm", **outlined)
    margin = size // 2
    draw.text((margin, margin), f"{hours:.2f} h", font=font, anchor="la", **outlined)
    if look.pixel_size_um is not None:
        um = bar_length(width * factor * look.pixel_size_um)
        right, bottom = width - margin, height - margin
        left = right - um / look.pixel_size_um / factor
        bar = (left, bottom - size // 4, right, bottom)
        draw.rectangle(bar, fill=WHITE, outline=BLACK)
        text = f"{um:g} um"  # the font of Pillow has no micro sign
        place = ((left + right) / 2, bottom - size // 2)
        draw.text(place, text, font=font, anchor="mb", **outlined)
    return np.asarray(picture)


def bar_length(width_um: float) -> float:
    """Return the length of a scale bar in µm: 1, 2 or 5 times a power of ten, up to a quarter.

    Args:
        width_um: Width of the picture.
    """
    power = 10.0 ** math.floor(math.log10(width_um / 4))
    return max(step * power for step in (1, 2, 5) if step * power <= width_um / 4)


def _middles(labels: NDArray[Any]) -> dict[int, tuple[float, float]]:
    """Return the centroids (y, x) of all labels."""
    flat = labels.ravel()
    area = np.bincount(flat)
    ys, xs = (axis.ravel() for axis in np.indices(labels.shape))
    y, x = (np.bincount(flat, weights=place) / np.maximum(area, 1) for place in (ys, xs))
    return {n: (y[n], x[n]) for n in np.flatnonzero(area).tolist() if n}
