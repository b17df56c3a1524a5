"""Options of a fit, and the models with their free parameters that they select."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from pyama.analysis.fitting.model import Model
from pyama.analysis.fitting.models import MODELS
from pyama.analysis.fitting.problem import Setup, set_up
from pyama.errors import ConfigError

Loss = Literal["linear", "soft_l1"]

AUTO = "auto"
"""Model name that selects the best of all models for each cell."""


@dataclass(frozen=True)
class Options:
    """Options of a fit; see `fit_arrays`."""

    free: tuple[str, ...] | Literal["all"]
    fix: Mapping[str, float]
    bounds: Mapping[str, tuple[float, float]]
    guess: Mapping[str, float]
    starts: int
    loss: Loss
    seed: int
    workers: int
    profile: bool = False

    def __post_init__(self) -> None:
        if self.loss not in get_args(Loss):
            raise ConfigError(
                f"Unknown loss {self.loss!r}. Available: {', '.join(get_args(Loss))}."
            )
        for name, least in (("starts", 1), ("seed", 0), ("workers", 1)):
            if getattr(self, name) < least:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}; expected {least} or more."
                )


def model_setups(model: str | Model, options: Options) -> list[Setup]:
    """Return what is fitted to every trace; of several, the simplest model first."""
    if model == AUTO:
        return sorted(_applicable(options), key=lambda setup: setup.needed)
    return [_set_up(MODELS[model] if isinstance(model, str) else model, options)]


def _set_up(model: Model, options: Options) -> Setup:
    free: Iterable[str] = options.free
    if options.free == "all":
        free = set(model.names) - set(options.fix)
    return set_up(model, free, options.fix, options.bounds, options.guess)


def _applicable(options: Options) -> list[Setup]:
    known = {name for model in MODELS.values() for name in model.names}
    freed = () if options.free == "all" else options.free
    named = {*freed, *options.fix, *options.bounds, *options.guess}
    if unknown := sorted(named - known):
        raise ConfigError(
            f"No model has {', '.join(unknown)}. Parameters: {', '.join(sorted(known))}."
        )
    setups = []
    for model in MODELS.values():
        fix, guess = (
            {name: value for name, value in given.items() if name in model.names}
            for given in (options.fix, options.guess)
        )
        bounds = {name: pair for name, pair in options.bounds.items() if name in model.names}
        free = set(freed) & set(model.names)
        if options.free == "all":
            free = set(model.names) - set(fix)
        if free or any(not p.fixed and p.name not in fix for p in model.parameters):
            setups.append(set_up(model, free, fix, bounds, guess))
    return setups
