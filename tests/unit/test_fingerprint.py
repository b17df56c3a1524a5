"""What identifies functions and objects: a version, a source file, the values they hold."""

import functools
import linecache
import os
import subprocess
import sys
import threading
from importlib import import_module

import numba
import numpy as np
import pytest

from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.processing import plugin_digest
from pyama.processing.methods import SEGMENTERS, TRACKERS
from pyama.processing.plugin_digest import fingerprint, keep_fingerprints
from pyama.processing.recipes import recipes
from small_movie import MOVIE, make_config, recording_of


def scaled(factor, image, mask, context):
    return factor


def closed_over(factor):
    def feature(image, mask, context):
        return factor

    return feature


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


def calling_itself(factor):
    def feature(image, mask, context):
        return factor if mask.all() else feature(image, mask | True, context)

    return feature


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


def local_class(factor):
    class Local:
        @staticmethod
        def process(image):
            return image * factor

    return Local()


KINDS = [
    pytest.param(lambda factor: functools.partial(scaled, factor), id="partial"),
    pytest.param(lambda factor: functools.partial(scaled, factor=factor), id="keywords"),
    pytest.param(closed_over, id="closure"),
    pytest.param(calling_itself, id="recursive closure"),
    pytest.param(with_default, id="default"),
    pytest.param(with_keyword, id="keyword"),
    pytest.param(decorated, id="decorator"),
    pytest.param(lambda factor: functools.lru_cache(closed_over(factor)), id="cache"),
    pytest.param(lambda factor: numba.njit(closed_over(factor)), id="compiled"),
    pytest.param(Scaling, id="attribute"),
    pytest.param(lambda factor: Scaling(factor).__call__, id="bound method"),
    pytest.param(WithoutDict, id="slots"),
    pytest.param(lambda factor: Scaling({"a": [1, {factor}]}), id="nested attribute"),
    pytest.param(lambda factor: Scaling(closed_over(factor)), id="function as attribute"),
    pytest.param(local_class, id="static method of a local class"),
]


@pytest.mark.parametrize("make", KINDS)
def test_other_values_give_another_fingerprint(make):
    assert fingerprint(make(1)) == fingerprint(make(1))
    assert len({fingerprint(make(factor)) for factor in (1, 2, 1.0, True, "1", None)}) == 6


def test_every_pixel_of_an_array_counts():
    flat, other = np.zeros((100, 100)), np.zeros((100, 100))
    other[50, 50] = 1e-9
    assert fingerprint(Scaling(flat)) == fingerprint(Scaling(flat.copy()))
    assert fingerprint(Scaling(flat)) != fingerprint(Scaling(other))
    assert fingerprint(Scaling(flat)) != fingerprint(Scaling(flat.astype(np.float32)))


def test_equal_values_count_as_often_as_they_occur():
    first, second = (functools.partial(scaled, 1, 2, last) for last in (1, 2))
    assert fingerprint(first) != fingerprint(second)


def test_functions_of_other_packages_count_by_name():
    assert fingerprint(np.add) != fingerprint(np.subtract)
    assert fingerprint(len) != fingerprint(sum)


def test_values_that_cannot_be_pickled_do_not_count():
    assert fingerprint(Scaling(threading.Lock())) == fingerprint(Scaling(threading.Lock()))
    assert fingerprint(Scaling(n for n in "a")) == fingerprint(Scaling(n for n in "b"))
    assert fingerprint(Scaling(threading.Lock())) != fingerprint(Scaling(1))


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module that is not a plugin file, and import it anew."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(text):
        (tmp_path / "my_script.py").write_text(text)
        sys.modules.pop("my_script", None)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        return import_module("my_script")

    yield write
    sys.modules.pop("my_script", None)


SCRIPT = """
LEVEL = 3
def feature(image, mask, context):
    return LEVEL
class Tool:
    def process(self, image):
        return image
"""


@pytest.mark.parametrize("name", ["feature", "Tool"])
def test_the_whole_source_file_counts(module, name):
    def made(text):
        value = getattr(module(text), name)
        return fingerprint(value() if name == "Tool" else value)

    assert made(SCRIPT) == made(SCRIPT)
    assert made(SCRIPT) != made(SCRIPT.replace("LEVEL = 3", "LEVEL = 4"))


def test_a_cell_of_a_notebook_counts(monkeypatch):
    def made(text):
        lines = (len(text), None, text.splitlines(keepends=True), "<cell 1>")
        monkeypatch.setitem(linecache.cache, "<cell 1>", lines)
        names = {"__name__": "__main__"}
        exec(compile(text, "<cell 1>", "exec"), names)  # noqa: S102
        return fingerprint(names["feature"])

    assert made(SCRIPT) == made(SCRIPT)
    assert made(SCRIPT) != made(SCRIPT.replace("LEVEL = 3", "LEVEL = 4"))


PRINT = """
import functools, sys
from pyama.processing.plugin_digest import fingerprint
print(fingerprint(functools.partial(feature, {'x', 'y', 'z'}, (frozenset('abcd'),))))
"""


def run_python(*arguments, seed="1"):
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        check=True,
        text=True,
    ).stdout


def test_the_fingerprint_is_the_same_in_every_process(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT + PRINT)
    assert len({run_python(str(path), seed=str(seed)) for seed in range(1, 6)}) == 1


def test_code_without_a_source_counts_as_changed_in_every_process():
    assert run_python("-c", SCRIPT + PRINT) != run_python("-c", SCRIPT + PRINT)


def test_a_declared_version_replaces_everything_else():
    first, second = Scaling(1), Scaling(2)
    first.version = second.version = "7"
    assert fingerprint(first) == fingerprint(second) == "version 7"


def test_a_run_keeps_the_fingerprints_from_its_beginning():
    changing = Scaling(0)
    with keep_fingerprints():
        before = fingerprint(changing)
        with keep_fingerprints():
            changing.factor = 1
            assert fingerprint(changing) == before
        assert fingerprint(changing) == before
    assert fingerprint(changing) != before
    assert plugin_digest._first == {}, "nothing is kept alive"


BUILT_IN = [
    pytest.param(registry, name, id=name)
    for registry, name in (
        (SEGMENTERS, "logstd"),
        (SEGMENTERS, "labels"),
        (TRACKERS, "iou"),
        (PHASE_FEATURES, "area"),
        (PHASE_FEATURES, "solidity"),
        (FLUORESCENCE_FEATURES, "intensity_mean"),
    )
]


@pytest.mark.parametrize(("registry", "name"), BUILT_IN)
def test_moving_or_renaming_a_built_in_function_changes_no_recipe(monkeypatch, registry, name):
    def digests():
        config = make_config(
            segmentation_method=name if registry is SEGMENTERS else "logstd",
            plugins={"labels": {"path": "."}} if name == "labels" else {},
            features={"phase": ["area", "solidity"], "fluorescence": ["intensity_mean"]},
        )
        found = recipes(recording_of(MOVIE).metadata, config, 0)
        return {key: recipe.digest for key, recipe in found.items()}

    if name == "labels":
        monkeypatch.setattr(registry[name], "identity", lambda params, fov: "")
    before = digests()
    monkeypatch.setattr(registry[name], "__module__", "pyama.elsewhere")
    monkeypatch.setattr(registry[name], "__qualname__", "other")
    assert digests() == before
    monkeypatch.setattr(registry[name], "version", 2, raising=False)
    assert digests() != before
