"""One field of view as its steps see it: facts, recipes, outputs and finished stacks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.config import ProcessingConfig
from pyama.metadata import MicroscopyMetadata, pixel_size, time_problems
from pyama.processing.runner import Part
from pyama.readers import Reader
from pyama.store import (
    SHIFTS_MARK,
    FovStore,
    NotRecorded,
    Output,
    Recipe,
    Scale,
    Stack,
    StackOutput,
)
from pyama.traces.shifts_table import load_shifts

TITLES = {
    "seg_labeled": "labels of {}",
    "seg_tracked": "cells of {}",
    "fl_background": "{} background",
    "fl_flat": "{} flat field",
    "fl_dark": "{} dark frame",
}
"""Names of groups for people, by their kind; others have the name of their channel."""


def full_output(group: str) -> str:
    """Name of the output that holds level 0 of a group."""
    return f"{group}/{layout.FULL}"


def preview_output(group: str) -> str:
    """Name of the output that holds level 1 of a group."""
    return f"{group}/{layout.PREVIEW}"


def image_groups(config: ProcessingConfig) -> list[str]:
    """Return the groups of the raw channels, phase contrast first."""
    pc = config.channels.pc
    phase = [] if pc is None else [layout.phase(pc.channel)]
    return phase + [layout.fluorescence(entry.channel) for entry in config.channels.fl]


def computed_groups(config: ProcessingConfig) -> list[str]:
    """Return the groups that are computed: labels and backgrounds."""
    pc = config.channels.pc
    labels = [] if pc is None else [layout.labeled(pc.channel), layout.tracked(pc.channel)]
    return labels + [layout.background(entry.channel) for entry in config.channels.fl]


def crop_groups(config: ProcessingConfig) -> list[str]:
    """Return the groups of `cells.zarr`: raw channels, mask, backgrounds."""
    pc = config.channels.pc
    if pc is None:
        return []
    backgrounds = [layout.background(entry.channel) for entry in config.channels.fl]
    return [*image_groups(config), layout.tracked(pc.channel), *backgrounds]


@dataclass(frozen=True)
class FovFacts:
    """One field of view before anything is written: all that its recipes depend on.

    Attributes:
        fov: 0-based index.
        metadata: Of the recording.
        config: Of the run.
        corrected: Checksums of the frames whose labels a person has corrected.
    """

    fov: int
    metadata: MicroscopyMetadata
    config: ProcessingConfig
    corrected: Mapping[int, str] = field(default_factory=dict, kw_only=True)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(T, H, W) of every stack."""
        return (self.metadata.n_frames, *self.metadata.shapes[self.fov])

    @property
    def selection(self) -> dict[str, str]:
        """Selected frames of the recording, for recipes; they leave out that all are."""
        is_all = self.metadata.selected_frames is None
        return {} if is_all else {"frames": self.metadata.selection}

    @property
    def scale(self) -> Scale:
        """Size of a pixel, and of a frame according to the file."""
        stamps = self.metadata.times_min
        seconds = None
        if (
            stamps is not None
            and len(stamps[self.fov]) > 1
            and not time_problems(self.metadata)
        ):
            intervals = [after - before for before, after in pairwise(stamps[self.fov])]
            seconds = median(intervals) * 60
        return Scale(seconds, self.pixel_size_um)

    @property
    def pixel_size_um(self) -> float | None:
        """Side of a pixel in micrometres; None if unknown."""
        return pixel_size(self.metadata, self.config.params)

    @property
    def pc(self) -> int:
        """The phase contrast channel; steps that need one are skipped without it."""
        assert self.config.channels.pc is not None  # noqa: S101 (see `Step.skipped`)
        return self.config.channels.pc.channel

    def title(self, group: str) -> str:
        """Return the name of a group for people."""
        kind, channel = layout.parse_group(group) or ("", 0)
        return TITLES.get(kind, "{}").format(self.metadata.channel_names[channel])


@dataclass(frozen=True)
class FovContext(FovFacts):
    """One field of view in an output folder: all that its steps work with.

    Attributes:
        output_dir: The output folder.
        recipes: The recipe of every output, by name.
        reader: Opens the recording; called only where something has to be copied.
        scratch: A folder of the computer in which outputs are made first; None is none.
    """

    output_dir: Path
    recipes: Mapping[str, Recipe]
    reader: Callable[[], Reader]
    scratch: Path | None = None

    @cached_property
    def store(self) -> FovStore:
        """The field of view on disk."""
        return FovStore(self.output_dir, self.fov)

    def part(self, output: Output) -> Part:
        """Return an output with its recipe."""
        return Part(output, self.recipes[output.name], scratch=self.scratch)

    def stack_part(self, group: str, dtype: str) -> Part:
        """Return level 0 of a group with its recipe."""
        frames, height, width = self.shape
        output = StackOutput(
            self.store.path,
            group,
            (1 if layout.is_light(group) else frames, height, width),
            dtype,
            title=self.title(group),
            scale=self.scale,
        )
        return self.part(output)

    def stack(self, group: str) -> Stack:
        """Open the finished level 0 of a group.

        Raises:
            NotReadyError: It is missing, unfinished, or made with other settings.
        """
        return self.store.stack(group, digest=self.recipes[full_output(group)].digest)

    def not_recorded(self, channel: int) -> NotRecorded:
        """Return the planes and pixels of a copied channel that were not recorded."""
        pc = self.config.channels.pc
        group = layout.raw(channel, None if pc is None else pc.channel)
        return self.store.not_recorded(group, self.metadata)

    def drift(self) -> NDArray[np.float64] | None:
        """Read how far the image has moved down and to the right in every frame.

        Returns:
            The drift in px, shape (T, 2); None without registration.

        Raises:
            NotReadyError: It is missing, unfinished, or made with other settings.
        """
        if SHIFTS_MARK not in self.recipes:
            return None
        return load_shifts(self.store.shifts(digest=self.recipes[SHIFTS_MARK].digest))
