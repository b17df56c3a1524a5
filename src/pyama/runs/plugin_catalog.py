"""All methods, features, models and readers that can be chosen by name; checks of plugins."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pyama.analysis.fitting.models import MODELS
from pyama.config import config_schema
from pyama.errors import PluginError
from pyama.plugins.loading import (
    Attempt,
    Loaded,
    Target,
    Targets,
    load_file,
    load_folder,
    load_installed,
)
from pyama.processing.plugin_calls import limit_time, run_with_limit
from pyama.processing.plugin_targets import TARGETS
from pyama.registry import Registry
from pyama.testing import checks

ALL_TARGETS: Targets = {**TARGETS, "models": (MODELS,)}
"""Targets of every kind of plugin: those of a run, and models that are fitted to traces."""
CHECKS = {
    "features": checks.check_feature,
    "segmenters": checks.check_segmenter,
    "trackers": checks.check_tracker,
    "preprocessors": checks.check_preprocessor,
    "readers": checks.check_reader,
}
"""The check of every kind. Models are checked when they are registered."""
CHECK_SECONDS = 60.0
"""Time limit for the check of one plugin."""


def load_plugins(folders: Sequence[Path]) -> list[Loaded]:
    """Load the plugins of installed packages and of folders or files.

    Raises:
        ConfigError: There is no such folder or file.
    """
    reports = load_installed(ALL_TARGETS)
    for folder in folders:
        reports += load_folder(folder, ALL_TARGETS)
    return reports


def catalog(folders: Sequence[Path]) -> dict[str, Any]:
    """Return all parts that can be chosen by name, and the plugins that cannot be loaded.

    Args:
        folders: Folders or files of plugins to load.

    Returns:
        `available`: for every kind a list of name, source (`built in`, a file or a package)
        and parameters. `refused`: source and problem of every plugin that cannot be loaded.

    Raises:
        ConfigError: There is no such folder or file.
    """
    reports = load_plugins(folders)
    schema = config_schema()["$defs"]["ProcessingParams"]["properties"]["plugins"]
    sources = {entry: report.source for report in reports for entry in report.entries}
    return {
        "available": {
            kind: [
                {
                    "name": name,
                    "source": sources.get((kind, name), "built in"),
                    "parameters": _parameters(schema["properties"].get(name, {})),
                }
                for name in sorted(_entries(target))
            ]
            for kind, target in ALL_TARGETS.items()
        },
        "refused": [{"source": r.source, "problem": r.problem} for r in reports if r.problem],
    }


def _entries(target: Target) -> dict[str, Any]:
    """Return the entries of the registries and lists of a target by name."""
    entries: dict[str, Any] = {}
    for place in target:
        if isinstance(place, Registry):
            entries |= place.data
        else:
            entries |= {type(entry).__name__: entry for entry in place}
    return entries


def _parameters(model: Mapping[str, Any]) -> dict[str, str]:
    """Return description and default of every parameter of a JSON schema."""
    texts = {}
    for name, entry in model.get("properties", {}).items():
        default = json.dumps(entry["default"]) if "default" in entry else "required"
        texts[name] = f"{' '.join(entry.get('description', '').split())} [{default}]"
    return texts


def name_exists(kind: str, name: str) -> bool:
    """Whether a built-in or installed part of a kind, in the singular, has this name."""
    load_installed(ALL_TARGETS)
    return name in _entries(ALL_TARGETS.get(f"{kind}s", ()))


def check_file(
    file: Path, sample: Path | None = None
) -> tuple[Sequence[tuple[str, str]], dict[tuple[str, str], str]]:
    """Load a plugin file and check every plugin that it adds.

    Args:
        file: The plugin file.
        sample: A recording for the check of readers.

    Returns:
        Kind and name of every plugin, and the problems by kind and name. A problem of the file
        itself has an empty kind and name.
    """
    load_installed(ALL_TARGETS)
    loaded = load_file(file, ALL_TARGETS)
    if loaded.problem:
        return (), {("", ""): f"{file}: {loaded.problem}"}
    problems = {}
    for kind, name in loaded.entries:
        problem = _problem(kind, name, file.resolve(), sample) if kind in CHECKS else ""
        if problem:
            problems[kind, name] = problem
    return loaded.entries, problems


def _problem(kind: str, name: str, file: Path, sample: Path | None) -> str:
    """Return what is wrong with a plugin; empty if it passes its check in time."""
    try:
        return run_with_limit(CHECK_SECONDS, partial(_failure, kind, name, file, sample))
    except PluginError:
        return (
            f"{name} has not answered for {CHECK_SECONDS:g} s, although its input is tiny. "
            "Look for an endless loop, or for a call that waits."
        )


def _failure(kind: str, name: str, file: Path, sample: Path | None) -> str:
    plugin = _entries(ALL_TARGETS[kind])[name]
    attempt = Attempt(file)
    with attempt, limit_time(name, plugin):
        if kind == "readers":
            checks.check_reader(plugin, name, sample)
        else:
            CHECKS[kind](plugin, name)
    return attempt.problem
