"""The rules of CONTRIBUTING about the form of the source hold."""

import ast
import re
from collections import Counter
from itertools import chain
from pathlib import Path
from statistics import quantiles

import grimp
import pytest

import pyama

ROOT = Path(pyama.__file__).parent
PAGE = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
MODULES = sorted(ROOT.rglob("*.py"))
SPECIAL = {"__init__", "__main__"}
MAX_LINES = 300
MAX_FILES = 12
MAX_BROAD = 2
BROAD = {"Exception", "BaseException"}


@pytest.fixture(scope="module")
def trees():
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}


def short(path):
    return path.relative_to(ROOT).as_posix()


def test_every_place_that_the_page_names_exists():
    rooms = PAGE.partition("### Packages")[2].partition("### Glossary")[0]
    rows = [
        line for line in rooms.splitlines() if line.startswith("| ") and "src/" not in line
    ]
    places = {place for row in rows for place in re.findall(r"`([a-z_/0-9]+(?:/|\.py))`", row)}
    absent = {place for place in places if not list(ROOT.rglob(place))}
    assert len(places) > 40
    assert absent == set()


def test_no_two_modules_share_a_name():
    names = Counter(path.stem for path in MODULES if path.stem not in SPECIAL)
    assert [name for name, count in names.items() if count > 1] == []


def test_no_module_is_long():
    lines = {short(path): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert {name: n for name, n in lines.items() if n > MAX_LINES} == {}


def test_modules_import_each_other_in_one_direction():
    graph = grimp.build_graph("pyama", cache_dir=None)
    graph.remove_module("pyama")  # loads its names when they are used
    imported = {m: graph.find_modules_directly_imported_by(m) for m in graph.modules}
    while leaves := [m for m, others in imported.items() if not others & imported.keys()]:
        for module in leaves:
            del imported[module]
    while unused := imported.keys() - set(chain(*imported.values())):
        for module in unused:
            del imported[module]
    assert sorted(imported) == []  # what is left lies on a circle, or between two


def test_rooms_of_processing_are_small():
    inside = [path for path in MODULES if path.stem not in SPECIAL]
    rooms = Counter(path.parent for path in inside if "processing" in path.parts)
    assert {short(room): n for room, n in rooms.items() if n > MAX_FILES} == {}


def catches_everything(handler):
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False  # it only cleans up
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or getattr(kind, "id", "") in BROAD for kind in kinds)


def test_few_handlers_catch_every_exception(trees):
    broad = [
        f"{short(path)}:{node.lineno}"
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and catches_everything(node)
    ]
    assert len(broad) <= MAX_BROAD, broad


def test_functions_are_short(trees):
    lengths = [
        node.end_lineno - node.lineno + 1
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    hundredths = quantiles(lengths, n=100)
    assert hundredths[49] <= 10
    assert hundredths[94] <= 35
