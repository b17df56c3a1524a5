"""Registries: dictionaries of functions by name that check every entry.

Entries may have parameters of their own, see `parameters`.
"""

import inspect
import weakref
from collections import UserDict
from collections.abc import Callable
from typing import Any, TypeVar

from pyama.errors import ConfigError, PluginError

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

_REGISTRIES: list["weakref.ref[Registry[Any]]"] = []


def parameters(model: type[Any]) -> Callable[[T], T]:
    """Return a decorator that gives a function or object parameters of its own.

    A configuration sets them under the name of the function in `params.plugins`. The function
    gets an instance of the model in place of `params`; a feature gets it as `context.params`.
    A field with the name of a built-in parameter, such as `max_gap`, has the value of that
    parameter.

    Args:
        model: A subclass of `pyama.algorithms.params.Params`.
    """

    def mark(plugin: T) -> T:
        plugin.parameters = model  # type: ignore[attr-defined]
        return plugin

    return mark


def parameter_models() -> dict[str, Any]:
    """Return the parameter models of the entries of all registries, by name."""
    registries = [
        registry for reference in _REGISTRIES if (registry := reference()) is not None
    ]
    return {
        name: entry.parameters
        for registry in registries
        for name, entry in registry.data.items()
        # A model of a fit has a tuple of this name.
        if isinstance(getattr(entry, "parameters", None), type)
    }


def _is_builtin(entry: Any) -> bool:
    module = str(getattr(entry, "__module__", None) or type(entry).__module__)
    return module.partition(".")[0] == __name__.partition(".")[0]


class Registry(UserDict[str, F]):
    """Named implementations of one interface.

    Built-in functions and plugins are added in the same way, with `registry[name] = function`
    or `@registry.register(name)`, and pass the same checks.

    Args:
        kind: Kind of the entries for messages, in the singular.
        arguments: Names of the positional arguments of every entry.
    """

    def __init__(self, kind: str, arguments: tuple[str, ...]) -> None:
        super().__init__()
        self.kind = kind
        self.arguments = arguments
        _REGISTRIES.append(weakref.ref(self, _REGISTRIES.remove))

    def __setitem__(self, name: str, function: F) -> None:
        if type(name) is not str or not name.isidentifier():
            raise PluginError(
                f"{self.kind} name {name!r} is not usable in column and group names. "
                "Use letters, digits and underscores."
            )
        if not callable(function):
            raise PluginError(f"{self.kind} {name!r} must be a function, got {function!r}.")
        try:
            inspect.signature(function).bind(*self.arguments)
        except (TypeError, ValueError) as error:  # ValueError: the signature is not known
            raise PluginError(
                f"{self.kind} {name!r} cannot be called as "
                f"{name}({', '.join(self.arguments)}): {error}."
            ) from error
        self._refuse_to_replace(name, function)
        self._check_parameters(name, getattr(function, "parameters", None))
        super().__setitem__(name, function)

    def replace(self, name: str, function: F) -> None:
        """Put a function in the place of a built-in one; `registry[name]` refuses that.

        Results that depend on it are made again, and all commands name the fields of view
        that were made with another function.
        """
        self.data.pop(name, None)
        self[name] = function

    def _refuse_to_replace(self, name: str, function: F) -> None:
        known = self.data.get(name)
        if known is not None and known is not function and _is_builtin(known):
            raise PluginError(
                f"{self.kind} {name!r} is built in. Choose another name; to replace it on "
                f"purpose, call replace({name!r}, ...) instead."
            )

    def __missing__(self, name: str) -> F:
        raise ConfigError(
            f"Unknown {self.kind} {name!r}. Available: {', '.join(sorted(self)) or 'none'}."
        )

    def get(self, name: str, default: Any = None) -> Any:
        """Return an entry, or `default` if there is none."""
        return self.data.get(name, default)

    def register(self, name: str) -> Callable[[F], F]:
        """Return a decorator that adds a function under `name`."""

        def add(function: F) -> F:
            self[name] = function
            return function

        return add

    def _check_parameters(self, name: str, model: Any) -> None:
        if model is None:
            return
        if not callable(getattr(model, "model_validate", None)):
            raise PluginError(
                f"The parameters of {self.kind} {name!r} must be a subclass of "
                f"pyama.algorithms.params.Params, got {model!r}."
            )
        if name not in self.data and parameter_models().get(name, model) is not model:
            raise PluginError(
                f"{self.kind} {name!r} has parameters, and so has another entry of that name. "
                "Choose another name."
            )
