"""The literal implementation of the workflow from a file to an output folder."""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import literal
from benchmarks.measuring import Cost, Costs
from pyama.algorithms.kernels.labels import limit_sizes
from pyama.algorithms.params import LogStdParams
from pyama.algorithms.segmenters.logstd import segment
from pyama.readers import open_reader

PC, FL, LABELS, TRACKED, BEHIND = (
    "pc_ch_0", "fl_ch_1", "seg_labeled_ch_0", "seg_tracked_ch_0", "fl_background_ch_1",
)  # fmt: skip


def run_literally(path: Path, folder: Path, n: int) -> dict[str, Cost]:
    """Run all steps on the first frames; return the time of each.

    The segmentation is done and paid for as printed. Its result is then replaced by that of
    pyama: the printed closing merges what is nearer than 42 px, and with other cells the
    later steps would not do the same work.
    """
    costs = Costs(folder)
    images = literal.open_store(folder / "images.zarr")
    cells = literal.open_store(folder / "cells.zarr")
    with costs.of("copying"), open_reader(path) as reader:
        movie = [reader.read(0, t, [0, 1]) for t in range(n)]
        for name, channel in ((PC, 0), (FL, 1)):
            literal.write_stack(images, name, (frame[channel] for frame in movie), n)
    phase, light = images[f"{PC}/0"], images[f"{FL}/0"]
    with costs.of("segmentation"):
        stack = (literal.segment(phase[t]) for t in range(n))
        labels = literal.write_stack(images, LABELS, stack, n)
    params = LogStdParams()
    for t in range(n):
        found = limit_sizes(segment(phase[t], params), 50, 10_000)[0]
        labels[t] = found
    with costs.of("tracking"):
        stack = literal.track(labels[t] for t in range(n))
        tracked = literal.write_stack(images, TRACKED, stack, n)
    with costs.of("background"):
        stack = (literal.background(light[t], labels[t]) for t in range(n))
        behind = literal.write_stack(images, BEHIND, stack, n)
    with costs.of("cropping"):
        masks = [tracked[t] for t in range(n)]
        boxes = literal.find_boxes(masks)
        for name, array in ((PC, phase), (FL, light), (BEHIND, behind)):
            group = cells.create_group(name)
            literal.write_crops(group, [array[t] for t in range(n)], boxes)
        literal.write_crops(cells.create_group(TRACKED), masks, boxes, mask=True)
    with costs.of("extraction"):
        rows = literal.trace_rows(cells, (TRACKED, FL, BEHIND), boxes)
        pd.DataFrame(list(rows)).to_csv(folder / "traces.csv")
    with costs.of("caching"):
        for name in (PC, FL, LABELS, TRACKED, BEHIND):
            made = literal.preview(images[f"{name}/0"][:], name in (LABELS, TRACKED))
            literal.write_preview(images, name, made)
        for name in (PC, FL, TRACKED, BEHIND):
            for cell in boxes:
                stack = np.asarray(cells[f"{name}/{cell}/0"][:])
                literal.write_preview(
                    cells, f"{name}/{cell}", literal.preview(stack, name == TRACKED)
                )
    return costs.steps
