"""What fields of view were made with, and where they differ."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pyama.config import ProcessingParams
from pyama.fov_ranges import fovs_text
from pyama.store import CORRECTED, TRACES_MARK, FovStore, Mark

NOT_SETTINGS = frozenset({"fov", "channel", "basename", "identity", "times", CORRECTED})
"""Parts of recipes that say what was processed, not how."""
PREVIEWS = "caching"
ABSENT = "none"
MAX_SHOWN = 6
"""Largest number of settings that a sentence names."""


@dataclass(frozen=True)
class FovSettings:
    """Fields of view that were made with the same settings.

    Attributes:
        fovs: 0-based indices.
        settings: Parameters whose value is not the default, methods, and versions of steps.
    """

    fovs: Sequence[int]
    settings: Mapping[str, Any]

    def without(self, name: str) -> "FovSettings":
        """Return the group without a setting."""
        kept = {key: value for key, value in self.settings.items() if key != name}
        return FovSettings(self.fovs, kept)

    def entry(self) -> dict[str, Any]:
        """Return the group as plain values for JSON."""
        return {"fovs": list(self.fovs), "settings": dict(self.settings)}


def groups_of(output_dir: Path, fovs: Iterable[int]) -> list[FovSettings]:
    """Group fields of view that have traces by what they were made with.

    Args:
        output_dir: The output folder.
        fovs: 0-based indices; those without finished traces are left out.
    """
    found: dict[str, tuple[list[int], dict[str, Any]]] = {}
    for fov in sorted(fovs):
        store = FovStore(output_dir, fov)
        marks = {**store.removed(), **store.marks()}
        if TRACES_MARK in marks:
            settings = _settings(marks)
            found.setdefault(repr(settings), ([], settings))[0].append(fov)
    return [FovSettings(members, settings) for members, settings in found.values()]


def differing_settings(
    groups: Sequence[tuple[str, Mapping[str, Any]]],
) -> dict[str, list[Any]]:
    """Return the settings that are not the same everywhere, with their value in every group.

    Args:
        groups: Name and settings of each group.
    """
    names = sorted({name for _, settings in groups for name in settings})
    values = {
        name: [settings.get(name, default_of(name)) for _, settings in groups]
        for name in names
    }
    return {name: row for name, row in values.items() if any(v != row[0] for v in row)}


def difference_sentences(groups: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Return a sentence that says how groups were made differently; none if they were not.

    Args:
        groups: Name, such as `FOV 0-1`, and settings of each group.
    """
    rows = differing_settings(groups)
    if not rows:
        return []
    shown = list(rows)[:MAX_SHOWN]
    more = f" and {len(rows) - MAX_SHOWN} more" if len(rows) > MAX_SHOWN else ""
    parts = [
        f"{name} with {', '.join(f'{key} = {_shown(rows[key][i])}' for key in shown)}{more}"
        for i, (name, _) in enumerate(groups)
    ]
    return [
        f"Not everything was made in the same way: {'; '.join(parts)}. Compare cells only if "
        "all were made with the same settings and version: run all fields of view again."
    ]


def named_groups(
    groups: Iterable[FovSettings], prefix: str = ""
) -> list[tuple[str, Mapping[str, Any]]]:
    """Return groups as `difference_sentences` takes them."""
    return [(f"{prefix}FOV {fovs_text(group.fovs)}", group.settings) for group in groups]


def default_of(name: str) -> Any:
    """Return the value of a setting that a recipe leaves out, as a plain value."""
    if name.startswith("plugins."):
        return "default"
    return _defaults().get(name, ABSENT)


@cache
def _defaults() -> dict[str, Any]:
    return ProcessingParams().model_dump(mode="json")


def _shown(value: Any) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _settings(marks: Mapping[str, Mark]) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for recipe in (mark.recipe for mark in marks.values()):
        if recipe.step == PREVIEWS:
            continue
        entries[f"version of {recipe.step}"] = recipe.version
        if recipe.method:
            entries[f"method of {recipe.step}"] = recipe.method
        entries |= dict(_flat(recipe.params))
    return dict(sorted(entries.items()))


def _flat(params: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the settings of a recipe; sections, such as plugins, with their names."""
    for name, value in params.items():
        if name in NOT_SETTINGS:
            continue
        if name == "context":
            yield from _flat(value)
        elif isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
