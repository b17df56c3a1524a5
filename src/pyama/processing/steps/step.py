"""What a step is, and what its recipes have in common."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from pyama.algorithms.params import Params, own_params
from pyama.config import ProcessingConfig
from pyama.processing.fov import FovContext, FovFacts
from pyama.processing.plugin_calls import call_plugin
from pyama.processing.plugin_digest import fingerprint, is_builtin
from pyama.processing.runner import Job
from pyama.registry import Registry
from pyama.store import Recipe

RECORDING = "recording"
"""Name of the recording among the inputs of a recipe."""


@dataclass(frozen=True)
class RecipeParts:
    """What an output depends on besides the version of its step.

    Attributes:
        inputs: Names of the outputs it is made from, or `RECORDING`.
        method: Which of several algorithms, with its digest.
        params: Parameters whose value is not the default, and other plain values.
        defaults: Defaults of all parameters. A recipe does not depend on them: a parameter
            that is added later leaves existing results valid, and a default that changes
            needs a new version of the step.
    """

    inputs: Sequence[str] = ()
    method: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)


def _never(config: ProcessingConfig) -> str | None:
    """The default of `Step.skipped`."""
    return None


def _none_made_earlier(config: ProcessingConfig) -> AbstractSet[str]:
    return frozenset()


@dataclass(frozen=True)
class Step:
    """One step of the workflow.

    Attributes:
        name: Name in reports, progress and recipes.
        title: What it does, for people.
        version: Raised when results or defaults change, so that outputs are made again.
        recipes: Yields name and recipe parts of every output of a field of view.
        jobs: Yields the jobs that make the outputs.
        weight: Time per frame and output relative to the other steps, for the first estimate
            of the time left.
        bytes_per_pixel: What a pixel of a stack takes on disk, compressed, for typical
            recordings; for crops, per group.
        skipped: Returns why the step does not apply to a configuration, or None.
        is_optional: Whether it is usual that the step does not apply, so that no warning is
            logged.
        is_on_request: Whether the step runs only if a parameter asks for it, so that it is
            not reported where it is skipped.
        made_earlier: Returns the names of those of its outputs that an earlier step makes
            while the pixels are in memory; the step makes them only where that has failed.
    """

    name: str
    title: str
    version: int
    recipes: Callable[[FovFacts], Iterator[tuple[str, RecipeParts]]]
    jobs: Callable[[FovContext], Iterator[Job]]
    weight: float
    bytes_per_pixel: float
    skipped: Callable[[ProcessingConfig], str | None] = _never
    is_optional: bool = False
    is_on_request: bool = False
    made_earlier: Callable[[ProcessingConfig], AbstractSet[str]] = _none_made_earlier

    def recipes_of(
        self, facts: FovFacts, digests: Mapping[str, str]
    ) -> Iterator[tuple[str, Recipe]]:
        """Yield the recipe of every output of a field of view; none if the step is skipped.

        Args:
            facts: The field of view.
            digests: Digest of everything that was yielded before, by name. It may grow in
                between.
        """
        if self.skipped(facts.config) is not None:
            return
        for name, parts in self.recipes(facts):
            inputs = {source: digests[source] for source in parts.inputs}
            params, defaults = _plain(parts.params), _plain(parts.defaults)
            yield (
                name,
                Recipe(self.name, self.version, parts.method, params, inputs, defaults),
            )


def without_phase_contrast(config: ProcessingConfig) -> str | None:
    """Return why a step that needs cells does not apply, or None."""
    if config.params.copy_only:
        return "copy_only"
    if config.channels.pc is None:
        return "no phase contrast channel is configured"
    return None


def default_values(model: type[BaseModel]) -> dict[str, Any]:
    """Return the defaults of all parameters that have one, by name, as plain values."""
    defaults = {
        name: entry.get_default(call_default_factory=True)
        for name, entry in model.model_fields.items()
        if not entry.is_required()
    }
    return model.model_construct(**defaults).model_dump(mode="json", include=set(defaults))


def changed_values(
    values: BaseModel, without: AbstractSet[str] = frozenset()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters that differ from their defaults, and the defaults of all.

    Args:
        values: The parameters.
        without: Names of parameters that are in neither.

    Returns:
        `params` and `defaults` of `RecipeParts`.
    """
    defaults = default_values(type(values))
    plain = values.model_dump(mode="json", exclude=set(without))
    changed = {
        name: value
        for name, value in plain.items()
        if name not in defaults or value != defaults[name]
    }
    return changed, {name: defaults[name] for name in defaults if name not in without}


def params_of(
    model: type[Params], config: ProcessingConfig, only: AbstractSet[str] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters of a model, or only some of them, see `changed_values`."""
    values = {name: getattr(config.params, name) for name in model.model_fields}
    without = frozenset() if only is None else values.keys() - only
    return changed_values(model.model_validate(values), without)


def method_recipe_parts(
    registry: Registry[Any],
    name: str,
    model: type[Params],
    facts: FovFacts,
    unused: Mapping[str, AbstractSet[str]],
) -> RecipeParts:
    """Return what a step depends on by its choice of a method.

    Args:
        registry: Of the methods.
        name: Of the chosen one.
        model: Parameters of methods that have none of their own.
        facts: The field of view.
        unused: Parameters that built-in methods get and do not read, by their names.
    """
    method = registry[name]
    values = own_params(name, method, facts.config.params, model)
    without = unused.get(name, frozenset()) if is_builtin(method) else frozenset()
    params, defaults = changed_values(values, without)
    if hasattr(method, "identity"):
        title = f"{registry.kind} {name!r}"
        params["identity"] = call_plugin(title, method.identity, values, facts.fov)
    return RecipeParts((), f"{name}: {fingerprint(method)}", params, defaults)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` as JSON gives them back, so that recipes on disk compare equal."""
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain
