"""Compiling is said once, and is not part of what a step takes."""

import logging
import time

import numba

from pyama.processing import compiling
from pyama.processing.compiling import compiling_seconds
from pyama.processing.runner import Job, run_jobs


def fresh_kernel():
    """A kernel that nobody has compiled."""

    @numba.njit
    def total(numbers):
        found = 0.0
        for number in numbers:
            found += number**2
        return found

    return total


def plan(kernel):
    yield Job((), lambda parts: (), framewise=False)
    kernel((1.0, 2.0, 3.0))


def test_compiling_is_no_part_of_a_step():
    before, started = compiling_seconds(), time.perf_counter()
    report = run_jobs("segmentation", 0, lambda: plan(fresh_kernel()))
    around = time.perf_counter() - started
    compiled = compiling_seconds() - before
    assert compiled > 0
    assert 0 <= report.seconds <= around - compiled


def test_it_is_said_once(caplog, monkeypatch):
    monkeypatch.setattr(compiling._clock, "has_told", False)
    with caplog.at_level(logging.INFO, compiling.__name__):
        for _ in range(2):
            fresh_kernel()((1.0, 2.0))
    assert [entry.getMessage() for entry in caplog.records] == [
        "Compiling, once: this takes about half a minute."
    ]
