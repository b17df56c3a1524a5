"""What can be removed from an output folder, because a run makes it again as it was."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyama.analysis.removed_outputs import KINDS, kind_of
from pyama.errors import PyamaError, message_of
from pyama.fov_ranges import fovs_text
from pyama.processing.methods import with_own_params
from pyama.processing.plugin_digest import keep_fingerprints
from pyama.processing.plugin_targets import load_installed_plugins
from pyama.processing.recipes import FovContexts
from pyama.processing.record import Record
from pyama.processing.step_reports import Status
from pyama.processing.steps.step import RECORDING
from pyama.processing.workflow.planned_steps import plan_fov
from pyama.readers import open_reader
from pyama.store import (
    CELL_PREVIEWS_MARK,
    CELLS_MARK,
    FovStore,
    MarkFile,
    fovs_in,
    is_behind_link,
)
from pyama.units import bytes_text

LINKED = "their folder is a link"
NO_SOURCE = "what they are made from is not there any more"
NOT_PLANNED = "the settings in processing_config.yaml do not include them"


@dataclass
class Removable:
    """Finished outputs of one kind that a run makes again, with the same bytes.

    Attributes:
        kind: One of `KINDS`.
        outputs: Size of every output in bytes, by field of view and name.
        steps: Steps that make them again.
    """

    kind: str
    outputs: dict[int, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    steps: set[str] = field(default_factory=set)

    @property
    def size(self) -> int:
        """Size of the files in bytes."""
        return sum(sum(sizes.values()) for sizes in self.outputs.values())


@dataclass
class Found:
    """What a search for outputs that can be made again has found.

    Attributes:
        groups: What can be removed, by kind.
        kept: Fields of view, kinds and size of what stays, by the reason.
    """

    groups: dict[str, Removable] = field(
        default_factory=lambda: {kind: Removable(kind) for kind in KINDS}
    )
    kept: dict[str, dict[int, dict[str, int]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(dict))
    )

    def kept_lines(self) -> Iterator[str]:
        """Yield one sentence per reason for which something stays."""
        for reason, outputs in self.kept.items():
            kinds = {kind_of(name) for sizes in outputs.values() for name in sizes}
            size = sum(sum(sizes.values()) for sizes in outputs.values())
            named = ", ".join(kind for kind in KINDS if kind in kinds)
            fovs = fovs_text(sorted(outputs))
            yield f"{named} of FOV {fovs} ({bytes_text(size)}) stay: {reason}"


@keep_fingerprints()
def find_removable(output_dir: Path, record: Record) -> Found:
    """Find the outputs that a run with the recorded configuration makes again as they are.

    Args:
        output_dir: The output folder.
        record: What the last run recorded.
    """
    found, config = Found(), record.config
    load_installed_plugins()
    try:
        contexts = FovContexts(record.metadata, with_own_params(config), output_dir)
        contexts.compute_recipes([0])  # reads the files that methods depend on
    except PyamaError as error:
        for fov in fovs_in(output_dir):
            _keep_all(found, FovStore(output_dir, fov), message_of(error))
        return found
    problem = recording_problem(output_dir, record)
    for fov in fovs_in(output_dir):
        if fov < record.metadata.n_fovs:
            _look_at(found, contexts, fov, problem)
        else:
            _keep_all(found, FovStore(output_dir, fov), "the recording has no such FOV")
    return found


def recording_problem(output_dir: Path, record: Record) -> str:
    """Return why frames cannot be copied again from the recording; empty if they can."""
    recorded = record.metadata.path
    places = [recorded, output_dir.parent / recorded, output_dir.parent / recorded.name]
    problem = f"the recording {recorded} is not there"
    for path in dict.fromkeys(places):
        if not path.exists():
            continue
        try:
            with open_reader(path, **record.config.params.opening) as reader:
                if reader.metadata.identity == record.metadata.identity:
                    return ""
            problem = f"{path} is another recording now"
        except PyamaError as error:
            problem = message_of(error)
    return problem


def _look_at(found: Found, contexts: FovContexts, fov: int, recording: str) -> None:
    store, recipes = FovStore(contexts.output_dir, fov), contexts.recipes(fov)
    planned = {
        name: reasons
        for step in plan_fov(contexts, fov)
        for name, reasons in step.outputs.items()
    }
    sources, causes = {RECORDING: not recording}, dict[str, str]()
    for name, recipe in recipes.items():
        is_made = all(sources[source] for source in recipe.inputs)
        sources[name] = is_made or not planned[name]
        reason = "" if is_made else NO_SOURCE
        if not is_made and RECORDING in recipe.inputs:
            reason = recording
        if planned[name]:
            causes[name] = _cause(planned[name][0], causes)
            reason = f"a run does not make them as they are ({causes[name]})"
        _sort(found, store, name, reason, recipe.step)
    for name in store.marks().keys() - recipes.keys():
        _sort(found, store, name, NOT_PLANNED)


def _cause(reason: str, causes: Mapping[str, str]) -> str:
    """Return the first cause of a change; outputs change because others do."""
    source = reason.removesuffix(" changes")
    return causes.get(source, reason)


def _keep_all(found: Found, store: FovStore, reason: str) -> None:
    for name in store.marks():
        _sort(found, store, name, reason)


def _sort(found: Found, store: FovStore, name: str, reason: str, step: str = "") -> None:
    """Add a finished output to what can be removed or, for a reason, to what stays."""
    kind, mark_file = kind_of(name), MarkFile(store.path, name)
    if kind is None or mark_file.read() is None:
        return
    if not reason and is_behind_link(mark_file):
        reason = LINKED
    size = sum(mark_file.sizes().values())
    if reason:
        found.kept[reason][store.fov][name] = size
        return
    found.groups[kind].outputs[store.fov][name] = size
    found.groups[kind].steps.add(step)
    if name == CELL_PREVIEWS_MARK and CELLS_MARK in found.groups["crops"].outputs[store.fov]:
        # They lie in the same folders: without the crops they are made again in any case.
        found.groups["crops"].outputs[store.fov] |= {name: size}


def seconds_of(run: Mapping[str, Any] | None, steps: set[str], fovs: set[int]) -> float | None:
    """Return how long steps took for fields of view; None where `run.json` does not tell.

    Args:
        run: Content of `run.json`.
        steps: Names of the steps.
        fovs: 0-based indices.
    """
    entries = [
        (run or {}).get("fovs", {}).get(str(fov), {}).get(step, {})
        for fov in fovs
        for step in steps
    ]
    if any(entry.get("status") != Status.DONE.value for entry in entries):
        return None  # what an unchanged step took is not what it takes
    return float(sum(entry.get("seconds", 0.0) for entry in entries))
