"""The section `derived` of a configuration: values that follow from `cell_diameter`."""

from collections.abc import Mapping
from typing import Any

DERIVED, PARAMS, PLUGINS = "derived", "params", "plugins"


def with_derived_section(entries: Any) -> Any:
    """Return the entries of a configuration with its derived values among the parameters.

    Values that stand in `params` themselves were set, and stay. Without `cell_diameter` there
    is nothing to derive.

    Args:
        entries: Of a configuration file, unchecked.
    """
    derived = entries.get(DERIVED) if isinstance(entries, dict) else None
    if not isinstance(derived, dict) or not isinstance(entries.get(PARAMS), dict | None):
        return entries
    params = dict(entries.get(PARAMS) or {})
    taken = {}
    if params.get("cell_diameter") is not None:
        taken = {name: value for name, value in derived.items() if not is_set(params, name)}
    return {**entries, PARAMS: with_values(params, taken), DERIVED: taken}


def is_set(params: Mapping[str, Any], name: str) -> bool:
    """Whether a parameter, `method.name` for one of a single method, is in a section."""
    owner, dot, key = name.rpartition(".")
    section = (params.get(PLUGINS) or {}).get(owner) if dot else params
    return isinstance(section, Mapping) and key in section


def with_values(params: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with other values, by names as in `is_set`."""
    changed = dict(params)
    for name, value in values.items():
        owner, dot, key = str(name).rpartition(".")
        if dot:
            plugins = dict(changed.get(PLUGINS) or {})
            changed[PLUGINS] = plugins | {owner: {**(plugins.get(owner) or {}), key: value}}
        else:
            changed[key] = value
    return changed


def without_derived(entries: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration as it is written: derived values only in their own section.

    Args:
        entries: A whole configuration as plain values.
    """
    entries = {**entries, PARAMS: without_values(entries[PARAMS], entries[DERIVED])}
    if not entries[DERIVED]:
        del entries[DERIVED]
    return entries


def without_values(params: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters without some, by names as in `is_set`."""
    kept = {name: value for name, value in params.items() if name not in names}
    plugins = {
        owner: {key: v for key, v in own.items() if f"{owner}.{key}" not in names}
        for owner, own in (kept.get(PLUGINS) or {}).items()
    }
    return {**kept, PLUGINS: plugins} if PLUGINS in kept else kept
