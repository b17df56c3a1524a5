"""Parts of a recording, and limits of time, as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyama.errors import ConfigError
from pyama.runs.shards import INDEX_VARIABLES, Shard, parse_shard
from pyama.runs.time_limits import parse_time_limit


@given(st.lists(st.integers(0, 600), unique=True), st.integers(1, 50))
def test_parts_have_every_field_of_view_once_and_are_equally_large(fovs, count):
    parts = [parse_shard(f"{k}/{count}", {}).of(fovs) for k in range(1, count + 1)]
    assert sorted(fov for part in parts for fov in part) == sorted(fovs)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("name", INDEX_VARIABLES)
def test_the_index_comes_from_the_queue(name):
    assert parse_shard("auto/4", {"SGE_TASK_ID": "undefined", name: "3"}) == Shard(3, 4)


WRONG = {
    "3": "is not a part of an array of jobs",
    "0/0": "is not a part of an array of jobs",
    "-1/4": "is not a part of an array of jobs",
    "auto": "is not a part of an array of jobs",
    "0/4": "Part 0 is requested, but the parts are numbered from 1 to 4",
    "5/4": "Part 5 is requested",
    "auto/2": "SLURM_ARRAY_TASK_ID is '3', but the parts are numbered from 1 to 2",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_part_that_does_not_exist_is_refused(text):
    with pytest.raises(ConfigError, match=WRONG[text]):
        parse_shard(text, {"SLURM_ARRAY_TASK_ID": "3"})


def test_without_a_queue_the_index_has_to_be_written():
    with pytest.raises(ConfigError, match=r"none of SLURM_.* is set\. Write the number"):
        parse_shard("auto/4", {"SLURM_ARRAY_TASK_ID": ""})


@pytest.mark.parametrize(
    ("text", "seconds"), [("3h50m", 13_800), ("90m", 5_400), ("1d 1s", 86_401), ("2H", 7_200)]
)
def test_limits_of_time_have_units(text, seconds):
    assert parse_time_limit(text) == seconds


@pytest.mark.parametrize("text", ["", "0h", "50", "3m2h", "-1h", "1.5h", "3:50:00", "soon"])
def test_other_limits_of_time_are_refused(text):
    with pytest.raises(ConfigError, match="is not a time limit"):
        parse_time_limit(text)
