"""Every promise is linked to a test that exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/promises.md"
LINKS = re.findall(r"\]\(\.\./(tests/[^)#]+)#(\w+)\)", PAGE.read_text(encoding="utf-8"))


def test_there_are_promises():
    assert len(LINKS) > 40


@pytest.mark.parametrize(("file", "name"), LINKS, ids=lambda value: Path(value).name)
def test_a_promise_has_its_test(file, name):
    text = (ROOT / file).read_text(encoding="utf-8")
    assert re.search(rf"^(def|class) {name}\b", text, re.MULTILINE), f"{file} has no {name}"


def test_every_line_of_promises_has_a_test():
    text = PAGE.read_text(encoding="utf-8").partition("## Limitations")[0]
    points = re.split(r"\n- ", text)[1:]
    assert all("](../tests/" in point.partition("\n\n")[0] for point in points)
