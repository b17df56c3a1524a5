"""Table of the frames and pixels that were not recorded."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from pyama.analysis.report import markup
from pyama.analysis.report.report_data import ReportData
from pyama.store import NotRecorded


def gaps_table(report: ReportData) -> str:
    """Return one row per field of view and channel of which something was not recorded."""
    metadata = report.metadata
    rows = [
        row
        for fov in range(metadata.n_fovs)
        for channel in range(metadata.n_channels)
        for row in _rows(report, fov, channel)
    ]
    if not rows:
        return markup.paragraph("Nothing: the file contains every plane that it declares.")
    columns = {"channel": "text", "why": "text", "frames": "wrap"}
    return markup.table(pd.DataFrame(rows), columns, "not_recorded.csv")


def _rows(report: ReportData, fov: int, channel: int) -> Iterator[dict[str, Any]]:
    lost = report.not_recorded(fov, channel)
    never = NotRecorded.known_to(report.metadata, fov, channel).frames
    reasons = {
        "never written": sorted(lost.frames & never),
        "every pixel is 0": sorted(lost.frames - never),
    }
    for why, frames in reasons.items():
        if frames:
            yield {
                "channel": report.metadata.channel_names[channel],
                "FOV": fov,
                "why": why,
                "lost": len(frames),
                "frames": ", ".join(map(str, frames)),
            }
