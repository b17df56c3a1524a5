"""Plugins to begin from: one that works for every kind, each with its test."""

from pathlib import Path

from pyama.errors import ConfigError

FEATURE = '''"""MYNAME: how much brighter the rim of a cell is than its middle."""

from typing import Annotated

import numpy as np
from pydantic import Field

from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.algorithms.params import Params
from pyama.registry import parameters


class MYCLASSParams(Params):
    """What the user can set, with bounds; written as --set MYNAME.share=0.3."""

    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Share of the cell's pixels that counts as its middle."""


@parameters(MYCLASSParams)
def MYNAME(image, mask, context):
    """Return one number, or NaN where it is not defined.

    Args:
        image: Counts in the cell's box, shape (H, W), float64, with background.
        mask: True inside the cell, same shape.
        context: Everything else: `context.params.share`, `context.background`,
            `context.pixel_size_um`, `context.time_min`, `context.frame`, `context.bbox`, ...
    """
    y, x = np.nonzero(mask)
    order = np.argsort((y - y.mean()) ** 2 + (x - x.mean()) ** 2, kind="stable")
    values = (image - context.background_weight * context.background)[y, x][order]
    n = round(context.params.share * len(values))
    if n in (0, len(values)):
        return np.nan
    return values[n:].mean() - values[:n].mean()


PHASE_FEATURES["MYNAME"] = MYNAME
FLUORESCENCE_FEATURES["MYNAME"] = MYNAME
'''

SEGMENTER = '''"""MYNAME: cells are what differs from the middle grey level of the frame."""

from typing import Annotated

import numpy as np
from pydantic import Field
from scipy import ndimage

from pyama.algorithms.params import Params
from pyama.processing.methods import SEGMENTERS
from pyama.registry import parameters


class MYCLASSParams(Params):
    """What the user can set, with bounds; written as --set MYNAME.contrast=4."""

    contrast: Annotated[float, Field(gt=0)] = 3.0
    """How much a pixel must differ, in standard deviations of the background."""
    smoothing: Annotated[float, Field(ge=0, le=50)] = 2.0
    """Width of the smoothing in pixels."""


@SEGMENTERS.register("MYNAME")
@parameters(MYCLASSParams)
def MYNAME(frame, params):
    """Return labels, shape (H, W): 0 is background, 1..N are cells.

    Args:
        frame: Phase contrast in counts, shape (H, W), uint16.
        params: See `MYCLASSParams`.
    """
    middle = np.median(frame)
    spread = 1.5 * np.median(np.abs(frame - middle))
    difference = ndimage.gaussian_filter(np.abs(frame - middle), params.smoothing)
    return ndimage.label(difference > max(params.contrast * spread, 1))[0]
'''

TRACKER = '''"""MYNAME: a cell is the one whose centre was nearest in the frame before."""

from typing import Annotated

import numpy as np
from pydantic import Field
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from pyama.algorithms.kernels.labels import regions
from pyama.algorithms.params import Params
from pyama.processing.methods import TRACKERS
from pyama.registry import parameters


class MYCLASSParams(Params):
    """What the user can set, with bounds; written as --set MYNAME.reach=50."""

    reach: Annotated[float, Field(gt=0)] = 30.0
    """How far a cell moves from frame to frame at most, in pixels."""


@TRACKERS.register("MYNAME")
@parameters(MYCLASSParams)
def MYNAME(frames, params):
    """Yield the labels of all frames, one number per cell through time.

    Args:
        frames: Labels of successive frames, each (H, W), numbered frame by frame.
        params: See `MYCLASSParams`.
    """
    centres, ids, newest = np.empty((0, 2)), np.empty(0, int), 0
    for labels in frames:
        found = regions(labels)
        here = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
        distances = cdist(here, centres)
        now = np.zeros(len(here), int)
        for cell, old in zip(*linear_sum_assignment(distances), strict=True):
            if distances[cell, old] <= params.reach:
                now[cell] = ids[old]
        new = now == 0
        now[new] = newest + 1 + np.arange(new.sum())
        newest += int(new.sum())
        lookup = np.zeros(int(labels.max(initial=0)) + 1, np.uint32)
        lookup[found.ids] = now
        yield lookup[labels]
        centres, ids = here, now
'''

PREPROCESSOR = '''"""MYNAME: uneven illumination is taken out before cells are looked for."""

from typing import Annotated

from pydantic import Field
from scipy import ndimage

from pyama.algorithms.params import Params
from pyama.processing.methods import NAMED_PREPROCESSORS
from pyama.registry import parameters


class MYCLASSParams(Params):
    """What the user can set, with bounds; written as --set MYNAME.width=80."""

    width: Annotated[float, Field(gt=0, le=1000)] = 50.0
    """Width of the smoothing that shows the illumination, in pixels."""


@NAMED_PREPROCESSORS.register("MYNAME")
@parameters(MYCLASSParams)
def MYNAME(image, params):
    """Return an image for the segmentation, and for nothing else: same shape, finite numbers.

    Args:
        image: Phase contrast in counts, shape (H, W), uint16.
        params: See `MYCLASSParams`.
    """
    values = image.astype(float)
    return values - ndimage.gaussian_filter(values, params.width)
'''

MODEL = '''"""MYNAME: a signal that saturates, y = offset + height * (1 - exp(-rate * t))."""

import numpy as np

from pyama.analysis.fitting.model import Model, Parameter
from pyama.analysis.fitting.models import MODELS


def values(t, offset, height, rate):
    """Return the model at hours `t`; parameters broadcast against it."""
    return offset + height * -np.expm1(-rate * t)


def guess(t, y):
    """Return a start for every parameter, one value per cell."""
    hours = t[:, -1] - t[:, 0]
    return y[:, 0], y[:, -1] - y[:, 0], 2 / np.where(hours > 0, hours, 1)


MODELS.add(
    Model(
        name="MYNAME",
        parameters=(
            Parameter("offset", "counts", default=0, linear=True),
            Parameter("height", "counts", default=1000, linear=True),
            Parameter("rate", "1/h", lower=1e-3, upper=100, default=0.5),
        ),
        function=values,
        first_guess=guess,
    )
)
'''

READER = '''"""MYNAME: recordings saved with numpy.save, axes (fov, frame, channel, y, x)."""

import numpy as np

from pyama.readers import READERS
from pyama.readers.array import ArrayReader


@READERS.register("MYNAME")
def open_MYNAME(path, z):
    """Return a reader, or None if the file is of another kind.

    Args:
        path: A file or folder.
        z: Which plane of a z stack is wanted: its index, `middle` or `max`.
    """
    if path.suffix != ".npy":
        return None
    reader = ArrayReader(np.load(path, mmap_mode="r"), basename=path.stem)
    reader.metadata = reader.metadata.replace(path=path)
    return reader
'''

FILES = {
    "feature": (
        FEATURE,
        "check_feature",
        "FLUORESCENCE_FEATURES",
        "pyama.algorithms.features",
    ),
    "segmenter": (SEGMENTER, "check_segmenter", "SEGMENTERS", "pyama.processing.methods"),
    "tracker": (TRACKER, "check_tracker", "TRACKERS", "pyama.processing.methods"),
    "preprocessor": (
        PREPROCESSOR,
        "check_preprocessor",
        "NAMED_PREPROCESSORS",
        "pyama.processing.methods",
    ),
    "reader": (READER, "check_reader", "READERS", "pyama.readers"),
    "model": (MODEL, "", "MODELS", "pyama.analysis.fitting.models"),
}

TEST = '''"""MYNAME keeps the contract of its kind."""

from pathlib import Path

from HOME import REGISTRY
from pyama.cli.plugin_kinds import DOORS
from pyama.plugins.loading import load_file
from pyama.testing.checks import CHECK

loaded = load_file(Path(__file__).with_name("MYNAME.py"), DOORS)


def test_it_is_loaded():
    assert loaded.problem == ""


def test_it_keeps_its_contract():
    CHECK(REGISTRY["MYNAME"], "MYNAME")
'''

MODEL_TEST = '''"""MYNAME is a model, and a fit finds what it was made from."""

from pathlib import Path

import numpy as np

from pyama.analysis.fitting.fit import fit_arrays
from pyama.analysis.fitting.models import MODELS
from pyama.cli.plugin_kinds import DOORS
from pyama.plugins.loading import load_file

loaded = load_file(Path(__file__).with_name("MYNAME.py"), DOORS)


def test_it_is_loaded():
    assert loaded.problem == ""


def test_a_fit_finds_its_parameters():
    model = MODELS["MYNAME"]
    t = np.linspace(0, 10, 60)
    made_from = model.defaults[:, np.newaxis]
    fitted = fit_arrays(t, model.evaluate(t, made_from), "MYNAME")
    assert fitted["r_squared"][0] > 0.999
'''


def write_skeleton(kind: str, name: str, folder: Path) -> tuple[Path, Path]:
    """Write a plugin and its test.

    Args:
        kind: One of `FILES`.
        name: By which the plugin is chosen: letters, digits and underscores.
        folder: Where to; made if it is not there.

    Returns:
        The plugin and the test.

    Raises:
        ConfigError: The kind is unknown, or the name cannot be one.
        FileExistsError: One of the files is there.
    """
    if kind not in FILES:
        raise ConfigError(
            f"There is no kind of plugin {kind!r}; there are {', '.join(FILES)}."
        )
    if not name.isidentifier() or name.startswith(("_", "test_", "conftest")):
        raise ConfigError(
            f"{name!r} cannot be the name of a plugin. Use letters, digits and underscores, "
            "and begin with a letter."
        )
    text, check, registry, home = FILES[kind]
    test = (TEST if check else MODEL_TEST).replace("REGISTRY", registry).replace("HOME", home)
    test = test.replace("CHECK", check)
    paths = folder / f"{name}.py", folder / f"test_{name}.py"
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        if path.exists():
            raise FileExistsError(17, "exists", str(path))
    title = "".join(part.capitalize() for part in name.split("_"))
    for path, content in zip(paths, (text, test), strict=True):
        path.write_text(
            content.replace("MYCLASS", title).replace("MYNAME", name), encoding="utf-8"
        )
    return paths
