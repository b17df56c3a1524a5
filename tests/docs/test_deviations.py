"""The page on deviations has a reason for each, and names what a user meets first."""

from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "deviations.md").read_text(encoding="utf-8")
ROWS = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| ")][1:]


def test_every_row_has_a_place_an_answer_and_a_reason():
    assert len(ROWS) > 30
    assert {len(row) for row in ROWS} == {3}


@pytest.mark.parametrize(
    "name",
    [
        "frame_interval",
        "max_object_size",
        "aspect_ratio",
        "run.json",
        ".lock",
        "METADATA.ome.xml",
    ],
)
def test_what_a_user_meets_is_named(name):
    assert any(name in row[0] + row[1] for row in ROWS)
