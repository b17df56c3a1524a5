"""Parts of a recording for the jobs of an array: each processes its share, independently."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyama.errors import ConfigError

INDEX_VARIABLES = "SLURM_ARRAY_TASK_ID", "SGE_TASK_ID", "PBS_ARRAY_INDEX"
"""Variables in which queues tell a job its index in the array."""
AUTO = "auto"
_SHARD = re.compile(rf"(\d{{1,9}}|{AUTO})/(\d{{1,9}})")


@dataclass(frozen=True)
class Shard:
    """One of several parts of the fields of view.

    Attributes:
        index: Number of the part, from 1.
        count: Number of parts.
    """

    index: int
    count: int

    def of(self, fovs: Sequence[int]) -> list[int]:
        """Return the fields of view of this part: every `count`-th one.

        All parts together have each field of view once. Neighbours, which often take equally
        long, are in different parts. If there are more parts than fields of view, some parts
        have none.
        """
        return list(fovs[self.index - 1 :: self.count])

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def parse_shard(text: str, environment: Mapping[str, str]) -> Shard:
    """Read a part as people write it: `3/40`, or `auto/40` in a job of an array.

    Args:
        text: Number of the part, from 1, and number of parts.
        environment: Variables of the process, of which one has the index for `auto`.

    Raises:
        ConfigError: The text is not a part, there is no such part, or its index is not known.
    """
    match = _SHARD.fullmatch(text.strip())
    if match is None or int(match[2]) == 0:
        raise ConfigError(
            f"{text[:40]!r} is not a part of an array of jobs. Write its number and how many "
            "there are, such as 3/40, or auto/40 to take the number from the queue."
        )
    count = int(match[2])
    source = "" if match[1] != AUTO else _variable(environment, count)
    number = environment[source].strip() if source else match[1]
    if not number.isdecimal() or not 1 <= int(number) <= count:
        found = f"{source} is {number[:40]!r}" if source else f"Part {number} is requested"
        raise ConfigError(
            f"{found}, but the parts are numbered from 1 to {count}. Number the jobs of the "
            f"array in the same way, such as with sbatch --array=1-{count}."
        )
    return Shard(int(number), count)


def _variable(environment: Mapping[str, str], count: int) -> str:
    for name in INDEX_VARIABLES:
        if environment.get(name, "undefined") not in ("", "undefined"):  # SGE without an array
            return name
    raise ConfigError(
        f"{AUTO}/{count} is for jobs of an array, but none of {', '.join(INDEX_VARIABLES)} is "
        f"set. Write the number of the part, such as 1/{count}."
    )
