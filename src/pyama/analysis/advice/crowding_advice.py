"""Advice for fields of view in which cells touch each other."""

from collections.abc import Mapping

from pyama.analysis.advice.setting_advice import Advice, options
from pyama.config import ProcessingParams
from pyama.derived_sizes import SEPARATING

CROWDED = 0.2
"""Share of the foreground dropped as too large above which cells probably touch."""


def too_large_share(objects: Mapping[str, int]) -> float | None:
    """Return the share of the foreground that was dropped as too large.

    Args:
        objects: Areas in px² that segmentation counted: `large_area`, `small_area` and
            `kept_area`.

    Returns:
        From 0 to 1; None without foreground.
    """
    areas = [objects.get(f"{kind}_area", 0) for kind in ("large", "small", "kept")]
    return areas[0] / sum(areas) if sum(areas) else None


def crowding_advice(objects: Mapping[str, int], params: ProcessingParams) -> Advice | None:
    """Return what to change where cells probably touch each other; None elsewhere.

    Args:
        objects: See `too_large_share`.
        params: Of the run.
    """
    share, limit = too_large_share(objects), params.max_object_size
    if share is None or share <= CROWDED:
        return None
    remedies: list[Mapping[str, str | int]] = [{"max_object_size": 4 * (limit or 0)}]
    if params.segmentation_method not in SEPARATING:
        remedies = [{"segmentation_method": name} for name in SEPARATING] + remedies
    return Advice(
        f"{100 * share:.0f} % of the foreground was dropped as larger than {limit} "
        "px\N{SUPERSCRIPT TWO} (max_object_size): cells touch each other."
        f" Try {', or '.join(map(options, remedies))}",
        *remedies,
    )
