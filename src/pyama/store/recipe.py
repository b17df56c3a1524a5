"""Recipes: what outputs depend on, and how two recipes differ."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

_ABSENT = object()


@dataclass(frozen=True)
class Recipe:
    """Everything an output depends on.

    Attributes:
        step: Name of the step that writes the output.
        version: Incremented when results of the step change.
        method: Name of the algorithm, if there are several, with its fingerprint.
        params: Parameters that the step reads, by name; plain values.
        inputs: Digests of the recipes of its inputs, by name.
        defaults: Defaults of the parameters, which `params` leaves out, for messages. Not part
            of the digest, and not written.
    """

    step: str
    version: int
    method: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def digest(self) -> str:
        """Digest of all attributes but `defaults`."""
        return hashlib.sha256(canonical(entries_of(self))).hexdigest()

    def changes_since(self, old: "Recipe") -> list[str]:
        """Describe the differences from an older recipe."""
        changes = []
        if (old.step, old.version) != (self.step, self.version):
            changes.append(f"{self.step} has a new version")
        changes += _differences(old.params, self.params, self.defaults)
        if old.method != self.method:
            changes.append(f"method changed {old.method} -> {self.method}")
        changes += [
            f"{name} changes"
            for name in sorted({*old.inputs, *self.inputs})
            if old.inputs.get(name) != self.inputs.get(name)
        ]
        if not changes and self.digest != old.digest:
            changes.append("it was made by another version of pyama")
        return changes


def entries_of(record: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that are compared, by name."""
    # `dataclasses.asdict` makes a deep copy, which would take most of the time.
    return {
        entry.name: getattr(record, entry.name) for entry in fields(record) if entry.compare
    }


def canonical(entries: object) -> bytes:
    """Return plain values as JSON, the same bytes for equal values."""
    return json.dumps(entries, sort_keys=True, separators=(",", ":")).encode()


def _differences(
    old: Mapping[str, Any], new: Mapping[str, Any], defaults: Mapping[str, Any], at: str = ""
) -> Iterator[str]:
    """Yield the differences; a value that is absent on one side has its default there."""
    for name in sorted({*old, *new}):
        default = defaults.get(name, _ABSENT)
        was, now = old.get(name, default), new.get(name, default)
        if was is _ABSENT or now is _ABSENT:
            yield f"{at}{name} is {'new' if was is _ABSENT else 'gone'}"
        elif isinstance(was, Mapping) and isinstance(now, Mapping):
            inner = default if isinstance(default, Mapping) else {}
            yield from _differences(was, now, inner, f"{at}{name}.")
        elif canonical(was) != canonical(now):
            yield f"{at}{name} changed {was} -> {now}"
