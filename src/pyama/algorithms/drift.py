"""Drift of the stage: how far everything in the picture has moved together.

Phase correlation: Kuglin and Hines (1975), Proc. Int. Conf. Cybernetics and Society, 163-165;
the place of the peak to a fraction of a pixel as in Foroosh et al. (2002),
https://doi.org/10.1109/83.988953, but with a Gaussian peak, as the spectrum gets a Gaussian
weight.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Frame, check_frame
from pyama.errors import ArrayError

LONGEST = 1280
"""Frames are averaged over squares of pixels until neither side is longer."""
SHORTEST = 16
"""Frames with a shorter side are too small to be compared."""
BACKGROUND = 15
"""Side in px of the square over which the illumination is averaged."""
CLIP = 4.0
"""Contrast counts up to this many times the typical contrast, so that bright cells, which
move, do not outweigh what lies still around them."""
TAPER = 1 / 8
"""Share of each side over which the frame fades out towards each of its edges."""
FINEST, COARSEST = 1.0, 20.0
"""Structures much smaller and much larger than this, in px, do not count, since they are noise
and uneven light."""
KEPT = 0.9
"""What is left of the weight of a frame in the reference when another one comes."""
BELIEVABLE = 8.0
"""Height of a peak in standard deviations of the correlation; frames that have nothing in
common reach 6."""

Spectrum = NDArray[np.complex64]


@dataclass(frozen=True)
class Drift:
    """Where the picture lies in one frame.

    Attributes:
        y: How far down everything lies, compared with the first frame, in px.
        x: How far to the right.
        is_known: Whether the frame could be compared with those before it. If not, it is taken
            to lie where the last one lies that could.
    """

    y: float
    x: float
    is_known: bool = True


@dataclass(frozen=True)
class _Reference:
    """What frames are compared with, and where the picture lies in it."""

    spectrum: Spectrum
    y: float
    x: float


def drifts(frames: Iterable[Frame | None]) -> Iterator[Drift]:
    """Tell how far the picture has moved in every frame since the first one.

    Each frame is compared with the mean of those before it, each moved to where it lies and
    weighted by `KEPT` per frame. From frame to frame, moving cells would carry the result
    along and errors would add up; in the mean they blur, while what lies still stands out,
    and what is fixed to the camera blurs as soon as the stage moves. A frame that has nothing
    in common with the mean is compared with the one right before it: if those agree, the
    picture has changed for good, and the mean starts anew. Long shifts come out up to a
    thousandth too short.

    Args:
        frames: Phase contrast of successive frames in counts, each (H, W); None for a frame
            that was never written.

    Yields:
        The drift of each frame.

    Raises:
        ArrayError: A frame is not two-dimensional, or has another shape than the first.
    """
    grid: _Grid | None = None
    references: list[_Reference] = []  # the mean, and the latest frame
    y = x = 0.0
    for frame in frames:
        spectrum = None
        if frame is not None:
            check_frame(frame, "drifts")
            grid = grid or _grid(frame.shape)
            spectrum = grid.spectrum(frame)
        if grid is None or spectrum is None:
            yield Drift(y, x, is_known=False)
            continue
        start = _Reference(spectrum, 0.0, 0.0)
        mean = grid.registered(spectrum, references) if references else start
        if mean is not None:
            y, x = mean.y, mean.x
        yield Drift(y, x, is_known=mean is not None)
        references = [mean or references[0], _Reference(spectrum, y, x)]


@lru_cache(maxsize=4)
def _grid(shape: tuple[int, int]) -> "_Grid":
    return _Grid(shape)


class _Grid:
    """How frames of one shape become spectra, and what is found between two of these.

    Args:
        shape: (H, W) of the frames in px.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.factor = -(-max(shape) // LONGEST)
        self.size = (shape[0] // self.factor, shape[1] // self.factor)
        self.padded = tuple(scipy.fft.next_fast_len(n, real=True) for n in self.size)
        self.window = _taper(self.size[0])[:, None] * _taper(self.size[1])
        self.fy = scipy.fft.fftfreq(self.padded[0]).astype(np.float32)[:, None]
        self.fx = scipy.fft.rfftfreq(self.padded[1]).astype(np.float32)
        square = (2 * np.pi) ** 2 * (self.fy**2 + self.fx**2)
        fine, coarse = (np.exp(-square * size**2 / 2) for size in (FINEST, COARSEST))
        self.weight = (fine * (1 - coarse)).astype(np.float32)

    def spectrum(self, frame: Frame) -> Spectrum | None:
        """Return the phases of a frame; None if it shows nothing, or is too small.

        Raises:
            ArrayError: It has another shape.
        """
        if frame.shape != self.shape:
            raise ArrayError(
                f"drifts() takes frames of one shape, got {self.shape} and {frame.shape}."
            )
        if min(self.size) < SHORTEST:
            return None
        image = self._averaged(frame)
        image -= scipy.ndimage.uniform_filter(image, BACKGROUND)
        typical = float(np.median(np.abs(image[::4, ::4]))) or float(image.std())
        if typical == 0:
            return None
        np.clip(image, -CLIP * typical, CLIP * typical, out=image)
        image *= self.window
        spectrum = scipy.fft.rfft2(image, s=self.padded)
        spectrum /= np.maximum(np.abs(spectrum), np.finfo(np.float32).tiny)
        return np.asarray(spectrum, np.complex64)

    def registered(
        self, spectrum: Spectrum, references: Sequence[_Reference]
    ) -> _Reference | None:
        """Return the mean with one more frame, aligned to it; None if it fits nowhere.

        Args:
            spectrum: Of the frame.
            references: What it may have something in common with; the first that it has is
                taken.
        """
        for reference in references:
            dy, dx, height = self._shift(spectrum, reference.spectrum)
            if height >= BELIEVABLE:
                kept = np.float32(KEPT) * self._moved(reference.spectrum, dy, dx)
                y, x = (self.factor * shift for shift in (dy, dx))
                return _Reference(kept + spectrum, reference.y + y, reference.x + x)
        return None

    def _averaged(self, frame: Frame) -> NDArray[np.float32]:
        """Mean of squares of `factor` px side; what is left over at the end is cut off."""
        height, width = (n * self.factor for n in self.size)
        image = np.zeros(self.size, np.float32)
        for y in range(self.factor):
            for x in range(self.factor):
                image += frame[y : height : self.factor, x : width : self.factor]
        return image / np.float32(self.factor**2)

    def _shift(self, spectrum: Spectrum, other: Spectrum) -> tuple[float, float, float]:
        """How far down and right of another one a frame lies, in averaged px; and the peak."""
        surface = scipy.fft.irfft2(spectrum * self.weight * other.conj(), s=self.padded)
        row, column = np.unravel_index(surface.argmax(), surface.shape)
        spread = float(np.sqrt(np.mean(np.square(surface))))
        height = float(surface[row, column]) / spread if spread else 0.0
        return (
            _peak(surface[:, column], int(row)),
            _peak(surface[row], int(column)),
            height,
        )

    def _moved(self, spectrum: Spectrum, dy: float, dx: float) -> Spectrum:
        """Spectrum of the same picture, moved down and to the right."""
        down = np.exp(-2j * np.pi * self.fy * dy).astype(np.complex64)
        right = np.exp(-2j * np.pi * self.fx * dx).astype(np.complex64)
        return np.asarray(spectrum * down * right, np.complex64)


def _taper(n: int) -> NDArray[np.float32]:
    """Weight of each of `n` pixels: 1, and towards both ends a half cosine."""
    edge = max(1, round(TAPER * n))
    away = np.minimum(np.arange(n), np.arange(n)[::-1]) + 0.5
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * np.minimum(away / edge, 1)), np.float32)


def _peak(line: NDArray[np.float32], top: int) -> float:
    """Place of a Gaussian peak through the highest value and its neighbours, -n/2 to n/2."""
    n = len(line)
    values = np.maximum([line[(top + step) % n] for step in (-1, 0, 1)], line[top] * 1e-3)
    before, here, after = np.log(values).tolist()
    bend = before - 2 * here + after
    place = top + (0.5 * (before - after) / bend if bend else 0.0)
    return place - n if place > n / 2 else place
