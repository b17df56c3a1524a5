"""The configuration of a run, its channels and parameters, as written in YAML."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, ValidationError, field_validator, model_validator

from pyama import older_pyama
from pyama.algorithms.copy_params import CopyParams
from pyama.algorithms.diameter_params import DiameterParams
from pyama.algorithms.flat_field_params import ChannelId, FlatFieldParams
from pyama.algorithms.params import (
    BackgroundParams,
    ExtractionParams,
    Params,
    PluginParams,
    RegistrationParams,
    TimeParams,
    TrackingParams,
    WatershedParams,
)
from pyama.algorithms.scale_params import ScaleParams
from pyama.derived_section import with_derived_section, without_derived
from pyama.errors import ConfigError
from pyama.registry import parameter_models
from pyama.wrong_entries import PlainErrors, wrong_entries
from pyama.yaml_files import load_yaml

_PURE = {"unit": "1"}
METADATA_KEY = "metadata"
"""Section of `processing_config.yaml` that describes the recording; it has no settings."""
WITHOUT_EFFECT = ("n_workers", "batch_size", "plugin_timeout", "cells")
"""Parameters that do not affect results: they depend on the computer and its disk."""
ONLY_IF_WRITTEN = ("frame_interval", *WITHOUT_EFFECT)
"""Parameters that are written only if they were set: their default would override the time
stamps of the file, or transfer the number of cores from one computer to another."""


def _refuse_duplicates(kind: str, values: Iterable[object]) -> None:
    values = list(values)
    twice = sorted({str(value) for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"{kind} {', '.join(twice)} is listed twice")


class Channel(PlainErrors):
    """One channel and the features that are measured in it."""

    channel: ChannelId
    """0-based index of the channel in the file."""
    features: tuple[str, ...] | None = None
    """Names of features; if omitted, those of `params.features`; if empty, none."""

    if TYPE_CHECKING:

        def __init__(self, *, channel: int, features: Iterable[str] | None = None) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: object) -> object:
        if isinstance(value, int) and not isinstance(value, bool):
            return {"channel": value}
        if isinstance(value, list | tuple) and len(value) == 2:
            return {"channel": value[0], "features": value[1]}
        if isinstance(value, str):  # pydantic takes a ValueError only
            text = "expected the index of a channel, from 0; pyama info lists them"
            raise ValueError(text)  # noqa: TRY004
        return value

    @field_validator("features")
    @classmethod
    def _once_each(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        _refuse_duplicates("feature", value or ())
        return value


AnyChannel: TypeAlias = Channel | int | tuple[int, Iterable[str]] | list[Any]
"""A channel in full or in one of its short forms: `1`, `[1, ["intensity_total"]]`."""


class Channels(PlainErrors):
    """The channels to process: `Channels(pc=0, fl=[1, 2])`."""

    pc: Channel | None = None
    """Phase contrast, in which cells are found."""
    fl: tuple[Channel, ...] = ()
    """Fluorescence, which is measured."""

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
    """Features of channels without features of their own."""

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
    """Return the default number of workers: one per core, at most 8."""
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
    ScaleParams,
    DiameterParams,
    PluginParams,
    PlainErrors,
):
    """All parameters in one class; each algorithm takes one of the base classes."""

    copy_only: bool = False
    """Stop after copying."""
    segmentation_method: str = "logstd"
    """How cells are found in a frame; `pyama plugins list` shows all methods."""
    tracking_method: str = "iou"
    """How cells are followed through time; `pyama plugins list` shows all methods."""
    preprocessors: tuple[str, ...] = ()
    """Names of preprocessors from plugins, applied to each frame in this order before the
    segmentation."""
    features: DefaultFeatures = DefaultFeatures()
    """What is measured in channels without features of their own."""
    n_workers: Annotated[int, Field(ge=1, le=1024, json_schema_extra=_PURE)] = Field(
        default_factory=default_workers
    )
    """Fields of view processed at the same time."""
    batch_size: Annotated[int, Field(ge=1, json_schema_extra=_PURE)] = 2
    """Largest number of copied fields of view that wait for a worker; a single worker copies
    each when it needs it."""
    plugin_timeout: (
        Annotated[float, Field(gt=0, allow_inf_nan=False, json_schema_extra={"unit": "s"})]
        | None
    ) = 600.0
    """Time that a plugin may take for one frame or cell, or a tracking method from frame to
    frame. After it the step fails. Null sets no limit."""
    cells: Literal["folder", "zip"] = "folder"
    """How new cells are kept: `folder` has eight files and folders per cell and channel; `zip`
    is one uncompressed archive per field of view, `cells.zarr.zip`, for file systems that
    limit their number. Finished cells stay as they are: `pyama pack` and `pyama unpack`
    convert them."""
    seed: Annotated[int, Field(ge=0, json_schema_extra=_PURE)] = 0
    """Seed of all random numbers; each cell has its own sequence."""


class ProcessingConfig(PlainErrors):
    """Channels and parameters of one run."""

    channels: Channels = Channels()
    """The channels to process, and what is measured in them."""
    params: ProcessingParams = Field(default_factory=ProcessingParams)
    """Parameters of all steps."""
    derived: dict[str, Any] = Field(default_factory=dict)
    """Values in `params` that follow from `cell_diameter`; runs derive and write them."""

    _fill_in = model_validator(mode="before")(with_derived_section)

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
    """Check the entries of a configuration, and report all wrong ones together.

    Args:
        source: Name of the file, for messages.
        entries: Nested dictionaries as in a YAML file; None is an empty file.

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
    # A section is None if all of its lines are comments.
    entries = {k: v for k, v in entries.items() if k != METADATA_KEY and v is not None}
    try:
        return ProcessingConfig.model_validate(entries)
    except ValidationError as error:
        raise ConfigError(wrong_entries(source, error, NAMES)) from error


def load_config(path: Path | str) -> ProcessingConfig:
    """Read a configuration; see `parse_config`.

    Raises:
        ConfigError: The file cannot be read, is not YAML, or has wrong entries.

    Examples:
        >>> pyama.load_config("results/processing_config.yaml").params.min_frames
        2
    """
    return parse_config(str(path), read_entries(path))


def read_entries(path: Path | str) -> object:
    """Read the entries of a configuration; see `load_config`.

    Those of the older PyAMA are returned in the present form.
    """
    return older_pyama.configuration(str(path), load_yaml(Path(path)))


def dump_config(config: ProcessingConfig) -> dict[str, Any]:
    """Return the configuration as plain values that `parse_config` reads back unchanged.

    The parameters in `ONLY_IF_WRITTEN` are included only if they were set.
    """
    entries = without_derived(config.model_dump(mode="json"))
    for name in ONLY_IF_WRITTEN:
        if name not in config.params.model_fields_set:
            del entries["params"][name]
    return entries


def config_schema() -> dict[str, Any]:
    """Return the JSON schema of a configuration: names, units, bounds, defaults, meaning.

    It includes the parameters of plugins that are loaded.
    """
    schema = ProcessingConfig.model_json_schema()
    del schema["properties"]["derived"]  # runs write it
    flat = schema["$defs"]["ProcessingParams"]["properties"]
    flat["plugins"]["properties"] = plugins = {}
    for name, model in sorted(parameter_models().items()):
        entries = model.model_json_schema()
        schema["$defs"] |= entries.pop("$defs", {})
        entries["properties"] = {
            k: v for k, v in entries["properties"].items() if k not in flat
        }
        plugins[name] = entries
    return schema


NAMES = (
    *ProcessingConfig.model_fields,
    *Channels.model_fields,
    *Channel.model_fields,
    *ProcessingParams.model_fields,
)
