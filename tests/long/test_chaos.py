"""A tenth of `python dev.py chaos`: kills, failing writes, damaged files, wrong requests."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHARE = "0.1"
PARTS = {
    "kills": "pipeline/test_kill.py",
    "conversions": "pipeline/test_killed_conversions.py",
    "writes": "pipeline/test_faults.py::"
    "test_a_failing_write_is_one_line_and_the_next_run_makes_it_good",
    "damages": "pipeline/test_verify.py::test_any_damaged_file_is_named_and_made_again",
    "folders": "pipeline/test_stateful.py",
    "workers": "pipeline/test_workers.py::test_bytes_do_not_depend_on_the_workers",
    "recordings": "property/test_fuzz.py",
    "requests": "interfaces/test_web_openapi.py",
}


@pytest.mark.long
@pytest.mark.timeout(2400)
@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_a_tenth_of_the_chaos(part):
    command = [sys.executable, "-m", "pytest", "-n0", "-s", "-p", "no:cacheprovider"]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    ended = subprocess.run(
        [*command, f"tests/{part}"],
        cwd=ROOT,
        env={**kept, "PYAMA_CHAOS": SHARE},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    print(ended.stdout)  # noqa: T201
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.search(r"\b[1-9]\d* passed", ended.stdout)
