"""One field of view as its steps see it: its facts, recipes, outputs and finished stacks."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.config import ProcessingConfig
from pyama.metadata import MicroscopyMetadata, time_problems
from pyama.processing.light_sources import Sources, sources
from pyama.processing.recipes import full, recipes
from pyama.processing.runner import NotApplicable, Part
from pyama.readers import Reader
from pyama.store import SHIFTS_MARK, FovStore, Output, Recipe, Scale, Stack, StackOutput
from pyama.traces.shifts_table import load_shifts

TITLES = {
    "seg_labeled": "labels of {}",
    "seg_tracked": "cells of {}",
    "fl_background": "{} background",
    "fl_flat": "{} flat field",
    "fl_dark": "{} dark frame",
}
"""Names of groups for people, by their kind; others have the name of their channel."""


@dataclass(frozen=True)
class Work:
    """One field of view, and all that its steps need to know.

    Attributes:
        fov: 0-based index.
        metadata: Of the recording.
        config: Of the run.
        output_dir: The output folder.
        reader: Opens the recording; called only where something has to be copied.
    """

    fov: int
    metadata: MicroscopyMetadata
    config: ProcessingConfig
    output_dir: Path
    reader: Callable[[], Reader]

    @cached_property
    def store(self) -> FovStore:
        """The field of view on disk."""
        return FovStore(self.output_dir, self.fov)

    @cached_property
    def recipes(self) -> dict[str, Recipe]:
        """The recipe of every output, by name."""
        return recipes(self.metadata, self.config, self.fov)

    @cached_property
    def light_sources(self) -> dict[int, Sources]:
        """Where flat field and dark frame come from, for channels that are corrected."""
        return sources(self.config, self.fov, self.metadata.shapes[self.fov])

    @property
    def shape(self) -> tuple[int, int, int]:
        """(T, H, W) of every stack."""
        return (self.metadata.n_frames, *self.metadata.shapes[self.fov])

    @property
    def scale(self) -> Scale:
        """Size of a pixel and a frame, as the file says."""
        stamps = self.metadata.times_min
        seconds = None
        if (
            stamps is not None
            and len(stamps[self.fov]) > 1
            and not time_problems(self.metadata)
        ):
            steps = [after - before for before, after in pairwise(stamps[self.fov])]
            seconds = median(steps) * 60
        return Scale(seconds, self.metadata.pixel_size_um)

    def phase_channel(self) -> int:
        """Return the phase contrast channel.

        Raises:
            NotApplicable: There is none.
        """
        if self.config.channels.pc is None:
            raise NotApplicable("no phase contrast channel is configured")
        return self.config.channels.pc.channel

    def missing(self, channel: int) -> frozenset[int]:
        """Return the frames in which a channel was never written."""
        return self.metadata.missing_frames(self.fov, channel)

    def missing_in(self, group: str) -> frozenset[int]:
        """Return the frames in which the channel of a group was never written."""
        _, channel = layout.parse_group(group) or ("", 0)
        return self.missing(channel)

    def title(self, group: str) -> str:
        """Return the name of a group for people."""
        kind, channel = layout.parse_group(group) or ("", 0)
        return TITLES.get(kind, "{}").format(self.metadata.channel_names[channel])

    def part(self, output: Output) -> Part:
        """Return an output with its recipe."""
        return Part(output, self.recipes[output.name])

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
        return self.store.stack(group, digest=self.recipes[full(group)].digest)

    def drift(self) -> NDArray[np.float64] | None:
        """Read how far down and to the right everything lies in every frame, in px, (T, 2).

        Returns:
            None where nobody asked for it.

        Raises:
            NotReadyError: It is missing, unfinished, or made with other settings.
        """
        if SHIFTS_MARK not in self.recipes:
            return None
        return load_shifts(self.store.shifts(digest=self.recipes[SHIFTS_MARK].digest))
