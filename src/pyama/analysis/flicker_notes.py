"""What was repaired of the flicker of a segmentation, for summary, report and page."""

from collections import Counter

from pyama.analysis.advice.accounting import Outputs, of_step
from pyama.sentences import count_text


def flicker_sentences(outputs: Outputs) -> list[str]:
    """Return in a sentence what `repair_flicker` did in all fields of view.

    Args:
        outputs: What the steps noted.

    Returns:
        One sentence; none if flicker was not looked for.
    """
    found = [n["flicker"] for n in of_step(outputs, "tracking").values() if "flicker" in n]
    if not found:
        return []
    counts: Counter[str] = Counter()
    for entry in found:
        counts.update(entry)
    return [
        f"Flicker was repaired in {count_text(counts['frames'], 'frame')}: "
        f"{count_text(counts['split'], 'object')} divided and "
        f"{count_text(counts['merged'], 'cell')} joined, as they are in the frames before and "
        "after."
    ]
