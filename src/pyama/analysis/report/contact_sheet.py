"""Contact sheet: what was taken for a cell, drawn on the images."""

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.analysis.colours import evenly
from pyama.analysis.report.report_data import Material
from pyama.errors import StoreError
from pyama.store import FovStore
from pyama.traces.trace_recording import run_times

MOST_FOVS = 24
"""Fields of view on the sheet; of more, some evenly spread."""
WIDTH = 440
"""Largest side of an image in px."""
KEPT, LEFT_OUT = (0, 208, 255), (255, 140, 0)
"""RGB of the outlines of cells with and without a trace."""

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """One frame of one field of view.

    Attributes:
        caption: Field of view and time.
        data: JPEG as a data URL: the channels side by side.
    """

    caption: str
    data: str


def pictures(material: Material) -> Iterator[Picture]:
    """Draw the sheet: up to three frames of a few fields of view, one of many."""
    fovs = sorted(material.files)
    frames = 3 if len(fovs) <= 4 else 1
    for k in evenly(len(fovs), MOST_FOVS):
        fov = fovs[k]
        kept = material.traces.loc[material.traces["fov"] == fov, "cell"].unique()
        for t in _moments(material, fov, frames):
            try:
                image = _picture(material, FovStore(material.output_dir, fov), t, kept)
            except StoreError:
                continue  # not copied, or not segmented yet
            hours = run_times(material.output_dir, fov)[t] / 60
            yield Picture(f"FOV {fov}, frame {t}, {hours:.1f} h", jpeg(image))


def _moments(material: Material, fov: int, n: int) -> list[int]:
    pc = material.config.channels.pc
    missing = material.metadata.missing_frames(fov, 0 if pc is None else pc.channel)
    recorded = [t for t in range(material.metadata.n_frames) if t not in missing]
    picked = evenly(len(recorded), n) if n > 1 else [len(recorded) // 2]
    return [recorded[k] for k in picked] if recorded else []


def _picture(material: Material, store: FovStore, t: int, kept: NDArray[Any]) -> Image:
    pc = material.config.channels.pc
    fl = material.config.channels.fl[:1]
    groups = [] if pc is None else [layout.phase(pc.channel)]
    groups += [layout.fluorescence(entry.channel) for entry in fl]
    labels = None if pc is None else store.stack(layout.tracked(pc.channel))[t]
    images = [_grey(store, group, t) for group in groups]
    step = max(1, -(-max(images[0].shape) // WIDTH))
    drawn = [outlined(_shrunk(image, step), labels, kept) for image in images]
    return np.concatenate(drawn, axis=1)


def _grey(store: FovStore, group: str, t: int) -> Image:
    """The preview of a frame; the frame itself, stretched, where there is no preview."""
    try:
        return store.stack(group, layout.PREVIEW)[t]
    except StoreError:
        frame = store.stack(group)[t].astype(np.float32)
    low, high = np.percentile(frame, (1, 99))
    return (255 * np.clip((frame - low) / max(high - low, 1), 0, 1)).astype(np.uint8)


def _shrunk(image: Image, step: int) -> Image:
    """Mean of every `step` x `step` px; what is left over at the end of an axis goes."""
    h, w = (n // step * step for n in image.shape)
    blocks = image[:h, :w].reshape(h // step, step, w // step, step)
    return blocks.mean(axis=(1, 3)).astype(np.uint8)


def outlined(image: Image, labels: NDArray[Any] | None, kept: NDArray[Any]) -> Image:
    """Draw the outlines of labels on an image.

    Args:
        image: Grey, shape (h, w).
        labels: Of the same field of view in any size, 0 is background; None draws nothing.
        kept: Labels that have a trace.

    Returns:
        RGB, shape (h, w, 3).
    """
    rgb = np.repeat(image[..., np.newaxis], 3, axis=2)
    if labels is None:
        return rgb
    rows, columns = (
        np.arange(n) * whole // n for n, whole in zip(image.shape, labels.shape, strict=True)
    )
    small = labels[np.ix_(rows, columns)]
    edge = np.zeros(small.shape, bool)
    edge[1:] |= small[1:] != small[:-1]
    edge[:-1] |= small[1:] != small[:-1]
    edge[:, 1:] |= small[:, 1:] != small[:, :-1]
    edge[:, :-1] |= small[:, 1:] != small[:, :-1]
    edge &= small > 0
    has_trace = np.isin(small, kept)
    rgb[edge & has_trace] = KEPT
    rgb[edge & ~has_trace] = LEFT_OUT
    return rgb


def jpeg(image: Image) -> str:
    """Return an RGB image as a data URL."""
    from PIL import Image as Pillow

    buffer = io.BytesIO()
    Pillow.fromarray(image).save(buffer, "JPEG", quality=82, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
