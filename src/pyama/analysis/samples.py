"""Samples: which fields of view belong to which condition of an experiment."""

import re
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from pyama import layout
from pyama.errors import ConfigError
from pyama.fov_ranges import parse_fovs
from pyama.yaml_files import load_yaml, parse_yaml

Fovs = str | int | Sequence[int | str]
"""Fields of view as people write them: `0-5, 7`, a number, or a list of both."""

EXAMPLE = 'samples: [{name: control, fovs: "0-5, 7"}, {name: drug, fovs: [8, 9]}]'
MAX_NAMES = 8
"""Largest number of samples that one sentence names."""
_WELL = re.compile(r"([A-Z]{1,2}\d{1,2})(?![A-Za-z0-9]).*", re.DOTALL)


def load_samples(path: Path, available: Collection[int]) -> dict[str, list[int]]:
    """Read `samples.yaml`: `samples: [{name: control, fovs: "0-5, 7"}]`.

    Further keys, as other programs write them, have no effect and are named in a warning.

    Args:
        path: The file.
        available: Fields of view that have traces.

    Returns:
        Fields of view of each sample, ascending, in the order of the file.

    Raises:
        ConfigError: The file cannot be read, or samples are wrong; the message lists all
            errors.
    """
    samples, said = _read(load_yaml(path), str(path), available)
    for text in said:
        warnings.warn(text, UserWarning, stacklevel=2)
    return samples


def read_samples(
    text: str, source: str, available: Collection[int]
) -> tuple[dict[str, list[int]], list[str]]:
    """Read the text of a `samples.yaml`; see `load_samples`.

    Args:
        text: The YAML.
        source: Name of the file, for messages.
        available: Fields of view that have traces.

    Returns:
        Fields of view of each sample, and warnings.

    Raises:
        ConfigError: As from `load_samples`.
    """
    return _read(parse_yaml(text, source), source, available)


def _read(
    entries: object, source: str, available: Collection[int]
) -> tuple[dict[str, list[int]], list[str]]:
    listed = entries.get("samples") if isinstance(entries, dict) else None
    if not isinstance(entries, dict) or not isinstance(listed, list) or not listed:
        raise ConfigError(f"{source} has no list of samples. Expected: {EXAMPLE}")
    problems: list[str] = []
    samples: list[tuple[str, Any]] = []
    further = [str(key) for key in entries if key != "samples"]
    for i, entry in enumerate(listed):
        if isinstance(entry, dict) and set(entry) >= {"name", "fovs"}:
            further += [f"samples[{i}].{key}" for key in entry if key not in ("name", "fovs")]
            name = entry["name"]
            if isinstance(name, str | int) and not isinstance(name, bool):
                samples.append((str(name), entry["fovs"]))
            else:  # YAML changes such names: 0.50 becomes 0.5, and yes becomes True
                problems.append(
                    f"samples[{i}]: the name {name!r} is not text; put it in quotation marks"
                )
        else:
            problems.append(f"samples[{i}] needs 'name' and 'fovs', got {entry!r}")
    unused = [
        f"{source} has entries that are not used: {', '.join(further)}. Used are name and "
        "fovs of each entry of samples."
    ]
    return _checked(source, samples, available, problems), unused if further else []


def samples_text(samples: Iterable[tuple[str, str]]) -> str:
    """Return samples as the text of a `samples.yaml`.

    Args:
        samples: Names, and fields of view such as `0-5, 7`.
    """
    entries = [{"name": name, "fovs": fovs} for name, fovs in samples]
    return yaml.safe_dump({"samples": entries}, sort_keys=False, allow_unicode=True)


def check_samples(
    samples: Mapping[str, Fovs], available: Collection[int]
) -> dict[str, list[int]]:
    """Check samples given as a dictionary; see `load_samples`.

    Raises:
        ConfigError: Samples are wrong; the message lists all errors.
    """
    return check_named_samples(
        ((str(name), fovs) for name, fovs in samples.items()), available
    )


def check_named_samples(
    samples: Iterable[tuple[str, Fovs]], available: Collection[int]
) -> dict[str, list[int]]:
    """Check samples given as names and fields of view; see `load_samples`.

    Raises:
        ConfigError: Samples are wrong; the message lists all errors.
    """
    return _checked("samples", samples, available, [])


def samples_by_position(
    names: Sequence[str], available: Iterable[int]
) -> dict[str, list[int]]:
    """Group fields of view by the names that the microscope gave to their positions.

    If all names begin with a well, such as `B03_0001`, the wells are the samples; otherwise
    equal names, regardless of case, are one sample. Characters that file names must not
    contain become `_`.

    Args:
        names: Names of all positions of the recording.
        available: Fields of view that have traces.

    Raises:
        ConfigError: A position has no name, or different names give the same file name.
    """
    available = sorted(available)
    nameless = [fov for fov in available if fov >= len(names) or not names[fov].strip()]
    if nameless or not available:
        raise ConfigError(
            f"The recording has no name for FOV {', '.join(map(str, nameless)) or 'any'}. "
            f"Write the samples into a file and use --samples FILE: {EXAMPLE}"
        )
    wells = [_WELL.fullmatch(names[fov].strip()) for fov in available]
    in_wells = all(wells)
    samples: dict[str, list[int]] = {}
    spelled: dict[str, str] = {}
    for fov, well in zip(available, wells, strict=True):
        given = well[1] if in_wells and well else names[fov].strip()
        first = spelled.setdefault(layout.safe_name(given).casefold(), given)
        if first.casefold() != given.casefold():
            raise ConfigError(
                f"Positions {first!r} and {given!r} differ only in characters that file names "
                "must not contain. Write the samples into a file and use --samples FILE: "
                f"{EXAMPLE}"
            )
        samples.setdefault(layout.safe_name(first), []).append(fov)
    return samples


def _checked(
    source: str,
    samples: Iterable[tuple[str, Any]],
    available: Collection[int],
    problems: list[str],
) -> dict[str, list[int]]:
    read: list[tuple[str, list[int]]] = []
    for name, text in samples:
        if not name or layout.safe_name(name) != name:
            problems.append(f"{name!r} cannot be part of a file name; choose another name")
        try:
            read.append((name, read_fovs(text)))
        except ValueError as error:
            problems.append(f"{name!r}: {error}")
    names = Counter(name.casefold() for name, _ in read)  # some disks ignore case
    problems += [f"{name!r} occurs {n} times" for name, n in names.items() if n > 1]
    problems += fov_problems(read, available)
    if problems:
        there = ", ".join(map(str, sorted(available))) or "none"
        raise ConfigError(
            f"{source} has {len(problems)} wrong entr{'y' if len(problems) == 1 else 'ies'}:\n"
            + "\n".join(f"  {problem}" for problem in problems)
            + f"\nFOVs with traces: {there}."
        )
    return dict(read)


def fov_problems(
    read: Sequence[tuple[str, Sequence[int]]], available: Collection[int]
) -> list[str]:
    """Return which fields of view of a recording are in several samples or have no traces.

    Args:
        read: Names of samples and their fields of view.
        available: Fields of view that have traces.
    """
    problems = []
    owners: dict[int, list[str]] = {}
    for name, fovs in read:
        for fov in fovs:
            owners.setdefault(fov, []).append(repr(name))
    for fov, found in owners.items():
        more = f" and {len(found) - MAX_NAMES} more" if len(found) > MAX_NAMES else ""
        if len(found) > 1:
            problems.append(f"FOV {fov} is in {' and '.join(found[:MAX_NAMES])}{more}")
    for name, fovs in read:
        if absent := [fov for fov in fovs if fov not in available]:
            more = f" and {len(absent) - 8} more" if len(absent) > 8 else ""
            listed = ", ".join(map(str, absent[:8]))
            problems.append(f"{name!r}: FOV {listed}{more} has no traces")
    return problems


def read_fovs(value: object) -> list[int]:
    """Read fields of view as people write them, see `Fovs`; ranges include their end.

    Returns:
        0-based indices, ascending, each once.

    Raises:
        ValueError: They cannot be read, or there are none.
    """
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
    parts = list(value) if isinstance(value, Iterable) and several else [value]
    found: list[int] = []
    for part in parts:
        if isinstance(part, int) and not isinstance(part, bool) and part >= 0:
            found.append(part)
        else:
            found += parse_fovs(str(part))
    if not found:
        raise ValueError("the list of fields of view is empty")
    return sorted(set(found))
