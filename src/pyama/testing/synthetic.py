"""Synthetic recordings with known ground truth.

Phase contrast shows textured cells, darker than their surroundings, with a bright halo, and
specks out of focus. Fluorescence lies inside the cells only, falls off towards the rim and
follows a known curve in time, on an uneven background.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from pyama.errors import ConfigError, place_of, problem_of
from pyama.testing.drawing import (
    PHASE,
    PHASE_SWING,
    Drawing,
    add_debris,
    draw,
    expose,
    uneven_image,
)
from pyama.testing.population import Population, populate
from pyama.testing.synthetic_params import FileFormat, SyntheticParams
from pyama.testing.synthetic_truth import Truth

if TYPE_CHECKING:  # it imports compiled functions
    from pyama.testing.kind_movie import KindMovie

LIGHT_AT = (0.45, 0.6)
"""Place (y, x) of the brightest illumination, as a fraction of the sides of the frame."""
TOUCH_PX = 12.0
"""Cells with a smaller distance between their rims touch: only halo is between them."""


class SyntheticRecording:
    """A recording drawn on demand, frame by frame.

    Args:
        options: Fields of `SyntheticParams`.

    Raises:
        ConfigError: A parameter is unknown or out of bounds.
    """

    def __init__(self, **options: Any) -> None:
        try:
            self.params = SyntheticParams(**options)
        except ValidationError as error:
            wrong = "; ".join(f"{place_of(e)}: {problem_of(e)}" for e in error.errors())
            raise ConfigError(f"Such a recording cannot be drawn: {wrong}") from error
        self._populations: dict[int, Population] = {}
        self._movies: dict[int, KindMovie] = {}

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the channels; the first is phase contrast."""
        return self.params.channel_names

    @property
    def times_min(self) -> NDArray[np.float64]:
        """Minutes of every field of view and frame, shape (P, T): one second per position."""
        frames = self.params.minutes_per_frame * np.arange(self.params.n_frames)
        return frames + np.arange(self.params.n_fovs)[:, None] / 60

    def population(self, fov: int) -> Population:
        """Return all cells that are drawn, including those outside the ground truth."""
        self._check(fov)
        if fov not in self._populations:
            movie = self._movie(fov)
            self._populations[fov] = (
                movie.population if movie else populate(self.params, self._rng(fov, 0))
            )
        return self._populations[fov]

    def ids(self, fov: int) -> NDArray[np.uint16]:
        """Return the id of every cell of `population`, 0 for those never in the ground truth.

        Ids follow the first frames of the cells.
        """
        seen = self.population(fov).in_truth
        ids = np.zeros(len(seen), np.uint16)
        in_truth = np.flatnonzero(seen.any(axis=1))
        order = in_truth[np.argsort(seen[in_truth].argmax(axis=1), kind="stable")]
        ids[order] = np.arange(1, len(order) + 1)
        return ids

    def frame(self, fov: int, t: int) -> NDArray[np.uint16]:
        """Draw one frame.

        Returns:
            Counts with noise, shape (C, H, W).
        """
        drawing = self._draw(fov, t)
        rng = self._rng(fov, 2, t)
        lit = self._lit(drawing.signals + self.backgrounds(fov))
        clean = [drawing.phase, *lit]
        return np.stack([expose(image, self.params.read_noise, rng) for image in clean])

    def labels(self, fov: int, t: int) -> NDArray[np.uint16]:
        """Return the true masks of one frame, shape (H, W)."""
        return self._draw(fov, t).labels

    def flat_field(self) -> NDArray[np.float32]:
        """Return the relative illumination of fluorescence, shape (H, W), mean 1."""
        height, width = self.params.shape
        y, x = (np.arange(n) / max(1, n - 1) for n in (height, width))
        away = (y[:, None] - LIGHT_AT[0]) ** 2 + (x[None, :] - LIGHT_AT[1]) ** 2
        light = 1 - self.params.vignetting * away / away.max()
        return (light / light.mean()).astype(np.float32)

    def backgrounds(self, fov: int) -> NDArray[np.float32]:
        """Return the fluorescence without cells in counts, shape (n_fl, H, W)."""
        self._check(fov)
        rng, params = self._rng(fov, 1), self.params
        fields = [uneven_image(params.shape, rng) for _ in range(1 + params.n_fl)][1:]
        images = [params.background + params.background_swing * field for field in fields]
        return np.array(images, np.float32).reshape(params.n_fl, *params.shape)

    def truth(self, fov: int) -> Truth:
        """Return the ground truth of one field of view, with the labels of all frames."""
        ids, population, params = self.ids(fov), self.population(fov), self.params
        n, t = int(ids.max(initial=0)), params.n_frames
        labels = np.zeros((t, *params.shape), np.uint16)
        areas = np.zeros((n, t), np.int64)
        totals = np.zeros((n, t, params.n_fl))
        touching, at_border = np.zeros((n, t), bool), np.zeros((n, t), bool)
        for frame in range(t):
            drawing = self._draw(fov, frame)
            labels[frame] = drawing.labels
            for cell, patch in drawing.patches.items():
                nearby = drawing.labels[patch.window]
                mask = nearby == cell
                i = cell - 1
                areas[i, frame] = mask.sum()
                totals[i, frame] = drawing.signals[:, *patch.window][:, mask].sum(
                    axis=1, dtype=np.float64
                )
                close = np.unique(nearby[(patch.distance < TOUCH_PX) & (nearby > 0) & ~mask])
                touching[i, frame] |= close.size > 0
                touching[close.astype(int) - 1, frame] = True
                at_border[i, frame] = _at_border(mask, patch.window, params.shape)
        members = np.argsort(ids, kind="stable")[len(ids) - n :]
        mothers = [population.cells[k].parent for k in members]
        return Truth(
            labels=labels,
            areas=areas,
            totals=totals,
            backgrounds=self.backgrounds(fov),
            touching=touching,
            at_border=at_border,
            parents=np.array([ids[k] if k >= 0 else 0 for k in mothers], np.int64),
            expressions=tuple(population.cells[k].expressions for k in members),
            times_min=self.times_min[fov],
        )

    def scenes(self) -> list["SyntheticScene"]:
        """Return the fields of view in the form that the writers take."""
        return [SyntheticScene(self, fov) for fov in range(self.params.n_fovs)]

    def write(self, path: Path | str, format: FileFormat = "czi", **options: Any) -> Path:  # noqa: A002
        """Write the recording to a file, one frame at a time.

        Args:
            path: The file; overwritten.
            format: `czi`, `nd2` or `ome-tiff`.
            options: For the writer of that format: `missing`, `with_times`, `compress`,
                `order` (ND2), `one_file_per_scene` (OME-TIFF), ...

        Returns:
            The file, or the first of several.
        """
        names = {"channel_names": self.channel_names, "times_ms": 60_000 * self.times_min}
        given: dict[str, Any] = {
            **names,
            "pixel_size_um": self.params.pixel_size_um,
            **options,
        }
        if format == "nd2":
            from pyama.testing.nd2_writer import write_nd2

            write_nd2(path, self.scenes(), **given)
        elif format == "ome-tiff":
            from pyama.testing.ometiff_writer import write_ome_tiff

            return write_ome_tiff(path, self.scenes(), **given)[0]
        else:
            from pyama.testing.czi_writer import write_czi

            write_czi(path, self.scenes(), **given)
        return Path(path)

    def _lit(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        if not self.params.vignetting:
            return images
        offset = np.float32(self.params.camera_offset)
        return offset + self.flat_field() * (images - offset)

    def _draw(self, fov: int, t: int) -> Drawing:
        if not 0 <= t < self.params.n_frames:
            raise IndexError(f"Frame {t} of a recording with {self.params.n_frames}.")
        population, ids = self.population(fov), self.ids(fov)
        movie = self._movie(fov)
        if movie:
            return movie.draw(ids, t, float(self.times_min[fov, t]) / 60)
        empty = PHASE * (1 + PHASE_SWING * uneven_image(self.params.shape, self._rng(fov, 1)))
        add_debris(empty, self.params, t, self._rng(fov, 3))
        return draw(population, ids, t, float(self.times_min[fov, t]) / 60, empty)

    def _movie(self, fov: int) -> "KindMovie | None":
        kind, seed = self.params.kind, (self.params.seed, fov, 4)
        if kind and fov not in self._movies:
            from pyama.testing.kind_movie import KindMovie

            self._movies[fov] = KindMovie(self.params, kind, seed)
        return self._movies.get(fov)

    def _check(self, fov: int) -> None:
        if not 0 <= fov < self.params.n_fovs:
            raise IndexError(f"FOV {fov} of a recording with {self.params.n_fovs}.")

    def _rng(self, *purpose: int) -> np.random.Generator:
        return np.random.default_rng([self.params.seed, *purpose])


@dataclass(frozen=True)
class SyntheticScene:
    """One field of view of a recording, drawn frame by frame when it is written."""

    recording: SyntheticRecording
    fov: int
    dtype: np.dtype[np.uint16] = np.dtype(np.uint16)  # noqa: RUF009 (immutable)

    @property
    def shape(self) -> tuple[int, ...]:
        """(T, Z, C, H, W)."""
        params = self.recording.params
        return (params.n_frames, 1, 1 + params.n_fl, *params.shape)

    def __getitem__(self, where: tuple[int, int]) -> NDArray[np.uint16]:
        """Return the frame (C, H, W) at (t, z)."""
        return self.recording.frame(self.fov, where[0])


def _at_border(
    mask: NDArray[np.bool_], window: tuple[slice, slice], shape: tuple[int, int]
) -> bool:
    rows, columns = window
    return bool(
        (rows.start == 0 and mask[0].any())
        or (rows.stop == shape[0] and mask[-1].any())
        or (columns.start == 0 and mask[:, 0].any())
        or (columns.stop == shape[1] and mask[:, -1].any())
    )
