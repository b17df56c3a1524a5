"""Which cells have no trace, and why: one wording for terminal, page and report."""

from collections import Counter
from collections.abc import Iterable, Mapping


def count_left_out(removed: Mapping[str, Iterable[int]]) -> Counter[str]:
    """Count the cells that the filters of traces left out of a field of view.

    Args:
        removed: Numbers of the cells by the parameter of the filter, as extraction notes them.

    Returns:
        Number of cells by `min_frames` and `border_margin`, and by `both`; the last ones count
        in the other two, too.
    """
    cells = {name: set(removed.get(name, ())) for name in ("min_frames", "border_margin")}
    counts = Counter({name: len(numbers) for name, numbers in cells.items()})
    counts["both"] = len(set.intersection(*cells.values()))
    return counts


def filter_reasons(min_frames: int | str, border_margin: int) -> dict[str, str]:
    """Return why each filter leaves cells out, by its parameter; in words."""
    return {
        "min_frames": f"in fewer than {min_frames} frames",
        "border_margin": f"within {border_margin} px of the edge",
    }
