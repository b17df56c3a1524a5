"""Trackers of other projects: LapTrack and btrack.

Both look at all frames at once. The frames are gone through twice: for the places of the
objects, and to give them their numbers.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pyama.algorithms.kernels.array_types import Labels
from pyama.algorithms.kernels.labels import Regions, label_runs, regions, renumbered
from pyama.algorithms.params import TrackingParams
from pyama.algorithms.trackers.numbering import within_limits
from pyama.errors import ConfigError
from pyama.plugins.loading import Attempt
from pyama.registry import parameters

Diameters = Annotated[
    float,
    Field(gt=0, le=100, allow_inf_nan=False),
    Field(json_schema_extra={"unit": "diameters"}),
]
Node = tuple[int, int]
"""An object: frame, and place among the objects of that frame."""


class LapTrackParams(TrackingParams):
    """Parameters of LapTrack, besides those of every tracker."""

    max_step: Diameters = 1.0
    """How far a cell moves from frame to frame at most, in diameters of a typical cell."""


class BtrackParams(TrackingParams):
    """Parameters of btrack, besides those of every tracker."""

    max_step: Diameters = 3.0
    """How far from its expected place a cell is looked for, in diameters of a typical cell."""


@parameters(LapTrackParams)
def laptrack(frames: Iterable[Labels], params: LapTrackParams) -> Iterator[Labels]:
    """Renumber labels so that a cell keeps its number, with the package laptrack.

    Centres are linked by linear assignment, first from frame to frame, then across gaps:
    Jaqaman et al. (2008), https://doi.org/10.1038/nmeth.1237; Fukai and Kawaguchi (2023),
    https://doi.org/10.1093/bioinformatics/btac799. Divisions and fusions are not looked for.

    Args:
        frames: Labels of successive frames, each (H, W); gone through twice.
        params: See `LapTrackParams`.

    Yields:
        Labels of the same frames, see `pyama.algorithms.trackers.iou.track`.

    Raises:
        ConfigError: The package is not installed.
    """
    found, centres = _observed(frames, params)
    reach = params.max_step * _typical_diameter(found)
    links = _laptrack_links(centres, reach, params.max_gap) if any(map(len, centres)) else []
    yield from _numbered(frames, found, _chains(links))


def _laptrack_links(
    centres: Sequence[NDArray[np.float64]], reach: float, max_gap: int
) -> list[tuple[Node, Node]]:
    LapTrack = _imported("laptrack", "LapTrack")
    tracker = LapTrack(
        cutoff=reach**2,
        gap_closing_cutoff=(reach * (1 + max_gap)) ** 2 if max_gap else False,
        gap_closing_max_frame_count=1 + max_gap,
        splitting_cutoff=False,
        merging_cutoff=False,
    )
    edges = tracker.predict(list(centres)).edges
    return sorted(((int(a), int(b)), (int(c), int(d))) for (a, b), (c, d) in edges)


@parameters(BtrackParams)
def btrack(frames: Iterable[Labels], params: BtrackParams) -> Iterator[Labels]:
    """Renumber labels so that a cell keeps its number, with the package btrack.

    Every cell has a Kalman filter, and objects are assigned by Bayesian belief: Ulicna et al.
    (2021), https://doi.org/10.3389/fcomp.2021.734559. Its global optimisation, and with it its
    search for divisions, is not used.

    Args:
        frames: Labels of successive frames, each (H, W); gone through twice.
        params: See `BtrackParams`.

    Yields:
        Labels of the same frames, see `pyama.algorithms.trackers.iou.track`.

    Raises:
        ConfigError: The package is not installed, or does not load on this machine.
    """
    found, centres = _observed(frames, params)
    nodes = [(t, i) for t, places in enumerate(centres) for i in range(len(places))]
    links = _btrack_links(centres, nodes, _typical_diameter(found), params) if nodes else []
    yield from _numbered(frames, found, _chains(links))


def _btrack_links(
    centres: Sequence[NDArray[np.float64]],
    nodes: Sequence[Node],
    diameter: float,
    params: BtrackParams,
) -> list[tuple[Node, Node]]:
    new_object = _imported("btrack.btypes", "PyTrackObject").from_dict
    objects = [
        new_object({"ID": i, "t": t, "y": centres[t][k][0], "x": centres[t][k][1], "z": 0.0})
        for i, (t, k) in enumerate(nodes)
    ]
    edge = max(float(places.max(initial=0)) for places in centres) + diameter
    with opened_btrack() as tracker:
        tracker.configure(
            {
                "motion_model": _motion(diameter, params.max_gap),
                "max_search_radius": params.max_step * diameter,
                "verbose": False,
            }
        )
        tracker.append(objects)
        tracker.volume = ((0, edge), (0, edge), (-1e5, 1e5))
        tracker.track(step_size=100)
        chains = [[nodes[i] for i in track if i >= 0] for track in tracker.refs]
    links = [link for chain in chains for link in pairwise(chain)]
    return [(a, b) for a, b in links if b[0] - a[0] <= 1 + params.max_gap]


def opened_btrack() -> Any:
    """Return a tracker of btrack, to be used as a context.

    Raises:
        ConfigError: The package is not installed, or its compiled part does not load here.
    """
    BayesianTracker = _imported("btrack", "BayesianTracker")
    logging.getLogger("btrack").setLevel(logging.WARNING)  # else it reports on every movie
    attempt = Attempt()
    with attempt:
        return BayesianTracker(verbose=False)
    raise ConfigError(
        "The installed btrack does not load on this machine: its compiled part needs a newer "
        f"C++ library than the system has ({attempt.problem}). Choose another "
        "tracking_method, such as kalman or laptrack, or install btrack from conda-forge."
    ) from attempt.error


def _motion(diameter: float, max_gap: int) -> Any:
    """Constant velocity in three dimensions, of which the third is not used."""
    position, velocity = np.eye(3), np.eye(3)
    none = np.zeros((3, 3))
    return _imported("btrack.models", "MotionModel")(
        name="constant velocity",
        measurements=3,
        states=6,
        A=np.block([[position, position], [none, velocity]]),
        H=np.block([position, none]),
        P=5 * diameter * np.diag([0.1, 0.1, 0.1, 1.0, 1.0, 1.0]),
        G=0.5 * diameter * np.array([[0.5, 0.5, 0.5, 1.0, 1.0, 1.0]]),
        R=0.5 * diameter * np.eye(3),
        accuracy=7.5,
        max_lost=1 + max_gap,  # with 0 it finds no tracks at all
        prob_not_assign=0.001,
    )


def _laptrack_identity(params: LapTrackParams, fov: int) -> str:
    return _version("laptrack")


def _btrack_identity(params: BtrackParams, fov: int) -> str:
    _check_btrack()
    return _version("btrack")


laptrack.identity = _laptrack_identity  # type: ignore[attr-defined]
btrack.identity = _btrack_identity  # type: ignore[attr-defined]


@cache
def _check_btrack() -> None:
    """See once, before any work, whether btrack can be used."""
    with opened_btrack():
        pass


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError as error:
        raise _missing(package) from error


def _imported(module: str, name: str) -> Any:
    try:
        return getattr(import_module(module), name)
    except ImportError as error:
        raise _missing(module.partition(".")[0]) from error


def _missing(package: str) -> ConfigError:
    return ConfigError(
        f"tracking_method {package!r} needs the package {package}, which is not installed or "
        f"does not load. Install it with: pip install 'pyama-traces[{package}]'"
    )


def _observed(
    frames: Iterable[Labels], params: TrackingParams
) -> tuple[list[Regions], list[NDArray[np.float64]]]:
    """Objects of all frames that take part, and their centres (y, x)."""
    found = [within_limits(regions(labels), params) for labels in frames]
    return found, [(f.boxes[:, :2] + f.boxes[:, 2:]) / 2.0 for f in found]


def _typical_diameter(found: Sequence[Regions]) -> float:
    areas = np.concatenate([np.zeros(0), *(frame.areas for frame in found)])
    return float(2 * np.sqrt(np.median(areas) / np.pi)) if len(areas) else 1.0


def _chains(links: Iterable[tuple[Node, Node]]) -> dict[Node, Node]:
    """The object before each object."""
    return {after: before for before, after in links}


def _numbered(
    frames: Iterable[Labels], found: Sequence[Regions], before: dict[Node, Node]
) -> Iterator[Labels]:
    """Give chains of objects numbers, in the order in which they begin."""
    numbers: dict[Node, int] = {}
    newest = 0
    for t, (labels, objects) in enumerate(zip(frames, found, strict=True)):
        for i in range(len(objects.ids)):
            if (t, i) not in before:
                newest += 1
            numbers[t, i] = numbers[before[t, i]] if (t, i) in before else newest
        ids = np.array([numbers[t, i] for i in range(len(objects.ids))], np.int64)
        yield renumbered(label_runs(labels, "tracker"), objects.ids, ids, newest)
