"""Shared parts of the trackers of other projects, which link the centres of objects.

Such a tracker needs the centres of all frames at once. The frames are therefore read twice:
for the centres, and to write the numbers of the cells into the labels.
"""

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pyama.algorithms.kernels.array_types import Labels
from pyama.algorithms.kernels.labels import Regions, label_runs, regions, renumber
from pyama.algorithms.params import TrackingParams
from pyama.algorithms.trackers.numbering import within_limits
from pyama.errors import ConfigError

Diameters = Annotated[
    float,
    Field(gt=0, le=100, allow_inf_nan=False),
    Field(json_schema_extra={"unit": "diameters"}),
]
Node = tuple[int, int]
"""An object: index of the frame, and index among the objects of that frame."""
Link = tuple[Node, Node]
"""An object and the same cell in a later frame."""


def installed_version(package: str) -> str:
    """Return name and version of an installed package.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError as error:
        raise _missing(package) from error


def import_optional(module: str, name: str) -> Any:
    """Return an attribute of a module of an optional package.

    Raises:
        ConfigError: The package is not installed or cannot be imported.
    """
    try:
        return getattr(import_module(module), name)
    except ImportError as error:
        raise _missing(module.partition(".")[0]) from error


def _missing(package: str) -> ConfigError:
    return ConfigError(
        f"tracking_method {package!r} needs the package {package}, which is not installed or "
        f"cannot be imported. Install it with: pip install 'pyama-traces[{package}]'"
    )


def observe(
    frames: Iterable[Labels], params: TrackingParams
) -> tuple[list[Regions], list[NDArray[np.float64]]]:
    """Return the objects of every frame within the size limits, and their centres (y, x)."""
    objects = [within_limits(regions(labels), params) for labels in frames]
    return objects, [(frame.boxes[:, :2] + frame.boxes[:, 2:]) / 2.0 for frame in objects]


def typical_diameter(objects: Sequence[Regions]) -> float:
    """Return the diameter in px of a disk with the median area of all objects, else 1."""
    areas = np.concatenate([np.zeros(0), *(frame.areas for frame in objects)])
    return float(2 * np.sqrt(np.median(areas) / np.pi)) if len(areas) else 1.0


def number_cells(
    frames: Iterable[Labels], objects: Sequence[Regions], links: Iterable[Link]
) -> Iterator[Labels]:
    """Yield the labels of every frame with one number per chain of linked objects.

    The numbers follow the order in which the chains begin.
    """
    before = {later: earlier for earlier, later in links}
    numbers: dict[Node, int] = {}
    newest = 0
    for t, (labels, present) in enumerate(zip(frames, objects, strict=True)):
        for i in range(len(present.ids)):
            if (t, i) not in before:
                newest += 1
            numbers[t, i] = numbers[before[t, i]] if (t, i) in before else newest
        ids = np.array([numbers[t, i] for i in range(len(present.ids))], np.int64)
        yield renumber(label_runs(labels, "tracker"), present.ids, ids, newest)
