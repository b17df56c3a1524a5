"""Contact sheet: outlines of the segmented cells on images of some fields of view."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pyama import layout
from pyama.analysis.figures.colours import evenly_spaced
from pyama.analysis.report.report_data import ReportData
from pyama.errors import StoreError
from pyama.pictures.contrast import Contrast, contrast_of_data_set
from pyama.pictures.encoding import jpeg_url
from pyama.pictures.grey_frames import grey_frame
from pyama.pictures.overlays import draw_outlines, reduce_image
from pyama.store import FovStore
from pyama.traces.trace_recording import run_times

MAX_FOVS = 24
"""Largest number of fields of view on the sheet; of more, some are taken, evenly spaced."""
LONGEST_SIDE = 440
"""Largest side of an image in px."""

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """One frame of one field of view.

    Attributes:
        caption: Field of view and time.
        url: JPEG as a data URL: the channels side by side.
    """

    caption: str
    url: str


def pictures(report: ReportData) -> Iterator[Picture]:
    """Draw the sheet: three frames of each of up to four fields of view, one of more."""
    fovs = sorted(report.files)
    frames = 3 if len(fovs) <= 4 else 1
    contrasts = _contrasts(report)
    for k in evenly_spaced(len(fovs), MAX_FOVS):
        fov = fovs[k]
        kept = _labels(report.traces[report.traces["fov"] == fov])
        for t in _moments(report, fov, frames):
            try:
                image = _picture(report, FovStore(report.output_dir, fov), t, kept, contrasts)
            except StoreError:
                continue  # not copied, or not segmented yet
            hours = run_times(report.output_dir, fov)[t] / 60
            yield Picture(f"FOV {fov}, frame {t}, {hours:.1f} h", jpeg_url(image))


def _labels(traces: pd.DataFrame) -> NDArray[Any]:
    """Return the numbers in the labels of the cells of some traces."""
    cells = traces["cell"]
    return (traces["source_cell"].fillna(cells) if "source_cell" in traces else cells).unique()


def _moments(report: ReportData, fov: int, n: int) -> list[int]:
    channels = report.config.channels.ids
    recorded = report.recorded_frames(fov, channels[0]) if channels else []
    picked = evenly_spaced(len(recorded), n) if n > 1 else [len(recorded) // 2]
    return [recorded[k] for k in picked] if recorded else []


def _contrasts(report: ReportData) -> dict[str, Contrast]:
    """Return the groups that are shown side by side, and the contrast of each in all FOVs."""
    pc = report.config.channels.pc
    groups = [] if pc is None else [layout.phase(pc.channel)]
    groups += [layout.fluorescence(entry.channel) for entry in report.config.channels.fl[:1]]
    fovs = sorted(report.files)
    found = {name: contrast_of_data_set(report.output_dir, name, fovs) for name in groups}
    return {name: contrast or Contrast(0, 0) for name, contrast in found.items()}


def _picture(
    report: ReportData,
    store: FovStore,
    t: int,
    kept: NDArray[Any],
    contrasts: Mapping[str, Contrast],
) -> Image:
    pc = report.config.channels.pc
    labels = None if pc is None else store.stack(layout.tracked(pc.channel))[t]
    images = [
        reduce_image(grey_frame(store, group, t, contrast), LONGEST_SIDE)
        for group, contrast in contrasts.items()
    ]
    return np.concatenate([draw_outlines(image, labels, kept) for image in images], axis=1)
