"""Segmentation with Cellpose, a neural network, using weights that are on this machine."""

import hashlib
import threading
from functools import lru_cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pyama.algorithms.kernels.array_types import Frame
from pyama.algorithms.params import Params
from pyama.errors import ConfigError
from pyama.file_cache import cached_while_unchanged
from pyama.plugins.loading import Attempt
from pyama.registry import parameters

_ONE_AT_A_TIME = threading.Lock()


class CellposeParams(Params):
    """Parameters of Cellpose."""

    model: Annotated[str, Field(min_length=1)] = "cpsam"
    """Name of a Cellpose model, such as `cpsam`, or path of a file with weights."""
    diameter: (
        Annotated[float, Field(gt=0, le=10_000), Field(json_schema_extra={"unit": "px"})]
        | None
    ) = None
    """Diameter of a typical cell; null uses that of the cells in the training data."""
    flow_threshold: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.4
    """Largest error of the flows that Cellpose accepts for a cell; 0 accepts all shapes."""
    cellprob_threshold: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    """Smallest output of the network (-6 to 6) for a pixel that belongs to a cell."""
    gpu: bool = False
    """Whether to use a graphics processor. The results may differ in single pixels."""


@parameters(CellposeParams)
def segment(frame: Frame, params: CellposeParams) -> NDArray[Any]:
    """Label the cells of one phase contrast frame with Cellpose.

    Stringer et al. (2021), https://doi.org/10.1038/s41592-020-01018-x. Nothing is downloaded.

    Args:
        frame: Intensities in counts, shape (H, W).
        params: See `CellposeParams`.

    Returns:
        Labels, shape (H, W): 0 is background, 1..N are cells.

    Raises:
        ConfigError: The package or the weights are missing, or the file cannot be used.
    """
    if frame.min() == frame.max():
        return np.zeros(frame.shape, np.uint16)
    # The network uses all cores for one frame; several at once would need more memory.
    with _ONE_AT_A_TIME:
        network = _network(weights(params), params.gpu)
        masks, *_ = network.eval(
            frame.astype(np.float32),
            diameter=params.diameter,
            flow_threshold=params.flow_threshold,
            cellprob_threshold=params.cellprob_threshold,
        )
    return np.asarray(masks)


def weights(params: CellposeParams) -> Path:
    """Return the file with the weights of a model.

    Raises:
        ConfigError: The package is not installed, or there is no such file.
    """
    models = _models()
    folder = Path(models.MODEL_DIR)
    for path in (Path(params.model).expanduser(), folder / params.model):
        if path.is_file():
            return path
    raise ConfigError(
        f"The weights of the Cellpose model {params.model!r} are not on this machine: there "
        f"is neither a file of that name nor {folder / params.model}. Download them once with "
        f'python -c "from cellpose import models; models.CellposeModel('
        f"pretrained_model='{params.model}')\", or copy the file to this machine and set "
        "params.plugins.cellpose.model to its path."
    )


def identity(params: CellposeParams, fov: int) -> str:
    """Return the version of the package and a digest of the weights.

    Raises:
        ConfigError: One of them is missing.
    """
    path = weights(params)
    return f"cellpose {version('cellpose')}, weights {_digest(path)}"


segment.identity = identity  # type: ignore[attr-defined]


def _models() -> Any:
    try:
        version("cellpose")
        return import_module("cellpose.models")
    except (ImportError, PackageNotFoundError) as error:
        raise ConfigError(
            "segmentation_method 'cellpose' needs the package cellpose, which is not "
            "installed or cannot be imported. Install it with: "
            "pip install 'pyama-traces[cellpose]'"
        ) from error


@lru_cache(maxsize=2)
def _network(path: Path, gpu: bool) -> Any:
    named = _named_weights(path)
    attempt = Attempt()
    with attempt:
        # Most processors emulate bfloat16, which takes ten times as long.
        network = _models().CellposeModel(
            gpu=gpu, pretrained_model=str(path), use_bfloat16=gpu
        )
        # Cellpose keeps random values for weights that are not in the file.
        missing = set(network.net.state_dict()) - named
        if missing:
            raise ValueError(
                f"{min(missing)} and {len(missing) - 1} other weights are missing"
            )
        return network
    raise ConfigError(
        f"Cellpose cannot use {path}: {attempt.problem}. Use weights for the "
        "installed version of Cellpose."
    ) from attempt.error


def _named_weights(path: Path) -> set[str]:
    """Return the names of the weights in a file; a file that would run code is refused."""
    torch = import_module("torch")
    torch.sparse.check_sparse_tensor_invariants.disable()  # it warns otherwise
    attempt = Attempt()
    with attempt:
        weights = torch.load(path, map_location="cpu", weights_only=True)
        return {name.removeprefix("module.") for name in weights}
    raise ConfigError(
        f"{path} does not contain weights, or contains other objects too: {attempt.problem}"
    ) from attempt.error


@cached_while_unchanged(16)
def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
