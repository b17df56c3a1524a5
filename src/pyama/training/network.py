"""The network: a small U-Net with three outputs.

Ronneberger, Fischer and Brox (2015), https://doi.org/10.1007/978-3-319-24574-4_28, with the
outputs for cells, the borders between touching cells and the distance to the edge of the cell.
"""

import itertools
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pyama.algorithms.segmenters.network_input import WIDTH

CHANNELS = (16, 32, 48, 64, 64)
"""Features at every resolution. Multiples of 16 use the vector units of CPUs fully."""
STRIDE = 2 ** (len(CHANNELS) - 1)
"""Sides of the input are multiples of this."""
FORMAT = 1
"""Version of the model file: its input, its outputs and its properties."""
OPSET = 17


class _Block(nn.Module):
    """Two convolutions of 3 x 3 px."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for n in (n_in, n_out):
            convolution = nn.Conv2d(n, n_out, 3, padding=1, bias=False)
            layers += [convolution, nn.BatchNorm2d(n_out), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Network(nn.Module):
    """From (N, 1, h, w), see `network_input`, to (N, 3, h, w), logits of `targets`."""

    def __init__(self, channels: tuple[int, ...] = CHANNELS) -> None:
        super().__init__()
        pairs = list(itertools.pairwise(channels))
        down = [_Block(1, channels[0]), *(_Block(*pair) for pair in pairs)]
        self.down = nn.ModuleList(down)
        self.up = nn.ModuleList(_Block(fine + coarse, fine) for fine, coarse in pairs[::-1])
        self.out = nn.Conv2d(channels[0], 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        x = self.down[0](x)
        skipped = []
        for block in self.down[1:]:
            skipped.append(x)
            x = block(nn.functional.max_pool2d(x, 2))
        for block in self.up:
            x = nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(torch.cat([skipped.pop(), x], 1))
        return self.out(x)


class _Probabilities(nn.Module):
    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.network(x))


def save_weights(weights: Mapping[str, Tensor], path: Path) -> None:
    """Write weights for a later training; the model file of a run is `export_onnx`."""
    torch.save(dict(weights), path)


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read weights of `save_weights`; nothing in the file is executed."""
    return torch.load(path, map_location="cpu", weights_only=True)


def export_onnx(network: Network, path: Path, card: Mapping[str, Any]) -> None:
    """Write the model file of a run: ONNX, with probabilities as outputs.

    Args:
        network: The network; it is in evaluation mode afterwards.
        path: File to write.
        card: How the network was made, as far as JSON can hold it.
    """
    import onnx

    network.eval()
    sides = {2: "height", 3: "width"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about itself
        torch.onnx.export(
            _Probabilities(network).eval(),
            (torch.zeros(1, 1, 4 * STRIDE, 5 * STRIDE),),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["x"],
            output_names=["y"],
            dynamic_axes={"x": sides, "y": sides},
        )
    model = onnx.load(str(path))
    described = {"format": str(FORMAT), "width": f"{WIDTH:g}", "card": json.dumps(dict(card))}
    onnx.helper.set_model_props(model, {f"pyama.{k}": v for k, v in described.items()})
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
