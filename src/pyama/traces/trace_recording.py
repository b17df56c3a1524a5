"""The recording that traces belong to: its description, and the time of every frame."""

import warnings
from pathlib import Path

from pyama import layout, older_pyama
from pyama.config import METADATA_KEY, ProcessingConfig, parse_config
from pyama.errors import ConfigError, StoreError
from pyama.file_cache import cached_while_unchanged
from pyama.fov_ranges import ALL_FRAMES
from pyama.metadata import MicroscopyMetadata, frame_times, parse_metadata
from pyama.store import ROOT_MARK, TRACES_MARK, FovStore
from pyama.yaml_files import has_its_checksum, load_yaml


def read_recording(output_dir: Path) -> tuple[MicroscopyMetadata, ProcessingConfig]:
    """Read the description of the recording and the configuration of the last run.

    Raises:
        StoreError: There is no `processing_config.yaml`, so this is not an output folder, or
            it does not describe a recording.
        ConfigError: It is damaged.
    """
    path = Path(output_dir) / layout.CONFIG_FILE
    if advice := older_pyama.what_to_do(Path(output_dir)):
        raise StoreError(advice)
    if not path.is_file():
        raise StoreError(
            f"{output_dir} is not an output folder of pyama: {layout.CONFIG_FILE} is missing. "
            "Give the folder that was the --output of a run."
        )
    return _parsed(path)


def _parsed(path: Path) -> tuple[MicroscopyMetadata, ProcessingConfig]:
    entries = load_yaml(path)
    if not isinstance(entries, dict) or METADATA_KEY not in entries:
        raise StoreError(f"{path} does not describe a recording: no section 'metadata'.")
    metadata = parse_metadata(entries[METADATA_KEY])
    config = parse_config(str(path), entries)
    n = len(metadata.channel_names)
    if absent := [str(i) for i in config.channels.ids if i >= n]:
        raise StoreError(
            f"{path} names channel {', '.join(absent)}, but describes a recording with {n} "
            "channels, numbered from 0. `pyama run` writes the file again."
        )
    return metadata, config


def run_times(output_dir: Path, fov: int) -> tuple[float, ...]:
    """Return the time of every frame of a field of view in minutes, as used by its run.

    Raises:
        StoreError: The folder has no `processing_config.yaml` that describes a recording,
            the recording has no such field of view, or the results of the field of view are
            of other frames than the last run selected.
    """
    path = Path(output_dir) / layout.CONFIG_FILE
    try:
        metadata, config = _recording(path)
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(
            f"{path} cannot be read: {error.strerror}. It holds the time of every frame."
        ) from error
    if not 0 <= fov < metadata.n_fovs:
        raise StoreError(
            f"{path} describes {metadata.n_fovs} fields of view, numbered from 0; there is no "
            f"FOV {fov}."
        )
    refuse_other_frames(FovStore(output_dir, fov), metadata)
    return frame_times(metadata, config.params, fov)[0]


def refuse_other_frames(store: FovStore, metadata: MicroscopyMetadata) -> None:
    """Raise an error if a field of view holds other frames than the last run selected.

    Args:
        store: The field of view.
        metadata: As the last run has recorded them.

    Raises:
        StoreError: It does.
    """
    for mark in filter(None, map(store.mark, (ROOT_MARK, TRACES_MARK))):
        made = mark.recipe.params.get("frames", ALL_FRAMES)
        if made != metadata.selection:
            raise StoreError(
                f"{store.path} holds results of frames = {made}, but the last run in its "
                f"folder selected frames = {metadata.selection}. Run all fields of view with "
                "the same frames, or choose another output folder for others."
            )


# Cached, since hundreds of tables share one such file.
@cached_while_unchanged(4)
def _recording(path: Path) -> tuple[MicroscopyMetadata, ProcessingConfig]:
    try:
        recording = _parsed(path)
    except ConfigError as error:
        raise StoreError(f"{error} It holds the time of every frame.") from error
    if not has_its_checksum(path.read_bytes()):
        warnings.warn(
            f"{path} was changed since a run wrote it; its times are used as they are. "
            "`pyama verify` shows whether other files were changed.",
            UserWarning,
            stacklevel=5,
        )
    return recording
