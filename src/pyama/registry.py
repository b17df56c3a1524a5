"""A dictionary that checks what is put into it."""

import inspect
from collections import UserDict
from collections.abc import Callable
from typing import Any, TypeVar

from pyama.errors import ConfigError, PluginError

F = TypeVar("F", bound=Callable[..., Any])


class Registry(UserDict[str, F]):
    """Named implementations of one interface.

    Built-in entries and plugins take the same way in, `registry[name] = function`
    or `@registry.register(name)`, so both are checked alike.

    Args:
        kind: What the entries are, in the singular. Used in messages.
        arguments: Names of the positional arguments each entry is called with.
    """

    def __init__(self, kind: str, arguments: tuple[str, ...]) -> None:
        super().__init__()
        self.kind = kind
        self.arguments = arguments

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
        except (TypeError, ValueError) as error:  # ValueError: nothing tells its arguments
            raise PluginError(
                f"{self.kind} {name!r} cannot be called as "
                f"{name}({', '.join(self.arguments)}): {error}."
            ) from error
        super().__setitem__(name, function)

    def __missing__(self, name: str) -> F:
        raise ConfigError(
            f"Unknown {self.kind} {name!r}. Available: {', '.join(sorted(self)) or 'none'}."
        )

    def get(self, name: str, default: Any = None) -> Any:
        """Return an entry, or `default` where there is none."""
        return self.data.get(name, default)

    def register(self, name: str) -> Callable[[F], F]:
        """Return a decorator that adds a function under `name`."""

        def add(function: F) -> F:
            self[name] = function
            return function

        return add
