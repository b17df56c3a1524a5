"""A proposal for a recording: how cells are found, and how wide they are."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.segmenters import unet
from pyama.algorithms.segmenters.width_certainty import NOT_SURE, certainty_of, doubts_of
from pyama.algorithms.segmenters.width_estimate import (
    WidthEstimate,
    busiest_square,
    estimate_width,
)
from pyama.errors import ConfigError
from pyama.file_cache import cached_while_unchanged
from pyama.metadata import MicroscopyMetadata
from pyama.pictures.size_panels import SizePanel, draw_size_panels
from pyama.processing.external.onnx_network import SHIPPED, load_network
from pyama.readers import Reader, open_reader
from pyama.runs.channels import (
    channel_kind,
    example_options,
    find_channel,
    propose_channels,
    question,
)
from pyama.runs.command_line import typed
from pyama.runs.run_notes import quoted
from pyama.sentences import count_text
from pyama.store import NotRecorded

METHOD = "unet"
"""The method that is proposed. It is also the one that the width is found with."""
IMAGES = 3
"""Number of images that are looked at."""
LEAST_PX, MOST_PX = 8, 2000
"""Bounds of `unet.diameter`."""
USUAL_PX = (20, 40, 80, 160)
"""Widths that are shown if none is proposed."""
CELLS_ACROSS, LEAST_SIDE = 8, 96
"""Side of the part of an image that is shown, in widths of a cell, and at least in px."""


@dataclass(frozen=True, eq=False)
class Suggestion:
    """A proposal for a recording.

    Attributes:
        file: The recording.
        channel: Index and name of the channel in which cells were sought.
        images: (fov, frame) of the images that were looked at.
        certainty: `sure`, `fairly sure` or `not sure`.
        reasons: Why, in sentences.
        estimate: What was found; None without a width that fits.
        pixel_size_um: Of the file; None if unknown.
        options: Options of `pyama run` that choose channels, if it would choose others, and
            load plugins.
        picture: Outlines for several widths, RGB; None without an image.
    """

    file: Path
    channel: tuple[int, str]
    images: tuple[tuple[int, int], ...]
    certainty: str
    reasons: tuple[str, ...]
    estimate: WidthEstimate | None
    pixel_size_um: float | None
    options: tuple[str, ...] = ()
    picture: NDArray[np.uint8] | None = field(default=None, repr=False)

    @property
    def cell_diameter(self) -> int | None:
        """The width that is proposed, in whole px with two digits; None if not sure."""
        if self.estimate is None or self.certainty == NOT_SURE:
            return None
        return _proposed(self.estimate.width)

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters that are proposed; empty if not sure."""
        width = self.cell_diameter
        if width is None:
            return {}
        return {"segmentation_method": METHOD, "cell_diameter": width}

    @property
    def command(self) -> str:
        """A run with these settings; empty if not sure."""
        if not self.settings:
            return ""
        words = ["pyama", "run", str(self.file), "--output", f"{_stem(self.file)}_results"]
        words += self.options
        words += ["--set", f"segmentation_method={METHOD}"]
        words += ["--set", f"cell_diameter={self.cell_diameter}"]
        return typed(words)


def suggest(file: Path, pc: str | None = None, plugins: Sequence[Path] = ()) -> Suggestion:
    """Propose method and width of cells for a recording; nothing is written.

    Args:
        file: The recording.
        pc: Phase contrast channel as it is typed; None chooses it by the names.
        plugins: Folders of plugins that were loaded, for the command.

    Raises:
        ConfigError: There is no such channel, or the names do not tell which one it is.
        ReaderError: The recording cannot be read.
    """
    with open_reader(file) as reader:
        names = reader.metadata.channel_names
    words = [word for folder in plugins for word in ("--plugins", str(folder.resolve()))]
    proposal = propose_channels(names)
    if pc is not None:
        channel = find_channel(pc, names, "--pc")
    elif proposal is not None:
        channel = proposal[0]
    else:
        options = example_options(names).split(" --fl")[0]
        raise ConfigError(
            f"{question(names)}\nChoose it, for instance\n"
            f"  pyama suggest {quoted(file)} {options}"
        )
    found = suggest_for_channel(file, channel)
    return replace(found, options=(*found.options, *words))


@cached_while_unchanged(4)
def suggest_for_channel(file: Path, channel: int) -> Suggestion:
    """Propose method and width of cells, with the channel by its index.

    Raises:
        ConfigError: There is no such channel.
        ReaderError: The recording cannot be read.
    """
    with open_reader(file) as reader:
        metadata = reader.metadata
        if channel >= metadata.n_channels:
            raise ConfigError(f"The recording has no channel {channel}.")
        images = images_to_read(metadata, channel)
        frames = [_read(reader, *image, channel) for image in images]
    network = load_network(SHIPPED).run
    estimate = estimate_width(frames, network)
    name = metadata.channel_names[channel]
    certainty, reasons = judged(estimate, name)
    return Suggestion(
        file=file,
        channel=(channel, name),
        images=tuple(images),
        certainty=certainty,
        reasons=tuple(reasons),
        estimate=estimate,
        pixel_size_um=metadata.pixel_size_um,
        options=_options(channel, metadata.channel_names),
        picture=_picture(frames, estimate, network, certainty) if frames else None,
    )


def images_to_read(metadata: MicroscopyMetadata, channel: int) -> list[tuple[int, int]]:
    """Choose a few images as (fov, frame), spread over the recording, the middle one first."""
    chosen: list[tuple[int, int]] = []
    for share in (0.5, 0.0, 1.0)[:IMAGES]:
        fov = round(share * (metadata.n_fovs - 1))
        lost = metadata.missing_frames(fov, channel)
        frames = [t for t in range(metadata.n_frames) if t not in lost]
        if frames:
            chosen.append((fov, frames[round(share * (len(frames) - 1))]))
    return list(dict.fromkeys(chosen))


def _read(reader: Reader, fov: int, frame: int, channel: int) -> NDArray[np.uint16]:
    """Read an image; what was not recorded of it gets the median of the rest."""
    image: NDArray[np.uint16] = reader.read(fov, frame, [channel])[0]
    gaps = NotRecorded.known_to(reader.metadata, fov, channel).mask(frame, image.shape)
    if gaps is None or gaps.all():
        return image
    return np.where(gaps, np.median(image[~gaps]).astype(image.dtype), image)


def judged(estimate: WidthEstimate | None, channel: str) -> tuple[str, list[str]]:
    """Return how sure an estimate is, and why, in sentences."""
    if estimate is None:
        return NOT_SURE, [
            "No assumed width agrees with the objects that are found with it: there are no "
            "cells, too few, or they do not look like phase contrast."
        ]
    found = (
        f"{count_text(estimate.n_cells, 'whole cell')} found, mean probability "
        f"{estimate.probability:.2f}; with an assumed width 1.4 times as large or small, "
        f"their width changes by a factor of {estimate.spread:.2f}."
    )
    doubts = doubts_of(estimate)
    if channel_kind(channel) == "fl":
        doubts.append(
            f"The name of the channel, {channel}, says fluorescence. The network knows phase "
            "contrast only."
        )
    return (NOT_SURE if doubts else certainty_of(estimate)), [found, *doubts]


def _options(channel: int, names: Sequence[str]) -> tuple[str, ...]:
    proposal = propose_channels(names)
    if proposal is not None and proposal[0] == channel:
        return ()
    others = (str(i) for i in range(len(names)) if i != channel)
    return ("--pc", str(channel), *(word for i in others for word in ("--fl", i)))


def _stem(file: Path) -> str:
    return file.name.removesuffix(file.suffix).removesuffix(".ome")


def _proposed(width: float) -> int:
    return round(float(f"{min(max(width, LEAST_PX), MOST_PX):.2g}"))


def _picture(
    frames: Sequence[NDArray[np.uint16]],
    estimate: WidthEstimate | None,
    network: unet.Network,
    certainty: str,
) -> NDArray[np.uint8]:
    """Draw outlines for several widths on a part of the first image."""
    frame, shortest = frames[0], min(frames[0].shape)
    if estimate is None:
        widths = [width for width in USUAL_PX if width <= max(shortest / 2, USUAL_PX[0])]
        middle = 64
    else:
        middle = _proposed(estimate.width)
        near = (_proposed(factor * middle) for factor in (0.5, 1, 2))
        widths = list(dict.fromkeys(near))
    part = frame[busiest_square(frame, max(LEAST_SIDE, round(CELLS_ACROSS * middle)))]
    panels = []
    for width in widths:
        labels = unet.segment(part, unet.UnetParams(diameter=width), network)
        is_chosen = estimate is not None and width == middle and certainty != NOT_SURE
        title = f"{width:g} px: {count_text(int(labels.max()), 'cell')}"
        title += " (proposed)" if is_chosen else ""
        panels.append(SizePanel(title, width, labels, is_chosen))
    return draw_size_panels(part, panels)
