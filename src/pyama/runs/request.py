"""From what was typed to a recording, its configuration and its fields of view."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from pyama import layout
from pyama.config import (
    WITHOUT_EFFECT,
    ProcessingConfig,
    ProcessingParams,
    load_config,
    parse_config,
)
from pyama.documents import load_yaml
from pyama.errors import ConfigError
from pyama.metadata import MicroscopyMetadata
from pyama.processing.record import Record, read_record
from pyama.processing.workflow.preconditions import check
from pyama.readers import open_reader
from pyama.runs.channels import find_channel, proposed, question
from pyama.runs.command_line import quoted
from pyama.runs.fov_ranges import parse_fovs


@dataclass(frozen=True)
class Request:
    """What was typed after `pyama run` or `pyama plan`; see the help of the options."""

    file: Path
    output: Path
    pc: str | None = None
    fl: Sequence[str] = ()
    pc_features: str | None = None
    fl_features: str | None = None
    fovs: str | None = None
    workers: int | None = None
    batch_size: int | None = None
    config: Path | None = None
    settings: Sequence[str] = ()
    copy_only: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class Prepared:
    """A request that fits its recording.

    Attributes:
        metadata: Of the recording.
        config: Everything decided.
        fovs: 0-based indices.
        notes: What was decided for the user, in sentences.
    """

    metadata: MicroscopyMetadata
    config: ProcessingConfig
    fovs: list[int]
    notes: list[str]


def prepare(request: Request) -> Prepared:
    """Check a request against its recording; nothing is written.

    Raises:
        ConfigError: Something that was typed or is in the configuration file is wrong.
        ReaderError: The recording cannot be read.
    """
    if request.output.exists() and not request.output.is_dir():
        raise ConfigError(f"--output {request.output} is a file. Name a folder.")
    entries = _entries(request)
    config = parse_config("The command line", entries)
    record = None if request.overwrite else read_record(request.output)
    metadata = _metadata(request, config, record)
    channels, notes = _channels(request, config, metadata)
    config = parse_config("The command line", {**entries, "channels": channels})
    every = range(metadata.n_fovs)
    fovs = list(every) if request.fovs is None else parse_fovs(request.fovs, len(every))
    check(metadata, config, fovs)
    if metadata.n_z > 1:
        notes.append(
            f"Of {metadata.n_z} z planes, z = {config.params.z} is used (--set z=...)."
        )
    if record is not None and request.config is None:
        notes += _other_settings(record.config, config, entries["params"], request.output)
    return Prepared(metadata, config, fovs, notes)


def apply_settings(entries: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Return the entries of a configuration with `NAME=VALUE` applied to its parameters.

    Raises:
        ConfigError: Names everything that is wrong: form, name and value of each.
    """
    params = dict(entries.get("params") or {})
    problems = []
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip().removeprefix("params.")
        own, dot, key = name.removeprefix("plugins.").partition(".")
        if not equals:
            problems.append(f"  {setting}: write NAME=VALUE, such as min_frames=10")
        elif not (dot and own and key) and name not in ProcessingParams.model_fields:
            problems.append(f"  {name}: no such parameter{_close_to(name)}")
        else:
            try:
                value = yaml.safe_load(text)
                params |= _under(params, own, key, value) if dot else {name: value}
            except yaml.YAMLError:
                problems.append(f"  {setting}: {text!r} is not a YAML value")
    changed = {**entries, "params": params}
    try:
        parse_config("--set", changed)
    except ConfigError as error:
        problems += str(error).splitlines()[1:]
    if problems:
        raise ConfigError("--set is wrong:\n" + "\n".join(problems))
    return changed


def _under(params: dict[str, Any], own: str, key: str, value: object) -> dict[str, Any]:
    """The section of parameters that methods and features have of their own, with one set."""
    plugins = dict(params.get("plugins") or {})
    return {"plugins": {**plugins, own: {**(plugins.get(own) or {}), key: value}}}


def _close_to(name: str) -> str:
    close = get_close_matches(name, ProcessingParams.model_fields, n=3, cutoff=0.5)
    meant = f"; did you mean {' or '.join(close)}?" if close else ""
    return f"{meant} (`pyama config init` lists all)"


def _entries(request: Request) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    if request.config is not None:
        load_config(request.config)
        loaded = load_yaml(request.config)
        entries = dict(loaded) if isinstance(loaded, dict) else {}
    entries = apply_settings(entries, request.settings)
    dedicated = {
        "n_workers": request.workers,
        "batch_size": request.batch_size,
        "copy_only": request.copy_only or None,
    }
    entries["params"] |= {
        name: value for name, value in dedicated.items() if value is not None
    }
    return entries


def _metadata(
    request: Request, config: ProcessingConfig, record: Record | None
) -> MicroscopyMetadata:
    if record is not None and not request.file.exists():
        return record.metadata
    with open_reader(request.file, config.params.z) as reader:
        metadata = reader.metadata
    if record is None:
        return metadata
    if record.metadata.identity != metadata.identity:
        raise ConfigError(
            f"{request.output} belongs to another recording ({record.metadata.path}). Choose "
            "another folder, or add --overwrite to remove its results."
        )
    return metadata.replace(basename=record.metadata.basename)


def _channels(
    request: Request, config: ProcessingConfig, metadata: MicroscopyMetadata
) -> tuple[dict[str, Any], list[str]]:
    names = metadata.channel_names
    chosen = config.channels.model_dump()
    notes = []
    if request.pc is not None or request.fl:
        pc = None if request.pc is None else find_channel(request.pc, names, "--pc")
        chosen = _chosen(pc, [find_channel(text, names, "--fl") for text in request.fl])
    elif not config.channels.ids:
        guess = proposed(names)
        if guess is None:
            command = f"pyama run {quoted(request.file)} --output {quoted(request.output)}"
            raise ConfigError(question(names, command))
        chosen = _chosen(*guess)
        notes.append("Channels were chosen by their names; --pc and --fl choose others.")
    if chosen["pc"] is None:
        notes.append(
            "Without a phase contrast channel (--pc) no cells are found and no traces written."
        )
        if chosen["fl"] and not request.copy_only:
            notes.append("Background is estimated with no cells masked out.")
    return _with_features(chosen, request.pc_features, request.fl_features), notes


def _chosen(pc: int | None, fl: Sequence[int]) -> dict[str, Any]:
    return {
        "pc": None if pc is None else {"channel": pc},
        "fl": [{"channel": channel} for channel in fl],
    }


def _with_features(
    channels: dict[str, Any], phase: str | None, fluorescence: str | None
) -> dict[str, Any]:
    if phase is not None:
        if channels["pc"] is None:
            raise ConfigError("--pc-features needs a phase contrast channel: add --pc.")
        channels["pc"] = {**channels["pc"], "features": _listed(phase)}
    if fluorescence is not None:
        if not channels["fl"]:
            raise ConfigError("--fl-features needs a fluorescence channel: add --fl.")
        features = _listed(fluorescence)
        channels["fl"] = [{**entry, "features": features} for entry in channels["fl"]]
    return channels


def _listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _other_settings(
    old: ProcessingConfig, new: ProcessingConfig, typed: Container[str], output: Path
) -> list[str]:
    """Say which parameters of an earlier run are not used, unless the user typed others."""
    before, after = old.params.model_dump(), new.params.model_dump()
    differs = [
        f"{name} = {before[name]}"
        for name in before
        if name not in typed and name not in WITHOUT_EFFECT and before[name] != after[name]
    ]
    if not differs:
        return []
    return [
        f"The last run in this folder had other settings ({', '.join(differs)}). Now the "
        f"defaults are used; to keep those: --config {quoted(output / layout.CONFIG_FILE)}"
    ]
