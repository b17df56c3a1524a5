"""What is put into a registry is checked on its way in."""

import functools

import pytest

from pyama.errors import ConfigError, PluginError
from pyama.registry import Registry


@pytest.fixture
def registry():
    made = Registry("feature", ("image", "mask", "context"))
    made["area"] = lambda image, mask, context: 1.0
    return made


class Callable:
    def __call__(self, image, mask, context):
        return 2.0


def with_default(image, mask, context, extra=1):
    return 3.0


FITTING = [
    pytest.param(lambda *arguments: 1.0, id="any arguments"),
    pytest.param(lambda a, b, c: 1.0, id="other names"),
    pytest.param(with_default, id="one more with a default"),
    pytest.param(functools.partial(with_default, extra=2), id="a partial"),
    pytest.param(Callable(), id="an object"),
]


@pytest.mark.parametrize("function", FITTING)
def test_a_fitting_function_is_taken(registry, function):
    registry["mine"] = function
    assert registry["mine"] is function
    assert sorted(registry) == ["area", "mine"]


def test_a_decorator_registers_and_gives_the_function_back(registry):
    @registry.register("mine")
    def mine(image, mask, context):
        return 0.0

    assert registry["mine"] is mine


REFUSED = [
    pytest.param(
        "mine", lambda image: 0.0, "cannot be called as mine", id="too few arguments"
    ),
    pytest.param(
        "mine", lambda a, b, c, d: 0.0, r"mine\(image, mask, context\)", id="too many"
    ),
    pytest.param(
        "mine",
        lambda a, b, c, *, d: 0.0,
        "cannot be called as",
        id="a keyword without default",
    ),
    pytest.param("mine", 5, "must be a function, got 5", id="no function"),
    pytest.param("mine", None, "must be a function, got None", id="nothing"),
    pytest.param("mine", dict, "cannot be called as", id="arguments that nobody tells"),
    pytest.param("two words", Callable(), "Use letters, digits and underscores", id="a space"),
    pytest.param("a-b", Callable(), "feature name 'a-b' is not usable", id="a dash"),
    pytest.param("../x", Callable(), "is not usable", id="a path"),
    pytest.param("", Callable(), "is not usable", id="no name"),
    pytest.param("1st", Callable(), "is not usable", id="a digit first"),
    pytest.param(5, Callable(), "is not usable", id="a number"),
]


@pytest.mark.parametrize(("name", "function", "message"), REFUSED)
def test_what_does_not_fit_is_refused(registry, name, function, message):
    with pytest.raises(PluginError, match=message):
        registry[name] = function
    assert list(registry) == ["area"]


def test_an_unknown_name_lists_the_known_ones(registry):
    said = r"Unknown feature 'aera'\. Available: area\."
    with pytest.raises(ConfigError, match=said):
        registry["aera"]
    with pytest.raises(ConfigError, match="Available: none"):
        Registry("tracker", ())["x"]


def test_it_is_a_dictionary_otherwise(registry, monkeypatch):
    assert registry.get("aera") is None
    assert registry.get("aera", 5) == 5
    assert registry.get("area") is registry["area"]
    assert "area" in registry
    assert "aera" not in registry
    monkeypatch.setitem(registry, "mine", Callable())
    del registry["area"]
    assert list(registry) == ["mine"]
