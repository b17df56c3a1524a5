"""Accuracy of the segmentation on annotated phase contrast.

usage: python dev.py bench accuracy [--data FOLDER] [--model FILE] [--parts fields,scale,...]
                                    [--write]

FOLDER is `phase` of the test data: `usiigaci` (annotated fields, of which those are judged
that no training has seen), `movie` and `other`. Size limits are not applied. Prints tables
and writes them, and a picture, into docs/accuracy.md.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import tifffile
from numpy.typing import NDArray
from skimage.segmentation import find_boundaries
from skimage.transform import resize

from benchmarks.label_scores import Labels, Scores, followed, score
from benchmarks.report import write_into
from pyama.algorithms.diameter_params import sizes_for
from pyama.algorithms.kernels.array_types import Frame
from pyama.algorithms.params import TrackingParams, own_params
from pyama.algorithms.trackers.iou import track
from pyama.config import ProcessingParams
from pyama.processing.methods import SEGMENTERS

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "phase"
DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "accuracy.md"
LARGE = "large cells"
GROUPS = {
    LARGE: (["08", "09", "24", "25"], 70),
    "small cells, debris": (["37", "38", "39"], 40),
}
"""Fields to judge, and the width of their cells in px."""
SCALES = (0.25, 0.5, 1, 2, 3)
USUAL_PX = 70
"""Width of cells for which parameters in pixels are meant."""
TOLD = "watershed, with `cell_diameter`"
MOVIE_FRAMES = 10
FEWEST_SHOWN = 8
YEAST_PX = 60
"""Typical width of the yeast cells."""


def find(method: str, frame: Frame, width: float, model: str | None) -> Labels:
    """Return the cells that a method finds; only `unet` is told their width in px."""
    own = {"unet": {"diameter": float(width), "model": model}}
    params = ProcessingParams(plugins=own if method == "unet" else {})
    return SEGMENTERS[method](frame, own_params(method, SEGMENTERS[method], params))


def fields_table(data: Path, methods: Sequence[str], model: str | None) -> list[str]:
    """Compare the methods on the annotated fields that no training has seen."""
    lines = [
        "| fields | method | foreground | F1 | SEG | count | area | CPU s per megapixel |",
        "|" + "---|" * 8,
    ]
    for group, (names, width) in GROUPS.items():
        fields = [field(data, name) for name in names]
        trials = [(method, width) for method in methods]
        trials += [("unet", USUAL_PX)] if width != USUAL_PX and "unet" in methods else []
        for method, told in trials:
            start = time.process_time()
            found = [find(method, frame, told, model) for frame, _ in fields]
            spent = (time.process_time() - start) / sum(f.size for f, _ in fields) * 1e6
            scores = [
                score(true, cells) for (_, true), cells in zip(fields, found, strict=True)
            ]
            name = f"{method}, {told} px" if method == "unet" else method
            lines.append(f"| {group} | {name} | {_means(scores)} | {spent:.2f} |")
    return lines


def field(data: Path, name: str) -> tuple[Frame, Labels]:
    """Read an annotated field."""
    frame = tifffile.imread(data / "usiigaci" / f"set{name}_raw.tif")
    labels = iio.imread(data / "usiigaci" / f"set{name}_instances_ids.png")
    return frame, labels.astype(np.int64)


def scale_table(data: Path, methods: Sequence[str], model: str | None) -> list[str]:
    """Compare the methods on the fields with large cells, resized by a factor."""
    chosen = [m for m in methods if m != "logstd"] + [TOLD]
    lines = ["| width | " + " | ".join(chosen) + " |", "|" + "---|" * (1 + len(chosen))]
    for factor in SCALES:
        scores: dict[str, list[float]] = {name: [] for name in chosen}
        for number, name in enumerate(GROUPS[LARGE][0]):
            frame, true = rescaled(*field(data, name), factor, number)
            for method in chosen:
                found = found_at(method, frame, USUAL_PX * factor, model)
                scores[method].append(score(true, found).f1)
        row = " | ".join(f"{np.mean(values):.2f}" for values in scores.values())
        lines.append(f"| {USUAL_PX * factor:g} px | {row} |")
    return lines


def rescaled(frame: Frame, true: Labels, factor: float, seed: int) -> tuple[Frame, Labels]:
    """Resize a field, and add the noise that a camera would have at this scale."""
    if factor == 1:
        return frame, true
    if factor > 2:
        frame, true = frame[:512, :512], true[:512, :512]
    sides = tuple(round(side * factor) for side in frame.shape)
    order = 1 if factor < 1 else 3
    image = resize(frame.astype(float), sides, order=order, preserve_range=True)
    noise = 0.02 * frame.std() * np.random.default_rng(seed).standard_normal(sides)
    counts = np.clip(np.rint(image + noise), 0, 65535).astype(np.uint16)
    return counts, _nearest(true, sides)


def _nearest(labels: Labels, sides: tuple[int, ...]) -> Labels:
    return resize(labels, sides, order=0, preserve_range=True, anti_aliasing=False).astype(int)


def found_at(method: str, frame: Frame, width: float, model: str | None) -> Labels:
    """Return the cells that a method finds, or `TOLD`: watershed with sizes for the width."""
    if method in SEGMENTERS:
        return find(method, frame, width, model)
    sizes = sizes_for(width)
    params = ProcessingParams(frame_scale=sizes["frame_scale"], split_h=sizes["split_h"])
    return SEGMENTERS["watershed"](frame, params)


def proposed_table(data: Path, methods: Sequence[str], model: str | None) -> list[str]:
    """Compare the true widths with those that `pyama suggest` proposes."""
    from benchmarks.proposed_widths import proposal_table

    return proposal_table(data, model)


def movie_table(data: Path, methods: Sequence[str], model: str | None) -> list[str]:
    """Follow the cells of ten frames, and count those that keep one id."""
    names = [f"{t:02}" for t in range(1, MOVIE_FRAMES + 1)]
    frames = [
        tifffile.imread(data / "movie" / f"20180101ef002xy01t{name}.tif") for name in names
    ]
    true = [iio.imread(data / "movie" / f"ids_t{name}.png").astype(np.int64) for name in names]
    lines = [
        "| method | max_gap | keep one id | share | found | tracks | of one or two frames |",
        "|" + "---|" * 7,
    ]
    for method in methods:
        found = [find(method, frame, USUAL_PX, model).astype(np.uint16) for frame in frames]
        for gap in (0, 1):
            tracks = list(track(iter(found), TrackingParams(max_gap=gap)))
            kept, n, share = followed(true, tracks)
            seen = np.unique(
                np.concatenate([np.unique(cells)[1:] for cells in tracks]), return_counts=True
            )[1]
            lines.append(
                f"| {method} | {gap} | {kept} of {n} | {kept / n:.2f} | {share:.2f} "
                f"| {len(seen)} | {np.count_nonzero(seen <= 2)} |"
            )
    return lines


def yeast_table(data: Path, methods: Sequence[str], model: str | None) -> list[str]:
    """Count the objects of the size of a cell on a colony of some 150 yeast cells."""
    frame = tifffile.imread(data / "other" / "yeast_colony.tif").astype(np.uint16)
    lines = ["| method | objects | of 35 to 100 px | median width, px |", "|" + "---|" * 4]
    for method in methods:
        areas = np.bincount(find(method, frame, YEAST_PX, model).ravel())[1:]
        widths = 2 * np.sqrt(areas[areas > 0] / np.pi)
        cells = np.count_nonzero((widths > 35) & (widths < 100))
        middle = np.median(widths) if len(widths) else np.nan
        lines.append(f"| {method} | {len(widths)} | {cells} | {middle:.0f} |")
    return lines


def picture(data: Path, model: str | None) -> NDArray[np.uint8]:
    """Draw annotated outlines (green) and those of `unet` (red) on parts of three frames."""
    yeast = tifffile.imread(data / "other" / "yeast_colony.tif").astype(np.uint16)
    shown = [
        (*field(data, "24"), USUAL_PX, np.s_[300:812, 300:812]),
        (*field(data, "39"), 40, np.s_[510:1022, 300:812]),
        (yeast, np.zeros(yeast.shape, int), YEAST_PX, np.s_[300:812, 300:812]),
    ]
    return np.hstack(
        [
            _panel(frame, true, find("unet", frame, width, model), part)
            for frame, true, width, part in shown
        ]
    )


def failures(data: Path, model: str | None) -> NDArray[np.uint8]:
    """Draw the worst part of each group, and of the large cells with twice their width.

    Outlines are those of `picture`. The part, 512 x 512 px, is that with the lowest F1 of
    those with at least `FEWEST_SHOWN` annotated cells.
    """
    panels = []
    trials = [*GROUPS.values(), (GROUPS[LARGE][0], 2 * USUAL_PX)]
    for names, told in trials:
        worst = (2.0, np.zeros(0, np.uint8))
        for name in names:
            frame, true = field(data, name)
            found = find("unet", frame, told, model)
            for top, left in ((0, 0), (0, 510), (510, 0), (510, 510)):
                part = np.s_[top : top + 512, left : left + 512]
                f1 = score(true[part], found[part]).f1
                if f1 < worst[0] and len(np.unique(true[part])) > FEWEST_SHOWN:
                    worst = f1, _panel(frame, true, found, part)
        print(f"worst of {names}, told {told} px: F1 {worst[0]:.2f}", file=sys.stderr)
        panels.append(worst[1])
    return np.hstack(panels)


def _panel(
    frame: Frame, true: Labels, found: Labels, part: tuple[slice, slice]
) -> NDArray[np.uint8]:
    low, high = np.percentile(frame, (0.5, 99.5))
    grey = np.clip((frame[part] - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    panel = np.repeat(grey[..., None], 3, axis=2)
    panel[find_boundaries(true[part], mode="inner")] = (0, 220, 0)
    panel[find_boundaries(found[part], mode="inner")] = (255, 40, 40)
    return panel


def _means(scores: Sequence[Scores]) -> str:
    means = np.mean(scores, axis=0)
    return " | ".join(
        f"{value:.3f}" if i < 3 else f"{value:.2f}" for i, value in enumerate(means)
    )


PARTS = {
    "fields": fields_table,
    "scale": scale_table,
    "proposed": proposed_table,
    "movie": movie_table,
    "yeast": yeast_table,
}


TITLES = {
    "fields": "Annotated fields",
    "scale": "F1 of the large cells at other magnifications",
    "proposed": "F1 with the width that `pyama suggest` proposes",
    "movie": "Cells that keep one id through ten frames",
    "yeast": "Yeast",
}


def main(arguments: Sequence[str]) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Accuracy on annotated phase contrast.")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--model", help="network of unet, instead of the one of pyama")
    parser.add_argument("--parts", default=",".join(PARTS))
    own = [name for name in ("logstd", "watershed", "unet") if name in SEGMENTERS]
    parser.add_argument("--methods", default=",".join(own))
    parser.add_argument("--write", action="store_true", help=f"into docs/{DOCUMENT.name}")
    options = parser.parse_args(arguments)
    if not options.data.is_dir():
        sys.exit(f"There is no folder {options.data}. --data names the one with `usiigaci`.")
    tables = []
    for part in options.parts.split(","):
        lines = PARTS[part](options.data, options.methods.split(","), options.model)
        tables.append("\n".join([f"### {TITLES[part]}\n", *lines]))
        print(f"\n{tables[-1]}", flush=True)
    if options.write:
        write_into(DOCUMENT, "\n\n".join(tables) + "\n")
        for name, draw in (("unet", picture), ("unet_failures", failures)):
            drawn = draw(options.data, options.model)
            iio.imwrite(DOCUMENT.parent / "images" / f"{name}.jpg", drawn, quality=80)


if __name__ == "__main__":
    main(sys.argv[1:])
