"""A commented configuration file, written from the JSON schema."""

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from pyama.algorithms.copy_params import CopyParams
from pyama.algorithms.diameter_params import DERIVABLE, DiameterParams
from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.algorithms.flat_field_params import FlatFieldParams
from pyama.algorithms.params import (
    BackgroundParams,
    ExtractionParams,
    RegistrationParams,
    TimeParams,
    TrackingParams,
    WatershedParams,
)
from pyama.algorithms.scale_params import ScaleParams
from pyama.config import ONLY_IF_WRITTEN, config_schema
from pyama.processing.methods import SEGMENTERS, TRACKERS

SECTIONS: dict[str, tuple[str, ...]] = {
    "Reading": tuple(CopyParams.model_fields),
    "Segmentation": ("preprocessors", "segmentation_method", *WatershedParams.model_fields),
    "Tracking": (
        "tracking_method",
        *RegistrationParams.model_fields,
        *TrackingParams.model_fields,
    ),
    "Background": tuple(BackgroundParams.model_fields),
    "Uneven light": tuple(FlatFieldParams.model_fields),
    "Traces": ("features", *ExtractionParams.model_fields),
    "Time": tuple(TimeParams.model_fields),
    "Scale": (*ScaleParams.model_fields, *DiameterParams.model_fields),
}
METHODS = {"segmentation_method": SEGMENTERS, "tracking_method": TRACKERS}
PLUGINS = "plugins"
"""Section of the parameters that belong to a single method, feature or preprocessor."""
LIMIT_OF_INTEGERS = 2**31 - 1
"""A bound this high is not shown: no user reaches it."""
SWITCHED_OFF = {"time_mapping", *ONLY_IF_WRITTEN, *DERIVABLE}
"""Written as comments: a file that names them has an effect even with their default."""
NAMED_TYPES = {
    "null": "null",
    "boolean": "true or false",
}
HEAD = """\
# Configuration of pyama, with every parameter at its default.
#   pyama config check FILE                          looks for mistakes
#   pyama run RECORDING --output DIR --config FILE   uses it
# --set NAME=VALUE and the other options of `pyama run` override this file.
# Parameters that are left out have their default.

# Channels are 0-based indices of the file; `pyama info RECORDING` lists them. Left out, they
# are chosen by their names. Without `features`, those of `params.features` are measured.
# channels:
#   pc: {channel: 0, features: [area, aspect_ratio]}
#   fl:
#     - {channel: 1, features: [intensity_total, intensity_mean]}
"""


def example() -> str:
    """Return a configuration in YAML that reads back as the defaults."""
    features = {"phase contrast": PHASE_FEATURES, "fluorescence": FLUORESCENCE_FEATURES}
    listed = [
        _wrapped(f"Features of {kind}: {', '.join(names)}.", "# ")
        for kind, names in features.items()
    ]
    return "\n".join([HEAD.rstrip(), *listed, "", "params:", *_params()]) + "\n"


def _params() -> Iterator[str]:
    schema = config_schema()
    entries = schema["$defs"]["ProcessingParams"]["properties"]
    in_sections = {PLUGINS, *(name for names in SECTIONS.values() for name in names)}
    rest = tuple(name for name in entries if name not in in_sections)
    for title, names in {**SECTIONS, "Run": rest}.items():
        yield from ("", f"  # --- {title} ---")
        for name in names:
            yield from _parameter(name, entries[name], schema)
    yield from _plugin_parameters(entries[PLUGINS], schema)


def _plugin_parameters(section: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the section as a comment, since some of its parameters have no default."""
    yield from ("", "  # --- Methods, features and preprocessors with own parameters ---")
    yield _wrapped(" ".join(section["description"].split()), "  # ")
    yield "  # plugins:"
    for name, model in section["properties"].items():
        yield f"  #   {name}:"
        for key, entry in model["properties"].items():
            meaning = " ".join(entry.get("description", "").split())
            default = json.dumps(entry["default"]) if "default" in entry else "to be filled in"
            yield _wrapped(f"{meaning} ({_bounds(entry)}default {default})", "  #     # ")
            yield f"  #     {key}: {json.dumps(entry.get('default'))}"


def _parameter(
    name: str, entry: Mapping[str, Any], schema: Mapping[str, Any]
) -> Iterator[str]:
    meaning = entry.get("description") or _referred(entry, schema).get("description", "")
    if name in METHODS:
        meaning = f"One of {', '.join(METHODS[name])}."
    yield _wrapped(" ".join(meaning.split()), "  # ")
    default = entry.get("default")
    if isinstance(default, dict) and default:
        yield f"  {name}:"
        yield from (f"    {key}: [{', '.join(value)}]" for key, value in default.items())
        return
    workers = name == "n_workers"
    shown = "one per core, at most 8" if workers else json.dumps(default)
    yield _wrapped(f"({_bounds(entry)}default {shown})", "  # ")
    off = "# " if name in SWITCHED_OFF else ""
    yield f"  {off}{name}: {2 if workers else json.dumps(default)}"


def _referred(entry: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    name = entry.get("$ref", "").rpartition("/")[2]
    definition: Mapping[str, Any] = schema["$defs"].get(name, {})
    return definition


def _bounds(entry: Mapping[str, Any]) -> str:
    """Return unit and bounds in words, ending in a comma, or nothing."""
    kinds = [_kind(option) for option in entry.get("anyOf", [entry])]
    text = " or ".join(kind for kind in kinds if kind)
    return f"{text}, " if text else ""


def _kind(entry: Mapping[str, Any]) -> str:
    if "enum" in entry:
        return " or ".join(entry["enum"])
    if entry.get("type") == "object":
        return f"such as {entry['example']}" if "example" in entry else ""
    if entry.get("type") in NAMED_TYPES:
        return NAMED_TYPES[entry["type"]]
    unit = entry.get("unit", "")
    return ", ".join(text for text in ("" if unit == "1" else unit, _range(entry)) if text)


def _range(entry: Mapping[str, Any]) -> str:
    low, high = entry.get("minimum"), entry.get("maximum", LIMIT_OF_INTEGERS)
    if low is not None:
        return f"{low} to {high}" if high < LIMIT_OF_INTEGERS else f"{low} or more"
    return f"more than {entry['exclusiveMinimum']}" if "exclusiveMinimum" in entry else ""


def _wrapped(text: str, prefix: str) -> str:
    return textwrap.fill(text, 95, initial_indent=prefix, subsequent_indent=prefix)
