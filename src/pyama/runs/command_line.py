"""A run as it is typed."""

import os
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from pyama.config import ProcessingConfig


def quoted(path: Path) -> str:
    """Return a path as it is typed in a shell."""
    return f'"{path}"' if " " in str(path) else str(path)


def command(
    file: Path,
    output: Path,
    config: ProcessingConfig,
    fovs: Sequence[int] | None,
    plugins: Sequence[Path],
) -> str:
    """Return the same run as a command line of this system.

    Args:
        file: The recording.
        output: The output folder.
        config: Channels and parameters; what has its default is left out.
        fovs: 0-based indices; None is all.
        plugins: Folders of plugins that were loaded.
    """
    words = ["pyama", "run", str(file), "--output", str(output)]
    if config.channels.pc is not None:
        words += ["--pc", str(config.channels.pc.channel)]
    for entry in config.channels.fl:
        words += ["--fl", str(entry.channel)]
    if fovs:
        words += ["--fovs", ",".join(map(str, fovs))]
    for folder in plugins:
        words += ["--plugins", str(folder.resolve())]
    for setting in _settings(config):
        words += ["--set", setting]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _settings(config: ProcessingConfig) -> Iterator[str]:
    changed = config.params.model_dump(mode="json", exclude_defaults=True)
    for name in sorted(changed.keys() & config.params.model_fields_set - {"plugins"}):
        yield f"{name}={_spelled(changed[name])}"
    for own, values in sorted(changed.get("plugins", {}).items()):
        for key, value in sorted(values.items()):
            yield f"{own}.{key}={_spelled(value)}"


def _spelled(value: object) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6)
    return text.removesuffix("\n").removesuffix("...").strip()
