"""Measurement of time, memory and files on disk."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Cost:
    """Time and files of one step.

    Attributes:
        cpu: Seconds of processor time, all threads together.
        wall: Seconds on the clock.
        bytes: Written and still there at the end of the step.
        files: Likewise.
    """

    cpu: float = 0.0
    wall: float = 0.0
    bytes: int = 0
    files: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.cpu + other.cpu,
            self.wall + other.wall,
            self.bytes + other.bytes,
            self.files + other.files,
        )

    def cheaper(self, other: "Cost | None") -> "Cost":
        """Return the smaller times of two runs that wrote the same files."""
        if other is None:
            return self
        return Cost(
            min(self.cpu, other.cpu), min(self.wall, other.wall), self.bytes, self.files
        )


@dataclass
class Costs:
    """Time and files of successive steps that write into one folder.

    Attributes:
        folder: Where they write; None for steps that write nothing.
        steps: Cost by the name of the step.
    """

    folder: Path | None = None
    steps: dict[str, Cost] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)

    @contextmanager
    def of(self, step: str) -> Iterator[None]:
        """Measure a block and add it to the cost of a step."""
        cpu, wall = time.process_time(), time.perf_counter()
        yield
        cost = Cost(time.process_time() - cpu, time.perf_counter() - wall)
        if self.folder is not None:
            found = {
                str(path): path.stat().st_size
                for path in self.folder.rglob("*")
                if path.is_file()
            }
            fresh = found.keys() - self._known
            cost.bytes, cost.files = sum(found[name] for name in fresh), len(fresh)
            self._known = set(found)
        self.steps[step] = self.steps.get(step, Cost()) + cost


def peak_mb() -> float | None:
    """Return the peak memory of this process in MB; None if the system does not report it."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def children_cpu() -> float | None:
    """Return the CPU time of all finished child processes in s; None on Windows."""
    if sys.platform == "win32":
        return None
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
