"""The tree of errors is the drawing on top of its file, and each has its builtin."""

import inspect
import pickle
import re

import pytest

from pyama import errors
from pyama.errors import ConfigError, PluginError, PyamaError, name_failure

CLASSES = [
    found
    for _, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, Exception)
]
BUILTINS = {
    "ConfigError": ValueError,
    "ReaderError": OSError,
    "StoreError": OSError,
    "NotReadyError": FileNotFoundError,
    "LockedError": OSError,
    "ArrayError": ValueError,
    "PluginError": TypeError,
}


def test_every_error_is_drawn_and_every_drawn_error_exists():
    drawn = re.findall(r"^ *[*+-] (\w+Error)", errors.__doc__, re.MULTILINE)
    assert sorted(drawn) == sorted(found.__name__ for found in CLASSES)


@pytest.mark.parametrize("found", CLASSES)
def test_every_error_is_pyamas(found):
    assert issubclass(found, PyamaError)
    assert found.__doc__


@pytest.mark.parametrize(("name", "builtin"), BUILTINS.items())
def test_the_builtin_catches_it_too(name, builtin):
    found = getattr(errors, name)
    with pytest.raises(builtin, match="what to do") as caught:
        raise found("what to do")
    assert str(caught.value) == "what to do"


@pytest.mark.parametrize("found", CLASSES)
def test_an_error_travels_between_processes(found):
    copy = pickle.loads(pickle.dumps(found("what to do")))  # noqa: S301 (made here)
    assert (type(copy), str(copy)) == (found, "what to do")


def attempt(error, kept=()):
    with name_failure("Model 'mine' raised {error}. Correct it.", kept):
        raise error


@pytest.mark.parametrize("error", [ValueError("a {error} %s"), SystemExit(3), OSError("gone")])
def test_an_exception_of_a_plugin_is_named(error):
    found = f"Model 'mine' raised {type(error).__name__}: {error}. Correct it."
    with pytest.raises(PluginError, match=f"^{re.escape(found)}$") as caught:
        attempt(error, kept=(PyamaError,))
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), GeneratorExit(), ConfigError("known")])
def test_ctrl_c_and_kept_errors_of_a_plugin_pass(error):
    with pytest.raises(type(error)) as caught:
        attempt(error, kept=(PyamaError,))
    assert caught.value is error
