"""Tracking with LapTrack, a package that links centres by linear assignment."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Labels
from pyama.algorithms.params import TrackingParams
from pyama.processing.external.linking import (
    Diameters,
    Link,
    import_optional,
    installed_version,
    number_cells,
    observe,
    typical_diameter,
)
from pyama.registry import parameters


class LapTrackParams(TrackingParams):
    """Parameters of LapTrack, in addition to those of every tracker."""

    max_step: Diameters = 1.0
    """Largest distance that a cell moves between frames, in diameters of a typical cell."""


@parameters(LapTrackParams)
def track(frames: Iterable[Labels], params: LapTrackParams) -> Iterator[Labels]:
    """Renumber labels so that a cell keeps its number, using the package laptrack.

    Centres are linked by linear assignment, first from frame to frame, then across gaps:
    Jaqaman et al. (2008), https://doi.org/10.1038/nmeth.1237; Fukai and Kawaguchi (2023),
    https://doi.org/10.1093/bioinformatics/btac799. Divisions and fusions are not searched for.

    Args:
        frames: Labels of successive frames, each (H, W); read twice.
        params: See `LapTrackParams`.

    Yields:
        Labels of the same frames, see `pyama.algorithms.trackers.iou.track`.

    Raises:
        ConfigError: The package is not installed.
    """
    objects, centres = observe(frames, params)
    reach = params.max_step * typical_diameter(objects)
    links = _links(centres, reach, params.max_gap) if any(map(len, centres)) else []
    yield from number_cells(frames, objects, links)


def _links(centres: Sequence[NDArray[np.float64]], reach: float, max_gap: int) -> list[Link]:
    LapTrack = import_optional("laptrack", "LapTrack")
    tracker = LapTrack(
        cutoff=reach**2,
        gap_closing_cutoff=(reach * (1 + max_gap)) ** 2 if max_gap else False,
        gap_closing_max_frame_count=1 + max_gap,
        splitting_cutoff=False,
        merging_cutoff=False,
    )
    edges = tracker.predict(list(centres)).edges
    return sorted(((int(a), int(b)), (int(c), int(d))) for (a, b), (c, d) in edges)


def identity(params: LapTrackParams, fov: int) -> str:
    """Return the version of the package.

    Raises:
        ConfigError: It is not installed.
    """
    return installed_version("laptrack")


track.identity = identity  # type: ignore[attr-defined]
