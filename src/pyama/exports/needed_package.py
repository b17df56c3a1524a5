"""Packages that some formats need and the base installation does not have."""

from importlib import import_module
from typing import Any

from pyama.errors import ConfigError


def require(module: str, extra: str) -> Any:
    """Return a module of another package.

    Args:
        module: Its name.
        extra: The extra of this package that installs it.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"This format needs {module.partition('.')[0]}, which is not installed: "
            f"pip install 'pyama-traces[{extra}]'"
        ) from error
