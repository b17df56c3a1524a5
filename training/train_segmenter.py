"""Train the network of `segmentation_method: unet` that comes with pyama.

usage: python dev.py train-segmenter --data FOLDER [--seed N] [--minutes M | --steps N]
                                     [--initial FILE.pt] [--output FILE.onnx]

FOLDER holds `setNN_raw.tif` and `setNN_instances_ids.png` of https://github.com/oist/Usiigaci
(MIT). Synthetic phase contrast of `pyama.testing` is mixed in. The averaged weights are
written every `EVERY` steps, so that a training may be stopped, or continued by `--initial`.

PyTorch without CUDA is enough, and a tenth of the size: on Linux, set
PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu before the first call.
"""

import argparse
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import tifffile
import torch

from pyama.testing.phase_contrast import draw_field
from pyama.training.loop import Progress, TrainingSettings, train
from pyama.training.network import Network, export_onnx, load_weights, save_weights
from pyama.training.patches import DrawnFrames, LabelledFrame, Patches

TRAINED = ["02", "03", "04", "05", "06", "07", "21", "22", "23"]
TRAINED += ["30", "31", "32", "33", "34", "35", "36"]
"""Field 01 is the first frame of a movie that is judged, and is never used; 08, 09, 24, 25 and
37 to 39 are judged."""
SMALL_CELLS = "30"
"""First of the fields with small cells and much debris, which are shown more often."""
WEIGHT_OF_SMALL = 2.0
KINDS = {
    "round": ((12, 60), 0.13),
    "spread": ((12, 60), 0.14),
    "elongated": ((12, 60), 0.14),
    "dense": ((12, 60), 0.27),
    "rods": ((8, 25), 0.14),
    "large": ((90, 160), 0.05),
    "mixed": ((12, 60), 0.13),
}
"""Of drawn frames: range of the median width of the cells in px, and share of the frames."""
DRAWN = 0.35
"""Share of the patches that are cut from drawn frames."""
VIEW = 9
"""Side of drawn frames in widths of a cell."""
PATCH = 96
EVERY = 250
"""Steps between two lines of output, and two saved files."""


def main() -> None:
    """Train, and write the weights (`.pt`) and the model file (`.onnx`)."""
    options = _options()
    torch.set_num_threads(options.threads)
    frames = field_frames(options.data, TRAINED)
    rng = np.random.default_rng(options.seed)
    patches = Patches(frames, PATCH, rng, DrawnFrames(drawn_frame, DRAWN))
    print(f"{len(frames)} fields, prepared", flush=True)
    torch.manual_seed(options.seed)
    network = Network()
    if options.initial:
        network.load_state_dict(load_weights(options.initial))
    settings = TrainingSettings(
        steps=options.steps if options.minutes is None else None,
        minutes=options.minutes,
        seed=options.seed,
    )
    output: Path = options.output

    def report(progress: Progress) -> None:
        if progress.step % EVERY == 0 or progress.done == 1:
            share = progress.preparing / progress.seconds
            print(
                f"step {progress.step}, {progress.seconds:.0f} s, loss {progress.loss:.3f}, "
                f"{share:.0%} of the time for patches",
                flush=True,
            )
            save_weights(progress.weights, output.with_suffix(".pt"))
            averaged = Network()
            averaged.load_state_dict(progress.weights)
            export_onnx(averaged, output, card(options, progress))

    train(network, patches, settings, report)
    print(f"written: {output}")


def field_frames(folder: Path, names: list[str]) -> list[LabelledFrame]:
    """Read annotated fields."""
    frames = []
    for name in names:
        frame = tifffile.imread(folder / f"set{name}_raw.tif")
        labels = iio.imread(folder / f"set{name}_instances_ids.png").astype(np.uint16)
        weight = WEIGHT_OF_SMALL if name >= SMALL_CELLS else 1.0
        frames.append(LabelledFrame(frame, labels, weight=weight))
    return frames


def drawn_frame(rng: np.random.Generator) -> LabelledFrame:
    """Draw synthetic phase contrast of a random kind and size."""
    kind = str(rng.choice(list(KINDS), p=[share for _, share in KINDS.values()]))
    low, high = KINDS[kind][0]
    width = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    side = max(64, round(VIEW * width))
    frame, labels = draw_field(kind, (side, side), width, rng)
    return LabelledFrame(frame, labels, width)


def card(options: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """Return what the model file says about itself."""
    return {
        "data": f"{len(TRAINED)} fields of oist/Usiigaci (MIT), synthetic phase contrast",
        "fields": " ".join(TRAINED),
        "initial": str(options.initial.name) if options.initial else None,
        "seed": options.seed,
        "steps": progress.step,
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the network that finds cells.")
    parser.add_argument("--data", type=Path, required=True, help="folder of fields and masks")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=20000)
    parser.add_argument("--minutes", type=float, help="instead of steps")
    parser.add_argument("--initial", type=Path, help="weights (.pt) to start from")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("unet.onnx"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
