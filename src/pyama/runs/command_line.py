"""A run as it is typed in a shell."""

import os
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from pyama import layout
from pyama.analysis.fitting.fit_settings import FitSettings
from pyama.config import ProcessingConfig
from pyama.derived_section import without_values
from pyama.fov_ranges import ALL_FRAMES, fovs_text
from pyama.runs.request import PreparedRun


def command(run: PreparedRun, plugins: Sequence[Path] = ()) -> str:
    """Return a run as a command line of this system.

    Args:
        run: The run; parameters that have their default are left out.
        plugins: Folders of plugins that were loaded.
    """
    words = ["pyama", "run", str(run.file), "--output", str(run.output)]
    words += _channel_words(run)
    if run.fovs != list(range(run.metadata.n_fovs)):
        words += ["--fovs", _fov_words(run.fovs)]
    if run.config.params.frames != ALL_FRAMES:
        words += ["--frames", run.config.params.frames]
    for folder in plugins:
        words += ["--plugins", str(folder.resolve())]
    for setting in _settings(run.config):
        words += ["--set", setting]
    if run.overwrite:
        words += ["--overwrite"]
    if run.redo or run.confirmed:
        words += ["--redo"]
    return typed(words)


def fit_command(
    tables: Sequence[Path], settings: FitSettings, plugins: Sequence[Path] = ()
) -> str:
    """Return a fit as a command line of this system.

    Args:
        tables: The tables to fit.
        settings: The options; those that have their default are left out.
        plugins: Folders of plugins that were loaded.
    """
    words = ["pyama", "fit", *map(str, tables), *settings.words()]
    for folder in plugins:
        words += ["--plugins", str(folder.resolve())]
    return typed(words)


def typed(words: Sequence[str]) -> str:
    """Return words as one line that a shell of this system reads as them."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _fov_words(fovs: list[int]) -> str:
    is_ascending = fovs == sorted(set(fovs))
    return fovs_text(fovs) if is_ascending else ",".join(map(str, fovs))


def _channel_words(run: PreparedRun) -> Iterator[str]:
    """Yield the options that choose channels and their features.

    Fluorescence channels with different features need a configuration file: the one that
    the run writes first.
    """
    pc, fl = run.config.channels.pc, run.config.channels.fl
    features = {entry.features for entry in fl}
    if len(features) > 1:
        yield from ("--config", str(run.output / layout.CONFIG_FILE))
        return
    if pc is not None:
        yield from ("--pc", str(pc.channel))
    for entry in fl:
        yield from ("--fl", str(entry.channel))
    if pc is not None and pc.features is not None:
        yield from ("--pc-features", ",".join(pc.features))
    for names in features - {None}:
        yield from ("--fl-features", ",".join(names or ()))


def _settings(config: ProcessingConfig) -> Iterator[str]:
    changed = config.params.model_dump(mode="json", exclude_defaults=True)
    changed = without_values(changed, config.derived)
    dedicated = {"plugins", "frames"}
    for name in sorted(changed.keys() & config.params.model_fields_set - dedicated):
        yield f"{name}={_yaml(changed[name])}"
    for owner, values in sorted(changed.get("plugins", {}).items()):
        for key, value in sorted(values.items()):
            yield f"{owner}.{key}={_yaml(value)}"


def _yaml(value: object) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6)
    return text.removesuffix("\n").removesuffix("...").strip()
