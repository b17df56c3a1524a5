"""Files of experiments below a folder."""

import os
from collections.abc import Iterator
from pathlib import Path

from pyama import layout
from pyama.analysis.experiments.experiment_file import SUFFIXES
from pyama.symlinks import leads_out

MAX_BYTES = 200_000
"""Larger files are not files of experiments."""


def experiment_files(root: Path, max_depth: int, most: int) -> list[Path]:
    """Return the YAML files below a folder that list recordings, in the order of their names.

    Args:
        root: The folder.
        max_depth: Number of folders below it that are looked into.
        most: Largest number of files that are returned.
    """
    found: list[Path] = []
    for path in _yaml_files(root, max_depth):
        if len(found) < most and _lists_recordings(path):
            found.append(path)
    return found


def _yaml_files(root: Path, max_depth: int) -> Iterator[Path]:
    for place, folders, files in os.walk(root):
        path = Path(place)
        is_deep = len(path.relative_to(root).parts) >= max_depth
        if is_deep or layout.CONFIG_FILE in files:
            folders.clear()
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (path / name for name in sorted(files) if name.endswith(SUFFIXES))


def _lists_recordings(path: Path) -> bool:
    try:
        if leads_out(path) or not path.is_file() or path.stat().st_size > MAX_BYTES:
            return False
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError:
        return False
    return any(line.startswith("recordings:") for line in lines)
