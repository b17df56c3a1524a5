"""Channels and parameters of one run, as they are written in YAML."""

import os
import reprlib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeAlias

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from pyama.algorithms.flat_field_params import ChannelId, FlatFieldParams
from pyama.algorithms.params import (
    BackgroundParams,
    CopyParams,
    ExtractionParams,
    Params,
    PluginParams,
    RegistrationParams,
    TimeParams,
    TrackingParams,
    WatershedParams,
)
from pyama.documents import load_yaml
from pyama.errors import ConfigError
from pyama.registry import parameter_models

_PURE = {"unit": "1"}
METADATA_KEY = "metadata"
"""Section of `processing_config.yaml` that describes the recording; not a setting."""
WITHOUT_EFFECT = ("n_workers", "batch_size", "plugin_timeout")
"""Parameters that no result depends on: they are for one computer."""
ONLY_IF_WRITTEN = ("frame_interval", *WITHOUT_EFFECT)
"""Parameters whose default must bind no later run: it would override the time stamps of the
file, or carry the number of cores of one machine to another."""


def _refuse_duplicates(kind: str, values: Iterable[object]) -> None:
    values = list(values)
    twice = sorted({str(value) for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"{kind} {', '.join(twice)} is listed twice")


class Channel(Params):
    """One channel and what is measured in it."""

    channel: ChannelId
    """0-based index of the channel in the file."""
    features: tuple[str, ...] | None = None
    """Names of features; left out, the defaults of `params.features`; empty, none."""

    if TYPE_CHECKING:

        def __init__(self, *, channel: int, features: Iterable[str] | None = None) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: object) -> object:
        if isinstance(value, int) and not isinstance(value, bool):
            return {"channel": value}
        if isinstance(value, list | tuple) and len(value) == 2:
            return {"channel": value[0], "features": value[1]}
        return value

    @field_validator("features")
    @classmethod
    def _once_each(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        _refuse_duplicates("feature", value or ())
        return value


AnyChannel: TypeAlias = Channel | int | tuple[int, Iterable[str]] | list[Any]
"""A channel in full or in one of its short forms: `1`, `[1, ["intensity_total"]]`."""


class Channels(Params):
    """Which channels are processed: `Channels(pc=0, fl=[1, 2])`."""

    pc: Channel | None = None
    """Phase contrast: what cells are found in."""
    fl: tuple[Channel, ...] = ()
    """Fluorescence: what is measured."""

    if TYPE_CHECKING:  # the fields have no types for the short forms of a channel

        def __init__(
            self, *, pc: AnyChannel | None = None, fl: Iterable[AnyChannel] = ()
        ) -> None: ...

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        _refuse_duplicates("channel", self.ids)
        return self

    @property
    def ids(self) -> tuple[int, ...]:
        """All channel ids, phase contrast first."""
        phase = () if self.pc is None else (self.pc.channel,)
        return phase + tuple(entry.channel for entry in self.fl)


class DefaultFeatures(Params):
    """Features of channels that name none of their own."""

    phase: tuple[str, ...] = ("area", "aspect_ratio")
    """Features of the phase contrast channel."""
    fluorescence: tuple[str, ...] = ("intensity_total", "intensity_mean")
    """Features of every fluorescence channel."""

    @field_validator("*")
    @classmethod
    def _once_each(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        _refuse_duplicates("feature", value)
        return value


def default_workers() -> int:
    """Return how many workers run when nobody says: one per core, at most 8."""
    return min(8, os.cpu_count() or 1)


class ProcessingParams(
    CopyParams,
    RegistrationParams,
    WatershedParams,
    TrackingParams,
    BackgroundParams,
    FlatFieldParams,
    ExtractionParams,
    TimeParams,
    PluginParams,
):
    """All parameters, flat: what each algorithm takes is one of the base classes."""

    copy_only: bool = False
    """Stop after copying."""
    segmentation_method: str = "logstd"
    """How cells are found in a frame; `pyama plugins list` names all methods."""
    tracking_method: str = "iou"
    """How cells are followed through time; `pyama plugins list` names all methods."""
    preprocessors: tuple[str, ...] = ()
    """Names in `NAMED_PREPROCESSORS`: what a frame goes through before segmentation, in this
    order."""
    features: DefaultFeatures = DefaultFeatures()
    """What is measured in channels that name no features of their own."""
    n_workers: Annotated[int, Field(ge=1, le=1024, json_schema_extra=_PURE)] = Field(
        default_factory=default_workers
    )
    """Fields of view processed at the same time."""
    batch_size: Annotated[int, Field(ge=1, json_schema_extra=_PURE)] = 2
    """Fields of view copied before they are processed; at least one per worker."""
    plugin_timeout: (
        Annotated[float, Field(gt=0, allow_inf_nan=False, json_schema_extra={"unit": "s"})]
        | None
    ) = 600.0
    """How long a plugin may take for one frame or cell, a tracking method from frame to frame.
    Then its step fails. Null waits for ever."""
    seed: Annotated[int, Field(ge=0, json_schema_extra=_PURE)] = 0
    """Start of every random draw; each cell draws its own numbers."""


class ProcessingConfig(Params):
    """Channels and parameters of one run."""

    channels: Channels = Channels()
    """Which channels are processed, and what is measured in them."""
    params: ProcessingParams = Field(default_factory=ProcessingParams)
    """How."""

    def phase_features(self) -> tuple[str, ...]:
        """Return the features of the phase contrast channel; none without one."""
        pc = self.channels.pc
        if pc is None:
            return ()
        return self.params.features.phase if pc.features is None else pc.features

    def fluorescence_features(self) -> dict[int, tuple[str, ...]]:
        """Return the features of every fluorescence channel by its id."""
        default = self.params.features.fluorescence
        return {
            entry.channel: default if entry.features is None else entry.features
            for entry in self.channels.fl
        }


def parse_config(source: str, entries: object) -> ProcessingConfig:
    """Check the entries of a configuration, naming every wrong one at once.

    Args:
        source: Where they come from, for messages.
        entries: Nested dictionaries as a YAML file gives them; None is an empty file.

    Raises:
        ConfigError: A name is unknown or a value is out of bounds.
    """
    if entries is None:
        entries = {}
    if not isinstance(entries, dict):
        raise ConfigError(
            f"{source} holds a {type(entries).__name__}; expected the sections "
            "'channels' and 'params'. `pyama config init` writes an example."
        )
    # A section in which every line is commented out is None.
    entries = {k: v for k, v in entries.items() if k != METADATA_KEY and v is not None}
    try:
        return ProcessingConfig.model_validate(entries)
    except ValidationError as error:
        raise ConfigError(_message(source, error)) from error


def load_config(path: Path | str) -> ProcessingConfig:
    """Read a configuration; see `parse_config`.

    Raises:
        ConfigError: The file cannot be read, is not YAML, or has wrong entries.
    """
    return parse_config(str(path), load_yaml(Path(path)))


def dump_config(config: ProcessingConfig) -> dict[str, Any]:
    """Return the configuration as plain values that `parse_config` reads back equal.

    What is named in `ONLY_IF_WRITTEN` appears only if it was.
    """
    entries = config.model_dump(mode="json")
    for name in ONLY_IF_WRITTEN:
        if name not in config.params.model_fields_set:
            del entries["params"][name]
    return entries


def config_schema() -> dict[str, Any]:
    """Return the JSON schema of a configuration: names, units, bounds, defaults, meaning.

    Plugins that were loaded before are part of it.
    """
    schema = ProcessingConfig.model_json_schema()
    flat = schema["$defs"]["ProcessingParams"]["properties"]
    flat["plugins"]["properties"] = found = {}
    for name, model in sorted(parameter_models().items()):
        entries = model.model_json_schema()
        schema["$defs"] |= entries.pop("$defs", {})
        own = entries["properties"].keys() - flat.keys()
        entries["properties"] = {k: v for k, v in entries["properties"].items() if k in own}
        found[name] = entries
    return schema


NAMES = (
    *ProcessingConfig.model_fields,
    *Channels.model_fields,
    *Channel.model_fields,
    *ProcessingParams.model_fields,
)


SHORT = reprlib.Repr()
"""Spells a value in a line, since YAML may refer to one list many times."""
SHORT.maxlevel = 2


def _message(source: str, error: ValidationError) -> str:
    wrong = [f"  {_wrong(entry)}" for entry in error.errors(include_url=False)]
    plural = "entry" if len(wrong) == 1 else "entries"
    return f"{source} has {len(wrong)} wrong {plural}:\n" + "\n".join(wrong)


def _wrong(entry: ErrorDetails) -> str:
    *_, last = ("", *entry["loc"])
    name = ".".join(map(str, entry["loc"])) or "configuration"
    found, told = entry["input"], entry["msg"].removeprefix("Value error, ")
    if entry["type"] == "extra_forbidden":
        near = get_close_matches(str(last), NAMES, n=1)
        told = f"unknown name; did you mean {near[0]}?" if near else "unknown name"
    # A group of entries that do not fit together is named by the message itself.
    shown = "" if isinstance(found, dict | BaseModel) else f" = {SHORT.repr(found)}"
    return f"{name}{shown}: {told}"
