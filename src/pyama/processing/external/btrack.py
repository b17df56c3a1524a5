"""Tracking with btrack, a package that assigns objects by Bayesian belief."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Labels
from pyama.algorithms.params import TrackingParams
from pyama.errors import ConfigError
from pyama.plugins.loading import Attempt
from pyama.processing.external.linking import (
    Diameters,
    Link,
    Node,
    import_optional,
    installed_version,
    number_cells,
    observe,
    typical_diameter,
)
from pyama.registry import parameters


class BtrackParams(TrackingParams):
    """Parameters of btrack, in addition to those of every tracker."""

    max_step: Diameters = 3.0
    """Largest distance of a cell from its predicted position, in typical cell diameters."""


@parameters(BtrackParams)
def track(frames: Iterable[Labels], params: BtrackParams) -> Iterator[Labels]:
    """Renumber labels so that a cell keeps its number, using the package btrack.

    Every cell has a Kalman filter, and objects are assigned by Bayesian belief: Ulicna et al.
    (2021), https://doi.org/10.3389/fcomp.2021.734559. Its global optimisation, which
    finds divisions, is not used.

    Args:
        frames: Labels of successive frames, each (H, W); read twice.
        params: See `BtrackParams`.

    Yields:
        Labels of the same frames, see `pyama.algorithms.trackers.iou.track`.

    Raises:
        ConfigError: The package is not installed, or its compiled library cannot be loaded.
    """
    objects, centres = observe(frames, params)
    nodes = [(t, i) for t, places in enumerate(centres) for i in range(len(places))]
    links = _links(centres, nodes, typical_diameter(objects), params) if nodes else []
    yield from number_cells(frames, objects, links)


def _links(
    centres: Sequence[NDArray[np.float64]],
    nodes: Sequence[Node],
    diameter: float,
    params: BtrackParams,
) -> list[Link]:
    new_object = import_optional("btrack.btypes", "PyTrackObject").from_dict
    tracked = [
        new_object({"ID": i, "t": t, "y": centres[t][k][0], "x": centres[t][k][1], "z": 0.0})
        for i, (t, k) in enumerate(nodes)
    ]
    edge = max(float(places.max(initial=0)) for places in centres) + diameter
    with open_tracker() as tracker:
        tracker.configure(
            {
                "motion_model": _motion(diameter, params.max_gap),
                "max_search_radius": params.max_step * diameter,
                "verbose": False,
            }
        )
        tracker.append(tracked)
        tracker.volume = ((0, edge), (0, edge), (-1e5, 1e5))
        tracker.track(step_size=100)
        chains = [[nodes[i] for i in track if i >= 0] for track in tracker.refs]
    links = [link for chain in chains for link in pairwise(chain)]
    return [(a, b) for a, b in links if b[0] - a[0] <= 1 + params.max_gap]


def open_tracker() -> Any:
    """Return a tracker of btrack, which is a context manager.

    Raises:
        ConfigError: The package is not installed, or its compiled library cannot be loaded.
    """
    BayesianTracker = import_optional("btrack", "BayesianTracker")
    logging.getLogger("btrack").setLevel(logging.WARNING)  # it logs every movie otherwise
    attempt = Attempt()
    with attempt:
        return BayesianTracker(verbose=False)
    raise ConfigError(
        "The installed btrack cannot be loaded on this machine: its compiled part needs a "
        f"newer C++ library than the system has ({attempt.problem}). Choose another "
        "tracking_method, such as kalman or laptrack, or install btrack from conda-forge."
    ) from attempt.error


def _motion(diameter: float, max_gap: int) -> Any:
    """Return a model of constant velocity in three dimensions; the third is not used."""
    position, velocity = np.eye(3), np.eye(3)
    none = np.zeros((3, 3))
    return import_optional("btrack.models", "MotionModel")(
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


def identity(params: BtrackParams, fov: int) -> str:
    """Return the version of the package.

    Raises:
        ConfigError: It is not installed or cannot be loaded.
    """
    _check_library()
    return installed_version("btrack")


track.identity = identity  # type: ignore[attr-defined]


@cache
def _check_library() -> None:
    """Load the compiled library once, so that a run fails before any work if it cannot."""
    with open_tracker():
        pass
