"""Networks in ONNX files, run by onnxruntime, and the segmentation by one of them."""

import hashlib
import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Frame, Labels, Mask
from pyama.algorithms.segmenters import unet
from pyama.algorithms.segmenters.clean_up import Areas
from pyama.algorithms.segmenters.network_input import WIDTH
from pyama.algorithms.segmenters.network_tiles import STEP
from pyama.algorithms.segmenters.unet import UnetParams
from pyama.errors import ConfigError
from pyama.file_cache import cached_while_unchanged
from pyama.plugins.loading import Attempt
from pyama.registry import parameters

SHIPPED = Path(__file__).with_name("unet.onnx")
"""The network that comes with pyama, see docs/model_card.md."""
FORMAT = "1"
"""`pyama.format` in the metadata of a file: meaning of inputs and outputs."""
LARGEST_FILE = 100 * 2**20
"""Size (bytes) above which a file is refused unread; the network of pyama has 1 MB."""
EXPECTED = "Expected a network that was trained for pyama, see docs/segmentation.md"
TRIED = (2 * STEP, 3 * STEP)
"""Shape of an image on which a network is tried."""
_LOCK = threading.Lock()
"""One thread loads a network, the others use it."""


@dataclass(frozen=True, eq=False)
class LoadedNetwork:
    """A network that is ready to run.

    Attributes:
        session: Of onnxruntime.
        digest: Digest of the file.
        card: What the file says about its training.
    """

    session: Any
    digest: str
    card: dict[str, Any]

    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the three outputs, shape (3, h, w), for an image of shape (h, w)."""
        (outputs,) = self.session.run(None, {"x": image[None, None]})
        return np.asarray(outputs[0])


@parameters(UnetParams)
def segment(
    frame: Frame,
    params: UnetParams,
    *,
    gaps: Mask | None = None,
    areas: Areas | None = None,
) -> Labels:
    """Label the cells of one phase contrast frame with a small neural network.

    See `pyama.algorithms.segmenters.unet.segment`. The result is the same for any number of
    threads and processes on one machine.

    Args:
        frame: Intensities in counts, shape (H, W).
        params: See `UnetParams`.
        gaps: True where nothing was recorded, shape (H, W); None if everything was.
        areas: Gets the areas of the cells and of what looks a little like cells, if it is not
            None.

    Returns:
        Labels, shape (H, W): 0 is background, 1..N are cells.

    Raises:
        ConfigError: The file of the network is missing or cannot be used.
    """
    network = load_network(model_file(params))
    return unet.segment(frame, params, network.run, gaps, areas)


def identity(params: UnetParams, fov: int) -> str:
    """Return the digest of the network.

    Raises:
        ConfigError: The file of the network is missing or cannot be used.
    """
    return f"network {load_network(model_file(params)).digest}"


segment.identity = identity  # type: ignore[attr-defined]


def model_file(params: UnetParams) -> Path:
    """Return the file of the chosen network."""
    return SHIPPED if params.model is None else Path(params.model).expanduser()


def load_network(path: Path) -> LoadedNetwork:
    """Load a network once per process.

    Raises:
        ConfigError: The file is missing, is not an ONNX file, or holds another network.
    """
    if not os.path.isfile(path):  # False, too, if the name has a null character
        raise ConfigError(
            f"There is no network {str(path)!r}. Set params.plugins.unet.model to the path of "
            "a network that was trained for pyama, or leave it out to use that of pyama."
        )
    with _LOCK:
        return _load(path)


@cached_while_unchanged(4)
def _load(path: Path) -> LoadedNetwork:
    attempt = Attempt()
    with attempt:
        content = _content(path)
        session = _session(content)
        card = _checked_card(path, session)
        return LoadedNetwork(session, hashlib.sha256(content).hexdigest()[:16], card)
    if isinstance(attempt.error, ConfigError):
        raise attempt.error
    raise ConfigError(
        f"{path} is not a network that can be used: {attempt.problem.rstrip('.')}. {EXPECTED}."
    ) from attempt.error


def _content(path: Path) -> bytes:
    if path.stat().st_size > LARGEST_FILE:
        raise ConfigError(f"{path} is larger than {LARGEST_FILE >> 20} MB. {EXPECTED}.")
    return path.read_bytes()


def _session(content: bytes) -> Any:
    """Return a session that runs in the thread that calls it: workers share the cores."""
    import onnxruntime  # takes a fifth of a second

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    # External data of a file would be read from other files: bytes have none.
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _checked_card(path: Path, session: Any) -> dict[str, Any]:
    """Check the form of a network and return its card."""
    metadata = session.get_modelmeta().custom_metadata_map
    found = metadata.get("pyama.format")
    if found is None:
        raise ConfigError(f"{path} is not a network of pyama. {EXPECTED}.")
    if found != FORMAT:
        raise ConfigError(
            f"{path} has the format {found}; this version of pyama reads {FORMAT}. Train it "
            "again with this version, or install that which wrote it."
        )
    form = [
        [(e.name, e.type, len(e.shape), e.shape[1]) for e in entries]
        for entries in (session.get_inputs(), session.get_outputs())
    ]
    if form != [[("x", "tensor(float)", 4, 1)], [("y", "tensor(float)", 4, 3)]]:
        raise ConfigError(
            f"{path} has the inputs {form[0]} and outputs {form[1]}; expected an image x of "
            f"one channel and y of three. {EXPECTED}."
        )
    if float(metadata.get("pyama.width", "nan")) != WIDTH:
        raise ConfigError(
            f"{path} was trained for cells {metadata.get('pyama.width')} px wide; expected "
            f"{WIDTH:g}. {EXPECTED}."
        )
    _try(path, session)
    card = json.loads(metadata.get("pyama.card", "{}"))
    return dict(card)


def _try(path: Path, session: Any) -> None:
    """Check the outputs of a network for a small image of noise."""
    noise = np.random.default_rng(0).standard_normal((1, 1, *TRIED), np.float32)
    (outputs,) = session.run(None, {"x": noise})
    shape, expected = np.shape(outputs), (1, 3, *TRIED)
    if shape != expected or not (outputs >= 0).all() or not (outputs <= 1).all():
        raise ConfigError(
            f"{path} has outputs of shape {shape} from {np.min(outputs):.3g} to "
            f"{np.max(outputs):.3g} for an image of {TRIED[0]} x {TRIED[1]} px; expected "
            f"{expected} and numbers from 0 to 1. {EXPECTED}."
        )
