"""Drift of the stage, measured by phase correlation.

Phase correlation: Kuglin and Hines (1975), Proc. Int. Conf. Cybernetics and Society, 163-165.
The position of the peak is found to a fraction of a pixel as in Foroosh et al. (2002),
https://doi.org/10.1109/83.988953, but for a Gaussian peak, because the spectrum has a Gaussian
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

MAX_SIDE = 1280
"""Longest side in px of the averaged frames; larger frames are averaged over squares."""
MIN_SIDE = 16
"""Shortest side in px of a frame that can be compared."""
BACKGROUND = 15
"""Side in px of the square over which the illumination is averaged."""
CLIP = 4.0
"""Contrast is limited to this multiple of the typical contrast, so that bright cells, which
move, do not dominate their surroundings, which do not."""
TAPER = 1 / 8
"""Fraction of each side over which the weight of the frame decreases towards its edge."""
FINEST, COARSEST = 1.0, 20.0
"""Size in px of the structures that are compared. Much smaller structures are noise, much
larger ones uneven light."""
KEPT = 0.9
"""Factor by which the weight of a frame in the reference decreases with every new frame."""
BELIEVABLE = 8.0
"""Smallest height of a peak in standard deviations of the correlation. Unrelated frames reach
6."""

Spectrum = NDArray[np.complex64]


@dataclass(frozen=True)
class Drift:
    """Position of the image content in one frame.

    Attributes:
        y: Shift down relative to the first frame, in px.
        x: Shift to the right relative to the first frame, in px.
        is_known: Whether the frame could be compared with earlier frames. If not, it has the
            shift of the last frame that could.
    """

    y: float
    x: float
    is_known: bool = True


@dataclass(frozen=True)
class _Reference:
    """Spectrum that frames are compared with, and its shift."""

    spectrum: Spectrum
    y: float
    x: float


def drifts(frames: Iterable[Frame | None]) -> Iterator[Drift]:
    """Measure the shift of every frame relative to the first one.

    Each frame is compared with the mean of the aligned earlier frames, weighted by `KEPT` per
    frame. A comparison of successive frames would follow moving cells and accumulate errors.
    In the mean, moving cells are blurred, and so is everything that is fixed to the camera as
    soon as the stage moves. A frame without similarity to the mean is compared with the
    previous frame. If these are similar, the image has changed permanently, and the mean
    restarts. Long shifts are measured up to 0.1 % too short.

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
    """Spectra of frames of one shape, and the shift between two of them.

    Args:
        shape: (H, W) of the frames in px.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.factor = -(-max(shape) // MAX_SIDE)
        self.size = (shape[0] // self.factor, shape[1] // self.factor)
        self.padded = tuple(scipy.fft.next_fast_len(n, real=True) for n in self.size)
        self.window = _taper(self.size[0])[:, None] * _taper(self.size[1])
        self.fy = scipy.fft.fftfreq(self.padded[0]).astype(np.float32)[:, None]
        self.fx = scipy.fft.rfftfreq(self.padded[1]).astype(np.float32)
        square = (2 * np.pi) ** 2 * (self.fy**2 + self.fx**2)
        fine, coarse = (np.exp(-square * size**2 / 2) for size in (FINEST, COARSEST))
        self.weight = (fine * (1 - coarse)).astype(np.float32)

    def spectrum(self, frame: Frame) -> Spectrum | None:
        """Return the phases of a frame; None if it has no contrast or is too small.

        Raises:
            ArrayError: It has another shape.
        """
        if frame.shape != self.shape:
            raise ArrayError(
                f"drifts() takes frames of one shape, got {self.shape} and {frame.shape}."
            )
        if min(self.size) < MIN_SIDE:
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
        """Return the mean with one more aligned frame; None if it is similar to no reference.

        Args:
            spectrum: Of the frame.
            references: The first one that is similar to the frame is used.
        """
        for reference in references:
            dy, dx, height = self._shift(spectrum, reference.spectrum)
            if height >= BELIEVABLE:
                kept = np.float32(KEPT) * self._moved(reference.spectrum, dy, dx)
                y, x = (self.factor * shift for shift in (dy, dx))
                return _Reference(kept + spectrum, reference.y + y, reference.x + x)
        return None

    def _averaged(self, frame: Frame) -> NDArray[np.float32]:
        """Return the means of squares of `factor` px side; incomplete squares are cut off."""
        height, width = (n * self.factor for n in self.size)
        image = np.zeros(self.size, np.float32)
        for y in range(self.factor):
            for x in range(self.factor):
                image += frame[y : height : self.factor, x : width : self.factor]
        return image / np.float32(self.factor**2)

    def _shift(self, spectrum: Spectrum, other: Spectrum) -> tuple[float, float, float]:
        """Return the shift down and right of another frame in averaged px, and the peak."""
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
        """Return the spectrum of the same image, shifted down and to the right."""
        down = np.exp(-2j * np.pi * self.fy * dy).astype(np.complex64)
        right = np.exp(-2j * np.pi * self.fx * dx).astype(np.complex64)
        return np.asarray(spectrum * down * right, np.complex64)


def _taper(n: int) -> NDArray[np.float32]:
    """Return the weight of each of `n` pixels: 1, with a half cosine at both ends."""
    edge = max(1, round(TAPER * n))
    away = np.minimum(np.arange(n), np.arange(n)[::-1]) + 0.5
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * np.minimum(away / edge, 1)), np.float32)


def _peak(line: NDArray[np.float32], top: int) -> float:
    """Return the position of a Gaussian through the highest value and its neighbours."""
    n = len(line)
    values = np.maximum([line[(top + step) % n] for step in (-1, 0, 1)], line[top] * 1e-3)
    before, here, after = np.log(values).tolist()
    bend = before - 2 * here + after
    place = top + (0.5 * (before - after) / bend if bend else 0.0)
    return place - n if place > n / 2 else place
