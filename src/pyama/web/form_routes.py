"""The form of a run: what it offers, and what is taken from it."""

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter

from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.algorithms.flat_field_params import ESTIMATE, FlatFieldParams
from pyama.config import ProcessingConfig, config_schema, parse_config
from pyama.errors import ConfigError
from pyama.processing.methods import NAMED_PREPROCESSORS, SEGMENTERS, TRACKERS

router = APIRouter(tags=["recordings"])
HARMLESS = {"integer", "number", "boolean", "null"}
"""Types of values that cannot name a file."""


@router.get("/api/schema")
def schema() -> dict[str, Any]:
    """JSON schema of a configuration: names, units, bounds, defaults, meaning.

    `choices` lists what is registered under a name. Parameters that methods and features have
    of their own are there as far as the form takes them: a text could name a file outside the
    root, and only `pyama run` reads such files.
    """
    found = config_schema()
    _without_images(found["$defs"]["ProcessingParams"]["properties"])
    section = _own_section(found)
    section["properties"] = {
        name: entry | {"properties": offered}
        for name, entry in section["properties"].items()
        if (offered := _offered(entry, found))
    }
    segmenters = [name for name in SEGMENTERS if not _needs_a_text(name)]
    return found | {
        "choices": {
            "segmentation_method": segmenters,
            "tracking_method": [name for name in TRACKERS if not _needs_a_text(name)],
            "preprocessors": [*NAMED_PREPROCESSORS],
            "phase": [*PHASE_FEATURES],
            "fluorescence": [*FLUORESCENCE_FEATURES],
        }
    }


def form_config(channels: dict[str, Any], params: dict[str, Any]) -> ProcessingConfig:
    """Check what was filled into the form.

    Raises:
        ConfigError: Something is wrong, or could read files outside the root.
    """
    config = parse_config("The form", {"channels": channels, "params": params})
    refused = sorted(_refused(params.get("plugins") or {}))
    refused += [name for name in FlatFieldParams.model_fields if _names_files(name, config)]
    if refused:
        raise ConfigError(
            f"{', '.join(refused)}: the form takes numbers and choices only, since a text may "
            "name a file outside the root. Use `pyama run`."
        )
    return config


def _without_images(properties: dict[str, Any]) -> None:
    """Leave of flat field and dark frame what names no file; `absent` is said for null."""
    properties["flat_field"] |= {
        "anyOf": [{"enum": [ESTIMATE]}, {"type": "null"}],
        "description": "How bright the light is in every pixel; traces are divided by it.",
        "absent": "none",
    }
    dark = properties["dark_frame"]
    dark |= {
        "anyOf": [part for part in dark["anyOf"] if part.get("type") in HARMLESS],
        "description": "What the camera counts without light.",
        "absent": "unknown",
    }


def _names_files(name: str, config: ProcessingConfig) -> bool:
    alone = FlatFieldParams.model_validate({name: getattr(config.params, name)})
    return bool(alone.named_files())


def _refused(given: dict[str, dict[str, Any]]) -> Iterable[str]:
    found = config_schema()
    known = _own_section(found)["properties"]
    for name, values in given.items():
        offered = _offered(known.get(name, {}), found)
        yield from (f"{name}.{key}" for key in values if key not in offered)


def _own_section(found: dict[str, Any]) -> dict[str, Any]:
    section: dict[str, Any] = found["$defs"]["ProcessingParams"]["properties"]["plugins"]
    return section


def _offered(entry: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of a method or feature that cannot name a file."""
    properties: dict[str, Any] = entry.get("properties", {})
    return {key: told for key, told in properties.items() if _is_harmless(told, found)}


def _is_harmless(told: dict[str, Any], found: dict[str, Any]) -> bool:
    if "$ref" in told:
        told = found["$defs"].get(told["$ref"].rpartition("/")[2], {})
    if "enum" in told or "const" in told:
        return True
    if "anyOf" in told:
        return all(_is_harmless(part, found) for part in told["anyOf"])
    return told.get("type") in HARMLESS


def _needs_a_text(name: str) -> bool:
    found = config_schema()
    entry = _own_section(found)["properties"].get(name, {})
    return not set(entry.get("required", ())) <= set(_offered(entry, found))
