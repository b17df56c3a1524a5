"""What identifies custom functions and objects: everything that decides what they do."""

import copy
import functools
import math
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType

import numba
import numpy as np
import pandas as pd
import pytest
from scipy.interpolate import CubicSpline

from pyama.processing import plugin_digest
from pyama.processing.plugin_digest import fingerprint, steady_fingerprints


def scaled(factor, image, mask, context):
    return factor


def closed_over(factor):
    def feature(image, mask, context):
        return factor

    return feature


def inner(factor):
    return lambda image, mask, context: [factor for _ in image]


def with_default(factor):
    def feature(image, mask, context, factor=factor):
        return factor

    return feature


def with_keyword(factor):
    def feature(image, mask, context, *, factor=factor):
        return factor

    return feature


def decorated(factor):
    @functools.wraps(scaled)
    def feature(image, mask, context):
        return scaled(factor, image, mask, context)

    return feature


def cached(factor):
    return functools.lru_cache(closed_over(factor))


class Scaling:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, image, mask, context):
        return self.factor


class WithoutDict:
    __slots__ = ("factor",)

    def __init__(self, factor):
        self.factor = factor

    def process(self, image):
        return image * self.factor


class Mapping(dict):
    pass


def mapping(factor):
    found = Mapping(a=1)
    found.factor = factor
    return Scaling(found)


def class_of(factor):
    class Local:
        @staticmethod
        def process(image):
            return image * factor

    return Local()


def subclass_of(factor):
    class Base:
        top = factor

        @property
        def low(self):
            return 0

    class Derived(Base):
        def process(self, image):
            return image - self.top

    return Derived()


KINDS = [
    pytest.param(lambda factor: functools.partial(scaled, factor), id="partial"),
    pytest.param(closed_over, id="closure"),
    pytest.param(inner, id="inner function"),
    pytest.param(with_default, id="default"),
    pytest.param(with_keyword, id="keyword"),
    pytest.param(decorated, id="decorator"),
    pytest.param(cached, id="cache"),
    pytest.param(lambda factor: numba.njit(closed_over(factor)), id="compiled"),
    pytest.param(Scaling, id="attribute"),
    pytest.param(lambda factor: Scaling(factor).__call__, id="bound method"),
    pytest.param(WithoutDict, id="slots"),
    pytest.param(lambda factor: Scaling({"a": [1, {factor}]}), id="nested attribute"),
    pytest.param(lambda factor: Scaling(closed_over(factor)), id="function as attribute"),
    pytest.param(mapping, id="attribute of a dictionary"),
    pytest.param(lambda factor: Scaling(Mapping(a=factor)), id="own kind of dictionary"),
    pytest.param(lambda factor: Scaling({"a": factor, "b": 1}), id="dictionary"),
    pytest.param(class_of, id="static method"),
    pytest.param(subclass_of, id="base class"),
]


@pytest.mark.parametrize("make", KINDS)
def test_what_differs_in_anything_has_another_fingerprint(make):
    assert fingerprint(make(1)) == fingerprint(make(1))
    assert len({fingerprint(make(factor)) for factor in (1, 2, 1.0, True, "1", None)}) == 6


def test_every_pixel_of_an_array_counts():
    flat, other = np.zeros((100, 100)), np.zeros((100, 100))
    other[50, 50] = 1e-9
    assert fingerprint(Scaling(flat)) == fingerprint(Scaling(flat.copy()))
    assert fingerprint(Scaling(flat)) != fingerprint(Scaling(other))
    assert fingerprint(Scaling(flat)) != fingerprint(Scaling(flat.astype(np.float32)))


CONTENTS = [
    (np.add, np.subtract),
    (len, sum),
    (re.compile("a"), re.compile("b")),
    (Path("a"), Path("b")),
    ("a".upper, "b".upper),
    (np.array([1, "a"], object), np.array([1, "b"], object)),
    (pd.Series([1.0], index=["x"]), pd.Series([1.0], index=["y"])),
    (CubicSpline([0, 1, 2], [1, 2, 3]), CubicSpline([0, 1, 2], [1, 2, 4])),
]


@pytest.mark.parametrize(("first", "second"), CONTENTS)
def test_objects_of_others_count_by_their_content(first, second):
    assert fingerprint(Scaling(first)) == fingerprint(Scaling(copy.copy(first)))
    assert fingerprint(Scaling(first)) != fingerprint(Scaling(second))


@pytest.mark.parametrize("state", [object(), threading.Lock(), (n for n in "a"), [math, np]])
def test_state_that_has_no_content_changes_nothing(state):
    again = type(state)() if type(state) is object else state
    assert fingerprint(Scaling(state)) == fingerprint(Scaling(again))


def test_functions_that_call_each_other_and_objects_in_circles_have_an_end():
    circle = Scaling(None)
    circle.factor = [circle]
    assert fingerprint(circle) != fingerprint(Scaling([None]))
    source = (
        "def even(i, m, c): return i and odd(i, m, c)\ndef odd(i, m, c): return even(i, m, c)"
    )
    first, second = (made(source.replace("i and", word))["even"] for word in ("i and", "i or"))
    assert fingerprint(first) != fingerprint(second)


def made(source):
    names = {"__name__": "somebodys_script"}
    exec(source, names)  # noqa: S102
    return names


SCRIPT = """
LEVEL = 3
UNUSED = 1
def helper(x):
    return deeper(x)
def deeper(x):
    return x + 1
class Tool:
    def use(self, x):
        return x
def feature(image, mask, context):
    values = [Tool().use(helper(x)) for x in image]
    return LEVEL if "a" in {"a", "b", "c"} else values
"""
CHANGES = [
    pytest.param("LEVEL = 3", "LEVEL = 4", True, id="constant"),
    pytest.param("return deeper(x)", "return deeper(x) + 1", True, id="helper"),
    pytest.param("return x + 1", "return x + 2", True, id="helper of the helper"),
    pytest.param("        return x\n", "        return -x\n", True, id="class"),
    pytest.param("UNUSED = 1", "UNUSED = 2", False, id="what it does not use"),
    pytest.param("LEVEL = 3", "# A comment.\nLEVEL = 3", False, id="comment"),
]


@pytest.mark.parametrize(("old", "new", "counts"), CHANGES)
def test_all_that_a_function_uses_counts_and_nothing_else(old, new, counts):
    before, after = made(SCRIPT)["feature"], made(SCRIPT.replace(old, new, 1))["feature"]
    assert (fingerprint(before) != fingerprint(after)) == counts


@pytest.mark.parametrize(
    ("value", "counts"), [("y = 2\nz = 1", True), ("y = 1\nz = 2", False)]
)
def test_what_is_taken_from_a_module_of_the_user_counts(monkeypatch, value, counts):
    found = []
    for text in ("y = 1\nz = 1", value):
        helpers = ModuleType("my_helpers")
        exec(text, vars(helpers))  # noqa: S102
        names = made("def feature(image, mask, context): return my_helpers.y")
        names["my_helpers"] = helpers
        found.append(fingerprint(names["feature"]))
    assert (found[0] != found[1]) == counts


def test_the_fingerprint_is_the_same_in_every_process():
    script = SCRIPT + (
        "from pyama.processing.plugin_digest import fingerprint\n"
        "import functools\n"
        "print(fingerprint(functools.partial(feature, {'x', 'y', 'z'})))\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_a_version_takes_the_place_of_everything_else():
    first, second = Scaling(1), Scaling(2)
    first.version = second.version = "7"
    assert fingerprint(first) == fingerprint(second)
    assert fingerprint(first).endswith("Scaling version 7")


def test_a_run_keeps_the_fingerprints_that_it_began_with():
    changing = Scaling(0)
    with steady_fingerprints():
        before = fingerprint(changing)
        with steady_fingerprints():
            changing.factor = 1
            assert fingerprint(changing) == before
        assert fingerprint(changing) == before
    assert fingerprint(changing) != before
    assert plugin_digest._taken == {}, "nothing is kept alive"
