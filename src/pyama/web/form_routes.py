"""The form of a run: its fields, and the configuration that is read from it."""

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter

from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.algorithms.flat_field_params import ESTIMATE, FlatFieldParams
from pyama.config import ProcessingConfig, config_schema, parse_config
from pyama.errors import ConfigError
from pyama.processing.methods import NAMED_PREPROCESSORS, SEGMENTERS, TRACKERS
from pyama.runs.form_fields import conditions, groups, trial_names

router = APIRouter(tags=["recordings"])
HARMLESS = {"integer", "number", "boolean", "null"}
"""Types of values that cannot name a file."""
ABSENT = {
    "frame_interval": "that of the file",
    "cell_diameter": "not used",
    "flat_field": "none",
    "dark_frame": "unknown",
}
"""What the form shows for null, where it is not `automatic`."""


@router.get("/api/schema")
def schema() -> dict[str, Any]:
    """JSON schema of a configuration: names, units, bounds, defaults, meaning.

    `choices` lists the names that are registered. `form` says which parameters stand together
    (`groups`), for which methods they are shown (`conditions`), and on which of them a trial
    depends (`trial`). Of the parameters that belong to a method or
    feature, those are left out that take text: it could name a file outside the root, and only
    `pyama run` reads such files.
    """
    schema = config_schema()
    properties = schema["$defs"]["ProcessingParams"]["properties"]
    _without_images(properties)
    section = _plugin_section(schema)
    section["properties"] = {
        name: entry | {"properties": offered}
        for name, entry in section["properties"].items()
        if (offered := _offered(entry, schema))
    }
    # Without a number typed here, the time stamps of the file are used.
    properties["frame_interval"]["default"] = None
    for name, text in ABSENT.items():
        properties[name]["absent"] = text
    segmenters = [name for name in SEGMENTERS if not _needs_text(name)]
    return schema | {
        "choices": {
            "segmentation_method": segmenters,
            "tracking_method": [name for name in TRACKERS if not _needs_text(name)],
            "preprocessors": [*NAMED_PREPROCESSORS],
            "phase": [*PHASE_FEATURES],
            "fluorescence": [*FLUORESCENCE_FEATURES],
        },
        "form": {"groups": groups(), "conditions": conditions(), "trial": trial_names()},
    }


def form_config(channels: dict[str, Any], params: dict[str, Any]) -> ProcessingConfig:
    """Read the values of the form.

    Raises:
        ConfigError: Something is wrong, or could read files outside the root.
    """
    config = parse_config("The form", {"channels": channels, "params": params})
    refused = sorted(_refused(params.get("plugins") or {}))
    refused += [name for name in FlatFieldParams.model_fields if _names_files(name, config)]
    if refused:
        raise ConfigError(
            f"{', '.join(refused)}: the form takes numbers and choices only, since text may "
            "name a file outside the root. Use `pyama run`."
        )
    return config


def without_files(params: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return parameters without those that the form does not take, and a sentence on each."""
    config = parse_config("The settings", {"params": params})
    dropped = [name for name in FlatFieldParams.model_fields if _names_files(name, config)]
    plugins = params.get("plugins", {})
    refused = set(_refused(plugins))
    kept = {
        name: {k: v for k, v in values.items() if f"{name}.{k}" not in refused}
        for name, values in plugins.items()
    }
    taken = {name: value for name, value in params.items() if name not in dropped}
    if plugins:
        taken["plugins"] = {name: values for name, values in kept.items() if values}
    notes = [
        f"{name} is left out: it takes text, which may name a file. Use `pyama run --config`."
        for name in [*dropped, *sorted(refused)]
    ]
    return taken, notes


def _without_images(properties: dict[str, Any]) -> None:
    """Keep flat field and dark frame if they name no file."""
    properties["flat_field"] |= {
        "anyOf": [{"enum": [ESTIMATE]}, {"type": "null"}],
        "description": "How bright the light is in every pixel; traces are divided by it.",
    }
    dark = properties["dark_frame"]
    dark |= {
        "anyOf": [part for part in dark["anyOf"] if part.get("type") in HARMLESS],
        "description": "What the camera counts without light.",
    }


def _names_files(name: str, config: ProcessingConfig) -> bool:
    alone = FlatFieldParams.model_validate({name: getattr(config.params, name)})
    return bool(alone.named_files())


def _refused(given: dict[str, dict[str, Any]]) -> Iterable[str]:
    schema = config_schema()
    known = _plugin_section(schema)["properties"]
    for name, values in given.items():
        offered = _offered(known.get(name, {}), schema)
        yield from (f"{name}.{key}" for key in values if key not in offered)


def _plugin_section(schema: dict[str, Any]) -> dict[str, Any]:
    section: dict[str, Any] = schema["$defs"]["ProcessingParams"]["properties"]["plugins"]
    return section


def _offered(entry: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of a method or feature that cannot name a file."""
    properties: dict[str, Any] = entry.get("properties", {})
    return {key: value for key, value in properties.items() if _is_harmless(value, schema)}


def _is_harmless(entry: dict[str, Any], schema: dict[str, Any]) -> bool:
    if "$ref" in entry:
        entry = schema["$defs"].get(entry["$ref"].rpartition("/")[2], {})
    if "enum" in entry or "const" in entry:
        return True
    if "anyOf" in entry:
        return all(_is_harmless(part, schema) for part in entry["anyOf"])
    return entry.get("type") in HARMLESS


def _needs_text(name: str) -> bool:
    schema = config_schema()
    entry = _plugin_section(schema)["properties"].get(name, {})
    return not set(entry.get("required", ())) <= set(_offered(entry, schema))
