"""The two files that describe a run: `processing_config.yaml` and `run.json`."""

import logging
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from pyama import layout
from pyama.config import (
    METADATA_KEY,
    ProcessingConfig,
    dump_config,
    parse_config,
)
from pyama.errors import ConfigError
from pyama.metadata import MicroscopyMetadata, dump_metadata, frame_times, parse_metadata
from pyama.processing.step_reports import FovStepReport, Status, StepReports
from pyama.processing.steps import STEPS
from pyama.store import fovs_in, lock_folder, read_run, seal, write_atomically
from pyama.symlinks import refuse_link_out
from pyama.version import __version__
from pyama.yaml_files import has_its_checksum, load_yaml, parse_yaml, with_checksum

logger = logging.getLogger(__name__)

FINISHED, UNFINISHED = "finished", "unfinished"
WORSE = (FINISHED, UNFINISHED, Status.CANCELLED.value, Status.FAILED.value)
"""What `status` in `run.json` may be, from good to bad."""
LIBRARIES = (
    "numpy",
    "scipy",
    "numba",
    "scikit-image",
    "nd2",
    "pylibCZIrw",
    "tifffile",
)


@dataclass(frozen=True)
class Record:
    """Recording and configuration of an earlier run.

    Attributes:
        metadata: Of the recording that the folder belongs to.
        config: Of the earlier run.
    """

    metadata: MicroscopyMetadata
    config: ProcessingConfig

    def match_metadata(
        self, metadata: MicroscopyMetadata, output_dir: Path
    ) -> MicroscopyMetadata:
        """Return metadata of the same recording with the base name that the folder has.

        Raises:
            ConfigError: The output folder belongs to another recording.
        """
        if self.metadata.identity != metadata.identity:
            raise ConfigError(
                f"{output_dir} belongs to another recording ({self.metadata.path}). Choose "
                "another folder, or remove its results with `pyama run --overwrite` "
                "(in Python, overwrite=True)."
            )
        return metadata.replace(basename=self.metadata.basename)


def read_record(output_dir: Path) -> Record | None:
    """Return recording and configuration of an earlier run; None in a new folder.

    If `processing_config.yaml` is missing or was changed, its copy in `run.json` is used.

    Raises:
        ConfigError: `processing_config.yaml` is damaged, and there is no copy.
        StoreError: Its section `metadata` is damaged, and there is no copy.
    """
    path = output_dir / layout.CONFIG_FILE
    if not is_intact(path):
        run = read_run(output_dir)
        if run is not None and isinstance(run.get("record"), str):
            logger.warning("%s is missing or was changed: it is written again", path)
            return _record(path, parse_yaml(run["record"], layout.RUN_FILE))
    return _record(path, load_yaml(path)) if path.exists() else None


def is_intact(path: Path) -> bool:
    """Whether `processing_config.yaml` exists and is bit for bit as a run wrote it."""
    refuse_link_out(path)
    return path.is_file() and has_its_checksum(path.read_bytes())


def _record(path: Path, entries: object) -> Record:
    if not isinstance(entries, dict) or METADATA_KEY not in entries:
        raise ConfigError(
            f"{path} does not describe a recording: it has no section 'metadata', so it was "
            "not written by a run. Choose another output folder, or move the file away."
        )
    return Record(parse_metadata(entries[METADATA_KEY]), parse_config(str(path), entries))


def write_record(
    output_dir: Path, metadata: MicroscopyMetadata, config: ProcessingConfig
) -> None:
    """Write `processing_config.yaml`, which is also a valid `--config`."""
    content = with_checksum(_text(metadata, config))
    with lock_folder(output_dir):
        write_atomically(output_dir / layout.CONFIG_FILE, content)


def _text(metadata: MicroscopyMetadata, config: ProcessingConfig) -> str:
    time_source = frame_times(metadata, config.params, 0)[1]
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(dump_config(config), Dumper=dumper, sort_keys=False, allow_unicode=True)
    described = yaml.dump(
        {METADATA_KEY: _escaped(dump_metadata(metadata))},
        Dumper=dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=1000,
    )
    return (
        f"# Channels and parameters of the run.\n{text}\n"
        f"# The recording, frames: {metadata.selection}. Time of every frame: {time_source}.\n"
        f"{described}"
    )


def _escaped(entry: Any) -> Any:
    """Escape bytes of file names that are not text, which YAML cannot hold."""
    if isinstance(entry, dict):
        return {key: _escaped(value) for key, value in entry.items()}
    if isinstance(entry, list):
        return [_escaped(value) for value in entry]
    return (
        entry.encode(errors="backslashreplace").decode() if isinstance(entry, str) else entry
    )


def write_run(
    output_dir: Path,
    metadata: MicroscopyMetadata,
    config: ProcessingConfig,
    report: StepReports,
    *,
    started: datetime,
    status: str,
) -> None:
    """Write `run.json`; entries of earlier runs for other fields of view stay.

    Args:
        output_dir: The output folder.
        metadata: Of the recording.
        config: Of the run.
        report: What the run did.
        started: When it began.
        status: How it ended; `run.json` holds the worst one of all fields of view, also of
            those that another run has begun and that are not finished.
    """
    with lock_folder(output_dir):
        fovs = _earlier_fovs(output_dir, metadata.identity)
        for entry in report:
            known = fovs.setdefault(str(entry.fov), {})
            for name in known.keys() - _steps_of(config):
                del known[name]  # left by an earlier run, such as a registration
        for entry in report:
            fovs[str(entry.fov)][entry.step] = _step(entry)
        entries = {
            "status": _worst([status, *_statuses(fovs, fovs_in(output_dir), config)]),
            "started": started.isoformat(timespec="seconds"),
            "seconds": round((datetime.now(UTC) - started).total_seconds(), 3),
            "versions": versions(),
            "input": {
                "path": str(metadata.path),
                "identity": metadata.identity,
                "frames": metadata.selection,
                "problems": metadata.problems,
            },
            "time": frame_times(metadata, config.params, 0)[1],
            "config": dump_config(config),
            "fovs": dict(sorted(fovs.items(), key=lambda entry: int(entry[0]))),
            "record": _text(metadata, config),
        }
        write_atomically(output_dir / layout.RUN_FILE, seal(entries))


def _steps_of(config: ProcessingConfig) -> set[str]:
    """Return the steps that a run reports; those on request only if they are requested."""
    return {
        step.name for step in STEPS if not step.is_on_request or step.skipped(config) is None
    }


def _statuses(
    fovs: Mapping[str, Mapping[str, Any]], begun: Iterable[int], config: ProcessingConfig
) -> Iterator[str]:
    """Yield the status of every field of view: of those with entries, and with a folder."""
    for fov in fovs.keys() | set(map(str, begun)):
        yield _status(fovs.get(fov, {}), config)


def _status(steps: Mapping[str, Any], config: ProcessingConfig) -> str:
    """Return the status of a field of view: nothing depends on its previews."""
    needed = {step.name for step in STEPS[:-1] if step.skipped(config) is None}
    found = {entry.get("status") for name, entry in steps.items() if name != STEPS[-1].name}
    for status in (Status.FAILED, Status.CANCELLED):
        if status.value in found:
            return status.value
    return FINISHED if needed <= steps.keys() else UNFINISHED


def _worst(statuses: Iterable[str]) -> str:
    return max(statuses, key=WORSE.index)


def _step(entry: FovStepReport) -> dict[str, Any]:
    return {
        "status": entry.status.value,
        "message": entry.message,
        "frame": entry.frame,
        "seconds": round(entry.seconds, 3),
        "outputs": entry.notes,
    }


def versions() -> dict[str, str]:
    """Return the versions that results may depend on."""
    libraries = {"pyama": __version__, **{name: version(name) for name in LIBRARIES}}
    return {**libraries, "python": sys.version.split()[0], "platform": platform.platform()}


def _earlier_fovs(output_dir: Path, identity: str) -> dict[str, dict[str, Any]]:
    entries = read_run(output_dir) or {}
    try:
        if entries["input"]["identity"] == identity:
            return {str(int(fov)): dict(steps) for fov, steps in entries["fovs"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        pass  # not written by pyama: it is replaced
    return {}
