"""The classes `Model` and `Parameter`, and the registry that checks new models."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.errors import ArrayError, PluginError, PyamaError, name_failure
from pyama.registry import Registry

Values = NDArray[np.float64]
TIME_UNIT = "h"
"""Unit of parameters that are times: their start values are shifted, not multiplied."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a model.

    Attributes:
        name: Its column in tables of fits, and its argument of the model's functions.
        unit: For example `1/h`. Parameters in `h` are points in time.
        lower: Lower bound.
        upper: Upper bound.
        default: Value when it is fixed, and in examples.
        fixed: Whether it is fixed at `default` unless a fit sets it free.
        linear: Whether the model is a linear function of it; such parameters need no guess.
        description: What it means, in a few words.
    """

    name: str
    unit: str = ""
    lower: float = -math.inf
    upper: float = math.inf
    default: float = 0.0
    fixed: bool = False
    linear: bool = False
    description: str = ""

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or self.name == "t":
            raise PluginError(
                f"Parameter name {self.name!r} is not usable as an argument and a column. "
                "Use letters, digits and underscores, and not 't'."
            )
        if not self.lower <= self.default <= self.upper or not math.isfinite(self.default):
            raise PluginError(
                f"Parameter {self.name!r} has the default {self.default}; "
                f"expected a finite number from {self.lower} to {self.upper}."
            )


@dataclass(frozen=True)
class Model:
    """A function of time with named parameters.

    The functions are called with arrays that broadcast against each other: `t` in hours,
    shape (n_cells, T), and each parameter by position, shape (n_cells, 1).

    Attributes:
        name: Name in `MODELS` and in file names.
        parameters: Parameters in the order of the functions' arguments.
        function: `f(t, *parameters)`, shape (n_cells, T) or broadcastable to it.
        first_guess: `g(t, y)` with arrays (n_cells, T); one value or array (n_cells,) per
            parameter. Values outside the bounds are clipped, linear parameters are solved
            for afterwards.
        gradient: `d(t, *parameters)`, one array like `function` per parameter; if None,
            finite differences are used.
        source: DOI of the publication.
        description: What it describes, in a sentence.
    """

    name: str
    parameters: tuple[Parameter, ...]
    function: Callable[..., Any]
    first_guess: Callable[[Values, Values], tuple[Any, ...]]
    gradient: Callable[..., tuple[Any, ...]] | None = None
    source: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        names = self.names
        if not names or len(set(names)) < len(names):
            raise PluginError(
                f"Model {self.name!r} has the parameters {', '.join(names) or 'none'}; "
                "expected at least one, and no name twice."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def defaults(self) -> Values:
        """Defaults of the parameters, shape (n_params,)."""
        return np.array([parameter.default for parameter in self.parameters], float)

    def __call__(self, t: Values, p: Values) -> Values:
        """Evaluate the model; see `evaluate`."""
        return self.evaluate(t, p)

    def evaluate(self, t: Values, p: Values) -> Values:
        """Evaluate the model for many cells.

        Args:
            t: Hours, shape (T,), or (n_cells, T) if cells have different times.
            p: Parameters, shape (n_params, n_cells).

        Returns:
            Shape (n_cells, T).

        Raises:
            ArrayError: `p` does not have one row per parameter.
            PluginError: The function of a plugin raised an exception.
        """
        times, columns = self._shaped(t, p)
        with self._named_in_errors():
            values = self.function(times, *columns)
            return np.array(np.broadcast_to(values, times.shape), float)

    def jacobian(self, t: Values, p: Values) -> Values:
        """Return the derivatives by the parameters, shape (n_params, n_cells, T).

        Derivatives by fixed parameters are included. At a kink (an onset), the derivative
        is that of one side. The arguments are those of `evaluate`.
        """
        times, columns = self._shaped(t, p)
        if self.gradient is None:
            return self._differences(times, p)
        out = np.empty((len(self.parameters), *times.shape))
        with self._named_in_errors():
            for row, slope in zip(out, self.gradient(times, *columns), strict=True):
                row[...] = slope
        return out

    def guess(self, t: Values, y: Values) -> Values:
        """Guess the parameters from the data, inside the bounds.

        Args:
            t: Hours, shape (T,) or (n_cells, T).
            y: Finite values, shape (n_cells, T).

        Returns:
            Shape (n_params, n_cells).
        """
        y = np.atleast_2d(np.asarray(y, float))
        times = np.broadcast_to(np.asarray(t, float), y.shape)
        out = np.empty((len(self.parameters), len(y)))
        with self._named_in_errors():
            values = self.first_guess(times, y)
            for row, value, parameter in zip(out, values, self.parameters, strict=True):
                row[...] = np.clip(value, parameter.lower, parameter.upper)
        return out

    def _named_in_errors(self) -> AbstractContextManager[None]:
        """Name the model in every error of a plugin; errors of built-in models are kept."""
        module = getattr(self.function, "__module__", "") or ""
        if module.partition(".")[0] == "pyama":
            return nullcontext()
        message = f"Model {self.name!r} raised {{error}}. Correct its functions."
        return name_failure(message, kept=(PyamaError,))

    def _shaped(self, t: Values, p: Values) -> tuple[Values, Values]:
        p = np.asarray(p, float)
        if p.ndim != 2 or len(p) != len(self.parameters):
            raise ArrayError(
                f"Model {self.name!r} takes parameters of shape ({len(self.parameters)}, "
                f"n_cells), in the order {', '.join(self.names)}; got shape {p.shape}."
            )
        t = np.asarray(t, float)
        return np.broadcast_to(t, (p.shape[1], t.shape[-1])), p[:, :, np.newaxis]

    def _differences(self, times: Values, p: Values) -> Values:
        out = np.empty((len(self.parameters), *times.shape))
        for i, parameter in enumerate(self.parameters):
            width = 6e-6 * np.maximum(np.abs(p[i]), 1e-3)
            high, low = p.copy(), p.copy()
            high[i] = np.minimum(p[i] + width, parameter.upper)
            low[i] = np.maximum(p[i] - width, parameter.lower)
            rise = self.evaluate(times, high) - self.evaluate(times, low)
            out[i] = rise / (high[i] - low[i])[:, np.newaxis]
        return out


class ModelRegistry(Registry[Model]):
    """Models by name. Plugins are registered with `add`."""

    def __init__(self) -> None:
        super().__init__("model", ("t", "p"))

    def __setitem__(self, name: str, function: Model) -> None:
        if not isinstance(function, Model):
            raise PluginError(f"Model {name!r} must be a Model, got {function!r}.")
        if name != function.name:
            raise PluginError(
                f"Model {function.name!r} cannot be registered as {name!r}; "
                "the names must be the same."
            )
        _try_out(function)
        super().__setitem__(name, function)

    def add_built_in(self, model: Model) -> None:
        """Add a model without the checks of `add`; the tests check built-in models."""
        super().__setitem__(model.name, model)

    def _check_parameters(self, name: str, model: Any) -> None:
        """Accept any model: its parameters belong to a fit, not to a run."""

    def add(self, model: Model) -> Model:
        """Check a model on two short traces and register it under its name.

        Raises:
            PluginError: A function has the wrong arguments or result, or the gradient is
                not the derivative of the function.
        """
        self[model.name] = model
        return model


def _try_out(model: Model) -> None:
    t = np.tile(np.sqrt(np.linspace(0.01, 900, 23)), (2, 1))
    p = np.tile(model.defaults[:, np.newaxis], 2)
    try:
        y, slopes = model.evaluate(t, p), model.jacobian(t, p)
        guess = model.guess(t, y)
    except (TypeError, ValueError, PluginError) as error:
        raise PluginError(
            f"Model {model.name!r} does not work: {error.__cause__ or error}. Expected "
            f"function(t, {', '.join(model.names)}), gradient with the same arguments and one "
            "array per parameter, and first_guess(t, y) with one value per parameter."
        ) from error
    if not (np.isfinite(y).all() and np.isfinite(slopes).all() and np.isfinite(guess).all()):
        raise PluginError(
            f"Model {model.name!r} is not finite at its defaults. Check them, the function, "
            "the gradient and the first guess."
        )
    expected = replace(model, gradient=None).jacobian(t, p)
    for name, slope, other in zip(model.names, slopes, expected, strict=True):
        if not np.allclose(slope, other, rtol=1e-3, atol=1e-3 * np.abs(other).max() + 1e-9):
            raise PluginError(
                f"Model {model.name!r}: the gradient by {name!r} is not the derivative of "
                "the function. Correct it, or leave the gradient out."
            )
