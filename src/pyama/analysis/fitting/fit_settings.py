"""What a fit is asked to do, read from the texts that people write; no slow module is loaded.

The command line and the page take the same options with the same defaults.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyama.errors import ConfigError

SHAPES = {
    "--fix": "NAME=VALUE, such as km=1.28",
    "--bound": "NAME=LOW:HIGH, such as ktl=0:1e6",
    "--guess": "NAME=VALUE, such as t0=2.5",
}
"""Form of the values of these options."""


@dataclass(frozen=True)
class FitSettings:
    """The options of a fit; see `pyama.analysis.fitting.fit.fit_arrays`.

    Attributes:
        model: Name of a model, or `auto`.
        column: Column to fit; None is the only `intensity_total`.
    """

    model: str = "maturation"
    column: str | None = None
    free: tuple[str, ...] | str = ()
    fix: Mapping[str, float] = field(default_factory=dict)
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    guess: Mapping[str, float] = field(default_factory=dict)
    starts: int = 5
    loss: str = "linear"
    seed: int = 0
    profile: bool = False

    @classmethod
    def from_texts(
        cls,
        free: str = "",
        fix: Sequence[str] = (),
        bound: Sequence[str] = (),
        guess: Sequence[str] = (),
        **others: Any,
    ) -> "FitSettings":
        """Read the values of `--free`, `--fix`, `--bound` and `--guess`.

        Args:
            free: Names separated by commas, or `all`.
            fix: Texts `NAME=VALUE`.
            bound: Texts `NAME=LOW:HIGH`.
            guess: Texts `NAME=VALUE`.
            **others: The other attributes.

        Raises:
            ConfigError: A text has another form, or a name occurs twice.
        """
        return cls(
            free=parameter_names(free),
            fix=_numbers("--fix", fix),
            bounds={n: _range(text, pair) for text, n, pair in _pairs("--bound", bound)},
            guess=_numbers("--guess", guess),
            **others,
        )

    def options(self) -> dict[str, Any]:
        """Return the keyword arguments of `fit_arrays`."""
        names = ("free", "fix", "bounds", "guess", "starts", "loss", "seed", "profile")
        return {name: getattr(self, name) for name in names}

    def words(self) -> list[str]:
        """Return the options as words of a command line; defaults are left out."""
        words = [] if self.model == FitSettings.model else ["--model", self.model]
        words += [] if self.column is None else ["--column", self.column]
        if self.free:
            free = self.free if isinstance(self.free, str) else ",".join(self.free)
            words += ["--free", free]
        for option, values in (("--fix", self.fix), ("--guess", self.guess)):
            for name, value in values.items():
                words += [option, f"{name}={value!r}"]
        for name, (low, high) in self.bounds.items():
            words += ["--bound", f"{name}={low!r}:{high!r}"]
        for name in ("starts", "loss", "seed"):
            if getattr(self, name) != getattr(FitSettings, name):
                words += [f"--{name}", str(getattr(self, name))]
        return words + ["--profile"] * self.profile


def parameter_names(text: str) -> str | tuple[str, ...]:
    """Read the value of `--free`: names separated by commas, or `all`."""
    names = tuple(name for part in text.split(",") if (name := part.strip()))
    return "all" if names == ("all",) else names


def _numbers(option: str, texts: Sequence[str]) -> dict[str, float]:
    return {name: _number(text, value) for text, name, value in _pairs(option, texts)}


def _pairs(option: str, texts: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return option and text for messages, name and value of every `NAME=VALUE`."""
    pairs: dict[str, tuple[str, str, str]] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise ConfigError(f"{option} {text}: write {SHAPES[option]}.")
        if name in pairs:
            raise ConfigError(f"{pairs[name][0]} and {text}: give {name} once.")
        pairs[name] = f"{option} {text}", name, value
    return list(pairs.values())


def _number(text: str, value: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise ConfigError(f"{text}: {value!r} is not a number.") from error


def _range(text: str, value: str) -> tuple[float, float]:
    low, colon, high = value.partition(":")
    if not colon:
        raise ConfigError(f"{text}: write {SHAPES['--bound']}.")
    return _number(text, low), _number(text, high)
