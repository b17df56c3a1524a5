"""The network of pyama, trained further on cells that a user has marked."""

import datetime
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from pyama.algorithms.kernels.array_types import Labels
from pyama.algorithms.segmenters import unet
from pyama.algorithms.segmenters.unet import UnetParams
from pyama.processing.external.onnx_network import SHIPPED, load_network
from pyama.sentences import count_text
from pyama.testing.field_layout import KINDS
from pyama.testing.phase_contrast import draw_field
from pyama.training.annotated_frame import AnnotatedFrame, median_diameter, split
from pyama.training.found_cells import Scores, score_frames, unlabelled_objects
from pyama.training.labelled_folder import some_of
from pyama.training.loop import Progress, TrainingSettings, train
from pyama.training.network import Network, export_onnx
from pyama.training.patches import DrawnFrames, LabelledFrame, Patches
from pyama.version import __version__

PATCH = 96
"""Side of the patches in pixels of the network."""
STEPS = 2000
"""Steps of a training that has the time: seven minutes on two cores."""
LEARNING_RATE = 5e-4
"""A quarter of that of the first training."""
DRAWN = DrawnFrames(lambda rng: _drawn(rng), share=0.3, kept=48, renewed=0.2)
"""Synthetic frames, so that the network does not forget other cells."""
DRAWN_WIDTHS = (20.0, 50.0)
"""Range of the width of cells in them, in px."""
DRAWN_SIDE = 7
"""Their side in widths of a cell."""


@dataclass(frozen=True)
class FineTuned:
    """What a training has reached.

    Attributes:
        before: Scores of the held-out frames with the network of pyama.
        after: The same with the new network.
        is_stopped: Whether it was stopped early, by Ctrl-C.
        is_written: Whether the file was written: not if the new network is worse, or useless.
    """

    before: Scores
    after: Scores
    is_stopped: bool
    is_written: bool


@dataclass(frozen=True)
class Lesson:
    """What is trained on, and what is judged.

    Attributes:
        shown: Frames that are trained on.
        held_out: Frames that only judge the training.
        diameter: Median width of the cells in px.
        notes: What a user should know of the labels.
    """

    shown: list[AnnotatedFrame]
    held_out: list[AnnotatedFrame]
    diameter: float
    notes: list[str]


def prepare(frames: Sequence[AnnotatedFrame]) -> Lesson:
    """Divide annotated frames, and compare them with what the network of pyama finds.

    Raises:
        ConfigError: There are too few cells, or they are too narrow.
    """
    diameter = median_diameter(frames)
    shown, held_out = split(frames)
    return Lesson(shown, held_out, diameter, list(_not_labelled(frames, diameter)))


def _not_labelled(frames: Sequence[AnnotatedFrame], diameter: float) -> Iterator[str]:
    """Yield that there seem to be cells that have no label."""
    missing = {}
    for one in frames:
        n = unlabelled_objects(one.labels, _found(SHIPPED, one, diameter))
        if n > one.n_cells / 2:
            missing[one.name] = (n, one.n_cells)
    if missing:
        n, n_cells = (sum(counts) for counts in zip(*missing.values(), strict=True))
        yield (
            f"The network of pyama finds {count_text(n, 'object')} where nothing is labelled, "
            f"beside {count_text(n_cells, 'labelled cell')}, in {some_of(list(missing))}. "
            "What has no label is taught to be background: if these are cells, label them, or "
            "cut out a part in which all cells are labelled."
        )


def fine_tune(
    lesson: Lesson,
    output: Path,
    minutes: float,
    report: Callable[[Progress], None],
    steps: int = STEPS,
) -> FineTuned:
    """Train the network of pyama further, and write a model file unless it is worse.

    Ctrl-C ends the training; what was learned until then is used.

    Args:
        lesson: See `prepare`.
        output: File to write.
        minutes: Longest time that the training takes.
        report: Called after every step.
        steps: Most steps. If they decide, the same frames and number of threads of PyTorch
            give the same weights.
    """
    network = network_from(SHIPPED)
    settings = TrainingSettings(steps=steps, minutes=minutes, learning_rate=LEARNING_RATE)
    before = _scores(SHIPPED, lesson)
    with tempfile.TemporaryDirectory(prefix=".training-", dir=output.parent) as folder:
        last, is_stopped = _train(network, lesson, settings, report)
        if last is None:
            return FineTuned(before, before, is_stopped=True, is_written=False)
        network.load_state_dict(last.weights)
        written = Path(folder, output.name)
        export_onnx(network, written, _card(lesson, last))
        after = _scores(written, lesson)
        is_written = after.n_same > 0 and after.f1 >= before.f1
        if is_written:
            judged = {"f1_before": round(before.f1, 3), "f1_after": round(after.f1, 3)}
            export_onnx(network, written, _card(lesson, last) | judged)
            written.replace(output)
    return FineTuned(before, after, is_stopped, is_written)


def _train(
    network: Network,
    lesson: Lesson,
    settings: TrainingSettings,
    report: Callable[[Progress], None],
) -> tuple[Progress | None, bool]:
    """Return the last progress, None without any, and whether Ctrl-C has ended it."""
    last: Progress | None = None

    def keep(progress: Progress) -> None:
        nonlocal last
        last = progress
        report(progress)

    given = [LabelledFrame(f.frame, f.labels, lesson.diameter) for f in lesson.shown]
    try:
        patches = Patches(given, PATCH, np.random.default_rng(settings.seed), DRAWN)
        train(network, patches, settings, keep)
    except KeyboardInterrupt:
        return last, True
    return last, False


class _StartedNetwork(Network):
    """A network whose normalisation stays as it is while it is trained.

    In a model file, it is a part of the convolutions. A few frames say little about means and
    variances.
    """

    def train(self, mode: bool = True) -> "_StartedNetwork":
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self


def network_from(path: Path) -> Network:
    """Return a network with the weights of a model file of `export_onnx`."""
    import onnx

    network = _StartedNetwork()
    graph = onnx.load(str(path)).graph
    values = {e.name: onnx.numpy_helper.to_array(e) for e in graph.initializer}
    inputs = [node.input for node in graph.node if node.op_type == "Conv"]
    weights, biases = (
        [torch.from_numpy(values[names[i]].copy()) for names in inputs] for i in (1, 2)
    )
    modules = list(network.modules())
    convolutions = [m for m in modules if isinstance(m, nn.Conv2d)]
    norms = [m for m in modules if isinstance(m, nn.BatchNorm2d)]
    with torch.no_grad():
        for convolution, weight in zip(convolutions, weights, strict=True):
            convolution.weight.copy_(weight)
        network.out.bias.copy_(biases[-1])
        for norm, bias in zip(norms, biases[:-1], strict=True):
            norm.running_var.fill_(1 - norm.eps)
            norm.bias.copy_(bias)
    return network


def _drawn(rng: np.random.Generator) -> LabelledFrame:
    width = float(rng.uniform(*DRAWN_WIDTHS))
    side = round(DRAWN_SIDE * width)
    frame, labels = draw_field(str(rng.choice(sorted(KINDS))), (side, side), width, rng)
    return LabelledFrame(frame, labels, width)


def _found(path: Path, one: AnnotatedFrame, diameter: float) -> Labels:
    return unet.segment(one.frame, UnetParams(diameter=diameter), load_network(path).run)


def _scores(path: Path, lesson: Lesson) -> Scores:
    found = [_found(path, one, lesson.diameter) for one in lesson.held_out]
    return score_frames([one.labels for one in lesson.held_out], found)


def _card(lesson: Lesson, last: Progress) -> dict[str, Any]:
    """Return what the model file says about itself."""
    return {
        "from": load_network(SHIPPED).digest,
        "frames": [one.name for one in lesson.shown],
        "held_out": [one.name for one in lesson.held_out],
        "cells": sum(one.n_cells for one in lesson.shown),
        "diameter": round(lesson.diameter, 1),
        "steps": last.step,
        "pyama": __version__,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
