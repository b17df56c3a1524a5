"""All doors for plugins, what stands behind them, and whether it keeps its contract."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pyama.analysis.fitting.models import MODELS
from pyama.config import config_schema
from pyama.errors import PluginError
from pyama.plugins.loading import Attempt, Door, Doors, load_file, load_folder, load_installed
from pyama.processing import plugin_targets
from pyama.processing.plugin_calls import timed, within
from pyama.registry import Registry
from pyama.testing import checks

DOORS: Doors = {**plugin_targets.DOORS, "models": (MODELS,)}
CHECKS = {
    "features": checks.check_feature,
    "segmenters": checks.check_segmenter,
    "trackers": checks.check_tracker,
    "preprocessors": checks.check_preprocessor,
    "readers": checks.check_reader,
}
"""What is tried of each kind; a model is tried when it is registered."""
PATIENCE_SECONDS = 60.0
"""How long trying one plugin may take."""


def described(folders: Sequence[Path]) -> dict[str, Any]:
    """Return what can be chosen by name, and what was refused, as plain values."""
    reports = load_installed(DOORS)
    for folder in folders:
        reports += load_folder(folder, DOORS)
    schema = config_schema()["$defs"]["ProcessingParams"]["properties"]["plugins"]
    models = schema["properties"]
    sources = {entry: report.source for report in reports for entry in report.entries}
    return {
        "available": {
            kind: [
                {
                    "name": name,
                    "source": sources.get((kind, name), "built in"),
                    "parameters": _told(models.get(name, {})),
                }
                for name in sorted(_contents(door))
            ]
            for kind, door in DOORS.items()
        },
        "refused": [{"source": r.source, "problem": r.problem} for r in reports if r.problem],
    }


def _contents(door: Door) -> dict[str, Any]:
    """What stands behind a door, by name."""
    found: dict[str, Any] = {}
    for place in door:
        if isinstance(place, Registry):
            found |= place.data
        else:
            found |= {type(entry).__name__: entry for entry in place}
    return found


def _told(model: Mapping[str, Any]) -> dict[str, str]:
    """Meaning and default of every parameter."""
    found = {}
    for name, entry in model.get("properties", {}).items():
        default = json.dumps(entry["default"]) if "default" in entry else "needed"
        found[name] = f"{' '.join(entry.get('description', '').split())} [{default}]"
    return found


def is_taken(kind: str, name: str) -> bool:
    """Whether something of a kind, in the singular, is built in or installed already."""
    load_installed(DOORS)
    return name in _contents(DOORS.get(f"{kind}s", ()))


def tried(file: Path) -> tuple[Sequence[tuple[str, str]], dict[tuple[str, str], str]]:
    """Load a plugin file and try what it adds.

    Returns:
        Kind and name of what it adds, and what is wrong with which; with the empty name, what
        is wrong with the file.
    """
    load_installed(DOORS)
    loaded = load_file(file, DOORS)
    if loaded.problem:
        return (), {("", ""): f"{file}: {loaded.problem}"}
    problems = {}
    for kind, name in loaded.entries:
        problem = ""
        if kind in CHECKS:
            work = partial(_problem, kind, name, file.resolve())
            try:
                problem = within(PATIENCE_SECONDS, work)
            except PluginError:
                problem = (
                    f"{name} has not answered for {PATIENCE_SECONDS:g} s, although what it is "
                    "given is tiny. Does it wait for something, or loop for ever?"
                )
        if problem:
            problems[kind, name] = problem
    return loaded.entries, problems


def _problem(kind: str, name: str, file: Path) -> str:
    plugin = _contents(DOORS[kind])[name]
    attempt = Attempt(file)
    with attempt, timed(name, plugin):
        CHECKS[kind](plugin, name)
    return attempt.problem
