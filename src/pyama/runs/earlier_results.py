"""Earlier results of a recording, and the settings with which they were made."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyama import layout
from pyama.config import ONLY_IF_WRITTEN, ProcessingConfig, parse_config
from pyama.derived_section import without_values
from pyama.errors import PyamaError
from pyama.fov_ranges import fovs_text
from pyama.metadata import MicroscopyMetadata
from pyama.processing.record import read_record
from pyama.processing.workflow.inspected_results import trace_count
from pyama.registry import parameter_models
from pyama.runs.request import read_configuration
from pyama.sentences import count_text
from pyama.store import fovs_in, read_run
from pyama.symlinks import leads_out
from pyama.traces.trace_files import is_inspected


@dataclass(frozen=True)
class EarlierResult:
    """An output folder with results of a recording.

    Attributes:
        output_dir: The folder.
        time: When the last run in it began or, if that is not known, when it wrote its
            configuration.
        text: What is there, for people.
    """

    output_dir: Path
    time: datetime
    text: str


def earlier_results(
    folders: Iterable[Path], metadata: MicroscopyMetadata
) -> list[EarlierResult]:
    """Return which output folders hold results of a recording, the newest first.

    Args:
        folders: Output folders; those that cannot be read are left out.
        metadata: Of the recording.
    """
    found = [_described(folder) for folder in folders if _is_of(folder, metadata)]
    # Runs that begin in the same second are told apart by what they wrote last.
    return sorted(found, key=lambda result: (result.time, _changed(result.output_dir)))[::-1]


def _is_of(folder: Path, metadata: MicroscopyMetadata) -> bool:
    config = folder / layout.CONFIG_FILE
    try:
        if leads_out(config) or metadata.identity.encode() not in config.read_bytes():
            return False  # before the file is parsed, which takes a thousand times longer
        record = read_record(folder)
    except (PyamaError, OSError):
        return False
    return record is not None and record.metadata.identity == metadata.identity


def _described(folder: Path) -> EarlierResult:
    run = read_run(folder) or {}
    fovs = fovs_in(folder)
    traces = sum(trace_count(folder, fov) for fov in fovs)
    inspected = [fov for fov in fovs if is_inspected(folder, fov)]
    parts = [str(run.get("status", "unfinished"))]
    parts.append(f"FOV {fovs_text(fovs)}" if fovs else "no field of view")
    parts.append(count_text(traces, "trace"))
    if inspected:
        parts.append(f"FOV {fovs_text(inspected)} inspected")
    return EarlierResult(folder, _started(folder, run), ", ".join(parts))


def _started(folder: Path, run: dict[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(str(run["started"])).astimezone(UTC)
    except (KeyError, ValueError, OverflowError):
        return datetime.fromtimestamp(_changed(folder), UTC)


def _changed(folder: Path) -> float:
    return (folder / layout.CONFIG_FILE).stat().st_mtime


@dataclass(frozen=True)
class EarlierSettings:
    """The settings of the last run in an output folder.

    Attributes:
        channels: As in a configuration. Features that all fluorescence channels share are in
            `params`.
        params: As in a configuration; what has its default is left out.
        fovs: Fields of view that were processed, as text; empty if it was all of them.
    """

    channels: dict[str, Any]
    params: dict[str, Any]
    fovs: str


def earlier_settings(output_dir: Path, n_fovs: int) -> EarlierSettings:
    """Read the settings of an output folder as `pyama run --config` does.

    Args:
        output_dir: The output folder.
        n_fovs: Number of fields of view of the recording.

    Raises:
        ConfigError: The configuration is damaged.
    """
    path = output_dir / layout.CONFIG_FILE
    config = parse_config(str(path), read_configuration(path))
    fovs = fovs_in(output_dir)
    is_all = not fovs or fovs == list(range(n_fovs))
    return EarlierSettings(
        channels=_channels(config),
        params=changed_params(config),
        fovs="" if is_all else fovs_text(fovs),
    )


def changed_params(config: ProcessingConfig) -> dict[str, Any]:
    """Return the parameters that differ from their defaults, as in a configuration."""
    values = config.params.model_dump(mode="json")
    changed = config.params.model_dump(mode="json", exclude_defaults=True)
    changed = without_values(changed, config.derived)
    written = config.params.model_fields_set & set(ONLY_IF_WRITTEN)
    params = {
        name: values[name]
        for name in values
        if (name in changed and name not in ONLY_IF_WRITTEN) or name in written
    }
    params |= {"features": _features(config)} if _features(config) else {}
    plugins = {name: _own(name, own) for name, own in params.pop("plugins", {}).items()}
    plugins = {name: own for name, own in plugins.items() if own}
    return params | ({"plugins": plugins} if plugins else {})


def _own(name: str, values: dict[str, Any]) -> dict[str, Any]:
    model = parameter_models().get(name)
    fields = {} if model is None else model.model_fields
    return {
        key: value
        for key, value in values.items()
        if key not in fields or fields[key].get_default(call_default_factory=True) != value
    }


def _features(config: ProcessingConfig) -> dict[str, list[str]]:
    """Return the features of all channels where they differ from the defaults."""
    shared = config.params.features
    pc = config.channels.pc
    phase = shared.phase if pc is None or pc.features is None else pc.features
    common = _shared(config)
    fluorescence = shared.fluorescence if common is None else common
    found = type(shared)(phase=phase, fluorescence=fluorescence)
    return {} if found == type(shared)() else found.model_dump(mode="json")


def _shared(config: ProcessingConfig) -> tuple[str, ...] | None:
    """Return the features of the fluorescence channels if all have the same ones."""
    features = set(config.fluorescence_features().values())
    return features.pop() if len(features) == 1 else None


def _channels(config: ProcessingConfig) -> dict[str, Any]:
    entries = config.channels.model_dump(mode="json")
    is_shared = len(set(config.fluorescence_features().values())) < 2
    for entry in [entries["pc"], *entries["fl"]]:
        if entry is not None and (is_shared or entry is entries["pc"]):
            del entry["features"]
    return entries
