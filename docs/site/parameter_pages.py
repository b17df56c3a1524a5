"""The page of all parameters, from the schema of the configuration and recipes of steps."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pyama.cli.config_example import METHODS, PLUGINS, SECTIONS
from pyama.config import ProcessingConfig, ProcessingParams, config_schema
from pyama.errors import PyamaError
from pyama.metadata import MicroscopyMetadata
from pyama.processing.fov import FovFacts
from pyama.processing.methods import SEGMENTERS, TRACKERS
from pyama.processing.steps import STEPS
from pyama.processing.steps.step import RECORDING

HEAD = """# Parameters

Every parameter of a run: what it does, its unit and bounds, its default, and the steps that
read it. They are set by `--set NAME=VALUE`, in the section `params` of a file for `--config`,
or in the form of a run on the page. After a change, only steps that read the parameter run
again, and those that use their results. `pyama config init` writes the same list as a file.
[How each step works](../explanation/how_steps_work.md) shows small and large values of some.

"""
LARGEST = 2**31 - 1


def parameter_page() -> str:
    """Return the page."""
    schema = config_schema()
    entries = schema["$defs"]["ProcessingParams"]["properties"]
    shown = {PLUGINS, *(name for names in SECTIONS.values() for name in names)}
    rest = tuple(name for name in entries if name not in shown)
    readers = steps_by_parameter()
    parts = [HEAD]
    for title, names in {**SECTIONS, "Run": rest}.items():
        rows = [_row(name, entries[name], schema, readers.get(name, ())) for name in names]
        parts += [f"## {title}", "", *_table(rows), ""]
    parts += _own_parameters(entries[PLUGINS]["properties"])
    return "\n".join(parts) + "\n"


def steps_by_parameter() -> dict[str, tuple[str, ...]]:
    """Return the names of the steps whose recipes have a parameter, by parameter."""
    found: dict[str, dict[str, None]] = {}
    for facts in _facts():
        try:
            pairs = list(_read(facts))
        except PyamaError:  # of a method that needs a package or a file
            continue
        for step, name in pairs:
            found.setdefault(name, {})[step] = None
    found |= {f"{step}_method": {step: None} for step in ("segmentation", "tracking")}
    return {name: tuple(steps) for name, steps in found.items()}


def _read(facts: FovFacts) -> Iterator[tuple[str, str]]:
    """Yield step and parameter for all that the recipes of a field of view have."""
    digests = {RECORDING: RECORDING}
    for step in STEPS:
        for output, recipe in step.recipes_of(facts, digests):
            digests[output] = output
            yield from ((step.name, name) for name in (*recipe.defaults, *recipe.params))


def _facts() -> Iterator[FovFacts]:
    """Yield a field of view for every combination of built-in methods."""
    recording = MicroscopyMetadata(
        path=Path("recording.nd2"),
        format="nd2",
        basename="recording",
        identity="",
        n_frames=2,
        channel_names=("Phase", "GFP"),
        shapes=((64, 64),),
        dtype="uint16",
    )
    for segmenter, tracker in itertools.product(SEGMENTERS, TRACKERS):
        params = ProcessingParams(segmentation_method=segmenter, tracking_method=tracker)
        config = ProcessingConfig.model_validate(
            {"channels": {"pc": 0, "fl": [1]}, "params": params}
        )
        yield FovFacts(0, recording, config)


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    yield from (
        "| parameter | meaning | unit and values | default | steps |",
        "|---|---|---|---|---|",
    )
    yield from ("| " + " | ".join(row) + " |" for row in rows)


def _row(
    name: str, entry: Mapping[str, Any], schema: Mapping[str, Any], steps: tuple[str, ...]
) -> tuple[str, ...]:
    meaning = entry.get("description") or _referred(entry, schema).get("description", "")
    if name in METHODS:
        meaning = f"{meaning} One of {', '.join(f'`{method}`' for method in METHODS[name])}."
    default = "one per core, at most 8" if name == "n_workers" else _default(entry)
    where = ", ".join(steps)
    return f"`{name}`", _cell(meaning), _cell(_values(entry)), _cell(default), where


def _own_parameters(models: Mapping[str, Any]) -> Iterator[str]:
    yield "## Parameters of single methods and features"
    yield ""
    yield "They are set by `--set NAME.PARAMETER=VALUE`."
    yield ""
    yield "| parameter | meaning | unit and values | default |"
    yield "|---|---|---|---|"
    for owner, model in models.items():
        for name, entry in model["properties"].items():
            cells = (entry.get("description", ""), _values(entry), _default(entry))
            yield f"| `{owner}.{name}` | " + " | ".join(map(_cell, cells)) + " |"


def _default(entry: Mapping[str, Any]) -> str:
    if "default" not in entry:
        return "to be set"
    value = entry["default"]
    if value == "":
        return "empty"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _referred(entry: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    definition: Mapping[str, Any] = schema["$defs"].get(
        entry.get("$ref", "").rpartition("/")[2], {}
    )
    return definition


def _values(entry: Mapping[str, Any]) -> str:
    kinds = [_kind(option) for option in entry.get("anyOf", [entry])]
    return " or ".join(kind for kind in kinds if kind)


def _kind(entry: Mapping[str, Any]) -> str:
    if "enum" in entry:
        return " or ".join(f"`{value}`" for value in entry["enum"])
    if entry.get("type") in ("null", "boolean"):
        return {"null": "`null`", "boolean": "`true` or `false`"}[entry["type"]]
    unit = entry.get("unit", "")
    return ", ".join(text for text in ("" if unit == "1" else unit, _range(entry)) if text)


def _range(entry: Mapping[str, Any]) -> str:
    low, above = entry.get("minimum"), entry.get("exclusiveMinimum")
    high = entry.get("maximum", LARGEST)
    start = "" if low is None else f"{low:g}"
    if above is not None:
        start = f"more than {above:g}"
    if high < LARGEST:
        return f"{start} to {high:g}".strip()
    return f"{start} or more" if low is not None else start


def _cell(text: str) -> str:
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()).replace("|", r"\|"))
    return "".join(p if p.startswith("`") else p.replace("*", r"\*") for p in parts)
