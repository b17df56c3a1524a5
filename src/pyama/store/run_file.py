"""Reading of `run.json`: what a run has noted, if a run has written it."""

from pathlib import Path
from typing import Any

from pyama import layout
from pyama.store.marks import unseal
from pyama.symlinks import refuse_link_out

MAX_FOV = 10**6
_KINDS: dict[str, type] = {
    **dict.fromkeys(("removed", "limits", "objects", "areas", "left"), dict),
    **dict.fromkeys(("warnings", "missing_frames"), list),
    **dict.fromkeys(("cells", "traces", "rows"), int),
}
"""Types of what steps note about their outputs, where others read it."""


def read_run(output_dir: Path) -> dict[str, Any] | None:
    """Return the content of `run.json`.

    Returns:
        None if the file is missing or damaged, or if its fields of view are not described as
        a run of this program describes them.
    """
    path = output_dir / layout.RUN_FILE
    refuse_link_out(path)
    try:
        entries = unseal(path.read_bytes())
    except OSError:
        return None
    return entries if entries is not None and _has_notes(entries) else None


def _has_notes(entries: dict[str, Any]) -> bool:
    try:
        return all(
            0 <= int(fov) <= MAX_FOV
            and all(
                _is_notes(o)
                for step in steps.values()
                for o in step.get("outputs", {}).values()
            )
            for fov, steps in entries.get("fovs", {}).items()
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


def _is_notes(notes: dict[str, Any]) -> bool:
    inner = [(notes.get("left", {}), dict), (notes.get("removed", {}), list)]
    return all(
        isinstance(notes[name], kind) for name, kind in _KINDS.items() if name in notes
    ) and all(isinstance(value, kind) for part, kind in inner for value in part.values())
