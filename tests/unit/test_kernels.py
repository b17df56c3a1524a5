"""Compiled kernels and their cache on disk."""

import os
import subprocess
import sys

import pytest

MODULE = """
import sys
import numpy as np
from pyama.algorithms.kernels.array_types import kernel

@kernel
def half(values):
    return values[0] / 2

for dtype in sys.argv[1:]:
    print(half(np.array([5], dtype)))
"""


@pytest.fixture
def halves(tmp_path):
    """Runs the kernel in a process of its own."""
    path = tmp_path / "halves.py"
    path.write_text(MODULE)

    def run(*dtypes):
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
        command = [sys.executable, path, *dtypes]
        found = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, timeout=120
        )
        return [float(line) for line in found.stdout.split()]

    return run


def test_a_cache_that_is_not_what_it_should_be_is_made_anew(halves, tmp_path):
    assert halves("int64", "float64") == [2.5, 2.5]
    one, other = sorted((tmp_path / "cache").rglob("*.nbc"))
    before = one.read_bytes(), other.read_bytes()
    one.write_bytes(before[1])
    other.write_bytes(before[0])
    assert halves("int64", "float64") == [2.5, 2.5]
    for file in (tmp_path / "cache").rglob("*.nbc"):
        file.write_bytes(before[0][:100])
    assert halves("int64", "float64") == [2.5, 2.5]
