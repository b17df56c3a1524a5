"""Checks of a configuration against a recording, before any work begins."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from pyama.config import ProcessingConfig
from pyama.derived_sizes import with_derived
from pyama.errors import ConfigError
from pyama.metadata import MicroscopyMetadata, frame_times
from pyama.processing.methods import keeps_numbers, with_own_params
from pyama.readers import Z_IS_TIME, Reader
from pyama.readers.frame_selection import FrameSelection
from pyama.readers.planes import PlaneReader


def check_config(
    metadata: MicroscopyMetadata, config: ProcessingConfig, fovs: Sequence[int]
) -> None:
    """Refuse a configuration that does not fit a recording.

    Raises:
        ConfigError: Names everything that does not fit.
    """
    checks: list[Callable[[], object]] = [
        partial(_check_axes, metadata),
        partial(check_fovs, metadata, fovs),
        partial(_check_channels, metadata, config),
        partial(with_own_params, config),
        partial(keeps_numbers, config.params),
        partial(with_derived, config, metadata),
        partial(frame_times, metadata, config.params, 0),
    ]
    problems = []
    for check_one in checks:
        try:
            check_one()
        except ConfigError as error:
            problems.append(str(error))
    if problems:
        raise ConfigError("\n".join(problems))


def check_fovs(metadata: MicroscopyMetadata, fovs: Sequence[int]) -> None:
    """Refuse fields of view that the recording does not have.

    Raises:
        ConfigError: Names them.
    """
    absent = [fov for fov in fovs if not 0 <= fov < metadata.n_fovs]
    if absent:
        raise ConfigError(
            f"FOV {', '.join(map(str, absent))} does not exist: {metadata.basename} has "
            f"{metadata.n_fovs}, numbered 0 to {metadata.n_fovs - 1}."
        )


def _check_axes(metadata: MicroscopyMetadata) -> None:
    if metadata.question:
        raise ConfigError(metadata.question)


def _check_channels(metadata: MicroscopyMetadata, config: ProcessingConfig) -> None:
    absent = [channel for channel in config.channels.ids if channel >= metadata.n_channels]
    if absent:
        names = ", ".join(f"{i} ({name})" for i, name in enumerate(metadata.channel_names))
        raise ConfigError(
            f"Channel {', '.join(map(str, absent))} does not exist: "
            f"{metadata.basename} has {names}."
        )


def check_planes(reader: Reader, config: ProcessingConfig) -> None:
    """Refuse an open recording with other z planes than those of the configuration.

    Raises:
        ConfigError: It does.
        ReaderError: There is no such plane.
    """
    if isinstance(reader, FrameSelection):
        reader = reader.whole
    if not isinstance(reader, PlaneReader):
        return
    opening = config.params.opening
    if (reader.z == Z_IS_TIME) != config.params.z_is_time:
        raise ConfigError(
            f"The recording was opened with z = {reader.z!r}, but params.z_is_time is "
            f"{config.params.z_is_time}. For z_is_time, open it with z='time'."
        )
    given, wanted = (reader.planes_at(z) for z in (reader.z, opening["z"]))
    ids = [channel for channel in config.channels.ids if channel < len(given)]
    if any(given[channel] != wanted[channel] for channel in ids):
        raise ConfigError(
            f"The recording was opened with z = {reader.z}, but params.z is "
            f"{config.params.z}. Open it with open_reader(path, z) and the same z."
        )


def check_scratch(scratch: Path | str | None) -> Path | None:
    """Return the absolute path of a scratch folder; None if there is none.

    Raises:
        ConfigError: It does not exist, or nothing can be written there.
    """
    if scratch is None:
        return None
    path = Path(scratch).absolute()
    if not (path.is_dir() and os.access(path, os.W_OK)):
        raise ConfigError(
            f"The scratch folder {path} does not exist, or you may not write there. Name a "
            "folder that every computer of the run has, such as that in $TMPDIR of a job."
        )
    return path
