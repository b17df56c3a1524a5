"""Outputs that a run can make again, by kind, and what `pyama clean` has removed of them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from pyama import layout
from pyama.fov_ranges import fovs_text
from pyama.store import CELL_PREVIEWS_MARK, CELLS_MARK, FovStore, fovs_in

KINDS = {
    "previews": "small images for display",
    "crops": "cells cut out of every channel",
    "backgrounds": "backgrounds of the fluorescence",
    "labels": "cells numbered frame by frame",
    "frames": "frames as they were recorded",
}
"""Kinds of outputs that may be removed, as options and in messages, and what they are."""
_GROUPS = {"fl_background": "backgrounds", "seg_labeled": "labels", "pc": "frames"}
_GROUPS["fl"] = _GROUPS["pc"]


def kind_of(output: str) -> str | None:
    """Return the kind of an output, such as `crops` for `cells/0`; None if it always stays."""
    if output in {CELLS_MARK, CELL_PREVIEWS_MARK}:
        return "crops" if output == CELLS_MARK else "previews"
    group, _, level = output.partition("/")
    kind, _ = layout.parse_group(group) or ("", 0)
    return "previews" if kind and level == layout.PREVIEW else _GROUPS.get(kind)


def removed_in(output_dir: Path) -> dict[int, list[str]]:
    """Return the outputs that were removed on purpose, by field of view."""
    stores = [FovStore(output_dir, fov) for fov in fovs_in(output_dir)]
    return {store.fov: sorted(removed) for store in stores if (removed := store.removed())}


def kinds_text(outputs: Mapping[int, Iterable[str]]) -> str:
    """Return which kinds of outputs there are in which fields of view."""
    fovs: dict[str, list[int]] = defaultdict(list)
    for fov, names in outputs.items():
        for kind in {kind_of(name) or name for name in names}:
            fovs[kind].append(fov)
    order = [*KINDS, *sorted(fovs.keys() - KINDS.keys())]
    places: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for kind in order:
        if kind in fovs:
            places[tuple(fovs[kind])].append(kind)
    parts = [
        f"{', '.join(kinds)} of FOV {fovs_text(where)}" for where, kinds in places.items()
    ]
    return "; ".join(parts)


def removed_remarks(removed: Mapping[int, Iterable[str]]) -> list[str]:
    """Return in a sentence what was removed on purpose and how to get it back, if anything.

    Args:
        removed: Outputs by field of view, see `removed_in`.
    """
    if not removed:
        return []
    return [
        f"Removed by `pyama clean`: {kinds_text(removed)}. `pyama run` with the same options "
        "makes them again."
    ]
