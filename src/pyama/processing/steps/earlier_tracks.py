"""Inspections when traces are made again.

The earlier tracks are kept until the corrections are expressed in the numbers of the new ones.
"""

import json
import logging
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pyama import layout
from pyama.errors import StoreError
from pyama.fov_ranges import ALL_FRAMES
from pyama.processing.plugin_calls import report_progress
from pyama.store import CELLS_MARK, TRACES_MARK, FovStore, Stack, StoredArray, write_atomically
from pyama.traces.carried_corrections import carry_over, matched_labels, partners
from pyama.traces.carried_frames import SelectedFrames, in_other_frames
from pyama.traces.corrected_table import read_uncorrected
from pyama.traces.correction_log import read_records
from pyama.traces.digests import digest_if_there, inspected_digest, traces_digest
from pyama.traces.inspection import Inspection

logger = logging.getLogger(__name__)

EARLIER, FACTS = layout.EARLIER, layout.EARLIER_FACTS
TRACES, LEFT_OUT, TRACKS = "traces.csv", "left_out.csv", "tracks"


def keep_earlier(store: FovStore, *, tracks: bool) -> None:
    """Keep what corrections refer to, before a step replaces it.

    Nothing is kept if nobody has corrected the current traces.

    Args:
        store: The field of view.
        tracks: Whether the labels of the tracks are replaced, too; they are moved away.
    """
    folder = store.path / EARLIER
    logs = sorted(store.path.glob(f"*_fov_{store.fov:03d}_traces_inspection.jsonl"))
    digests = [inspected_digest(log) for log in logs]
    if _facts(folder).get("traces", "") not in digests and not _begun(store, digests, folder):
        return
    group = _facts(folder).get("group", "")
    place = store.path / layout.IMAGES / group / layout.FULL
    if tracks and group and place.is_dir() and not (folder / TRACKS).exists():
        place.rename(folder / TRACKS)


def carry_inspection_over(store: FovStore, group: str) -> None:
    """Express the corrections of earlier traces in the numbers of the current ones.

    Args:
        store: The field of view; its traces are finished.
        group: Group of its tracks.
    """
    folder = store.path / EARLIER
    inspection = _inspection(store) if folder.exists() else None
    if inspection is not None:
        log_digest = inspected_digest(inspection.log)
        if log_digest == _facts(folder).get("traces") and _are_other_tables(inspection):
            _carry_over(store, group, inspection)
    shutil.rmtree(folder, ignore_errors=True)


def _are_other_tables(inspection: Inspection) -> bool:
    """Whether the log of an inspection refers to other tables than those of the last run."""
    if inspected_digest(inspection.log) != traces_digest(inspection.traces):
        return True
    left_out = digest_if_there(inspection.left_out)
    return read_records(inspection.log).keeps_others(left_out)


def _carry_over(store: FovStore, group: str, inspection: Inspection) -> None:
    folder = store.path / EARLIER
    _, old = read_uncorrected(folder / TRACES, folder / LEFT_OUT)
    _, new = read_uncorrected(inspection.traces, inspection.left_out)
    then = SelectedFrames.parse(_facts(folder).get("frames", ALL_FRAMES))
    now = SelectedFrames.parse(_frames(store))
    old, entries = in_other_frames(old, read_records(inspection.log).all(), then, now)
    counted = np.array([then.frame(now.number(t)) >= 0 for t in new.frames.tolist()], np.bool_)
    matches = list(_matches(store, group, then, now)) if _are_new(store, group) else None
    partner = partners(old, new, matches)
    continued = inspection.earlier_log()
    used = [e.action for e in read_records(continued).all()] if continued else []
    results = carry_over(entries, old, new, partner, counted, used)
    if results:
        inspection.replace_log(results)
    n = sum(bool(result.actions) or result.settled for result in results)
    text = "FOV %d: %d of %d corrections of the inspection were carried over to the new traces"
    logger.info(text, store.fov, n, len(results))


def _matches(
    store: FovStore, group: str, then: SelectedFrames, now: SelectedFrames
) -> Iterator[dict[int, int]]:
    """Yield the new number by earlier number for every frame of the new tracks."""
    earlier = store.path / EARLIER / TRACKS
    if not earlier.is_dir():  # tracks of another channel are still in their place
        name = _facts(earlier.parent).get("group", "")
        earlier = store.path / layout.IMAGES / name / layout.FULL
    old, new = Stack(StoredArray(earlier)), store.stack(group)
    for t in range(len(new)):
        report_progress()
        before = then.frame(now.number(t))
        try:
            yield matched_labels(old[before], new[t]) if 0 <= before < len(old) else {}
        except StoreError:
            yield {}


def _frames(store: FovStore) -> str:
    """Return which frames of the recording the current traces are of."""
    mark = store.mark(TRACES_MARK)
    return str(mark.recipe.params.get("frames", ALL_FRAMES)) if mark else ALL_FRAMES


def _are_new(store: FovStore, group: str) -> bool:
    """Whether the tracks are not those of the corrections."""
    facts = _facts(store.path / EARLIER)
    mark = store.mark(f"{group}/{layout.FULL}")
    return mark is None or (group, mark.recipe.digest) != (
        facts.get("group"),
        facts.get("tracks"),
    )


def _begun(store: FovStore, digests: Sequence[str | None], folder: Path) -> bool:
    """Note which traces and tracks corrections refer to, and copy the traces.

    Returns:
        False if the current traces are not those that were corrected.
    """
    inspection = _inspection(store)
    if inspection is None or (digest := traces_digest(inspection.traces)) not in digests:
        return False
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copyfile(inspection.traces, folder / TRACES)
    if inspection.left_out.exists():
        shutil.copyfile(inspection.left_out, folder / LEFT_OUT)
    facts = {"traces": digest, "frames": _frames(store)}
    mark = store.mark(CELLS_MARK) or store.removed().get(CELLS_MARK)
    for name, recipe in mark.recipe.inputs.items() if mark else ():
        if name.startswith("seg_tracked"):
            facts |= {"group": name.partition("/")[0], "tracks": recipe}
    write_atomically(folder / FACTS, json.dumps(facts).encode())
    return True


def _inspection(store: FovStore) -> Inspection | None:
    """Return the inspection of a field of view; None if nobody has corrected anything."""
    try:
        inspection = Inspection(store.path.parent, store.fov)
    except StoreError:
        return None
    return inspection if inspection.log.exists() else None


def _facts(folder: Path) -> dict[str, Any]:
    try:
        facts = json.loads((folder / FACTS).read_bytes())
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}
