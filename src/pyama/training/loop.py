"""The training loop."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pyama.training.augmentation import vary
from pyama.training.network import Network
from pyama.training.patches import Patches

Weights = dict[str, Tensor]
"""Of the network, by name."""
_WARM_UP = 50
"""Steps in which the learning rate rises."""
_AVERAGE = 0.998
"""Share that the average of the weights keeps per step."""
_DECAY = 1e-3
"""Of the weights, per step and learning rate."""
_BORDER_WEIGHT = 4.0
"""Weight of borders between touching cells, relative to other pixels, less 1."""


@dataclass(frozen=True)
class TrainingSettings:
    """How long and how fast to train."""

    steps: int | None = 5000
    """Number of batches; None if `minutes` decides."""
    minutes: float | None = None
    """Time after which the training ends; the result depends on the machine then."""
    batch: int = 8
    """Patches per step."""
    learning_rate: float = 2e-3
    """Largest learning rate."""
    constant: float = 0.3
    """Share of the training with the largest learning rate; it falls afterwards."""
    seed: int = 1
    """Of all random numbers."""


@dataclass(frozen=True)
class Progress:
    """State of a training after a step; the weights are averages over the last steps."""

    step: int
    """Steps done."""
    done: float
    """Share of the training that is done."""
    loss: float
    """Average over the last steps."""
    seconds: float
    """Time since the start."""
    preparing: float
    """Of it, time for making patches."""
    weights: Weights


def train(
    network: Network,
    patches: Patches,
    settings: TrainingSettings,
    report: Callable[[Progress], None],
) -> Weights:
    """Train a network, and return the average of its last weights.

    Args:
        network: With the weights to start from.
        patches: See `Patches`.
        settings: See `TrainingSettings`. For the same bytes with the same seed, the number of
            threads of PyTorch must be the same, too.
        report: Called after every step.
    """
    torch.manual_seed(settings.seed)
    torch.set_flush_denormal(True)
    rng = np.random.default_rng(settings.seed)
    network.to(memory_format=torch.channels_last)
    network.train()
    optimizer = torch.optim.AdamW(
        network.parameters(), settings.learning_rate, weight_decay=_DECAY
    )
    average = {name: value.clone() for name, value in network.state_dict().items()}
    start, preparing, smooth, step, done = time.monotonic(), 0.0, math.nan, 0, 0.0
    while done < 1:
        begun = time.monotonic()
        x, y = vary(*patches.batch(settings.batch), rng)
        preparing += time.monotonic() - begun
        for group in optimizer.param_groups:
            group["lr"] = _rate(step, done, settings)
        found = _step(network, optimizer, x, y)
        step += 1
        _update(average, network, min(_AVERAGE, step / (step + 10)))
        smooth = found if step == 1 else 0.98 * smooth + 0.02 * found
        seconds = time.monotonic() - start
        done = _done(step, seconds, settings)
        report(Progress(step, done, smooth, seconds, preparing, average))
    return average


def _done(step: int, seconds: float, settings: TrainingSettings) -> float:
    limits = [step / settings.steps] if settings.steps else []
    if settings.minutes is not None:
        limits.append(seconds / 60 / settings.minutes)
    return min(1.0, max(limits, default=1.0))


def _rate(step: int, done: float, settings: TrainingSettings) -> float:
    falling = max(0.0, (done - settings.constant) / (1 - settings.constant))
    share = 0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * falling))
    return settings.learning_rate * min(1, (step + 1) / _WARM_UP) * share


def _step(network: Network, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> float:
    optimizer.zero_grad()
    loss = loss_of(network(x.contiguous(memory_format=torch.channels_last)), y)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
    optimizer.step()
    return float(loss.detach())


def loss_of(logits: Tensor, y: Tensor) -> Tensor:
    """Return the loss of logits for targets, both of shape (N, 3, h, w)."""
    cross_entropy = torch.nn.functional.binary_cross_entropy_with_logits
    inside, border, distance = y[:, 0], y[:, 1], y[:, 2]
    foreground = cross_entropy(logits[:, 0], inside, weight=1 + _BORDER_WEIGHT * border)
    share = torch.sigmoid(logits[:, 0])
    dice = 1 - (2 * (share * inside).sum() + 1) / (share.sum() + inside.sum() + 1)
    positive = torch.tensor(_BORDER_WEIGHT)
    borders = cross_entropy(logits[:, 1], border, pos_weight=positive)
    error = torch.abs(torch.sigmoid(logits[:, 2]) - distance) * (1 + 2 * inside)
    return foreground + 0.5 * dice + 0.5 * borders + 2 * error.mean()


@torch.no_grad()
def _update(average: Weights, network: Network, kept: float) -> None:
    for name, value in network.state_dict().items():
        if value.dtype.is_floating_point:
            average[name].mul_(kept).add_(value, alpha=1 - kept)
        else:
            average[name].copy_(value)
