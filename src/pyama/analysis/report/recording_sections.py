"""Sections on the recording and its run: summary, counts, pictures, quality, settings."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import yaml

from pyama import layout
from pyama.analysis.report import contact_sheet, markup, plotly_figures
from pyama.analysis.report.distributions import stacked_bars
from pyama.analysis.report.quality import assess
from pyama.analysis.report.report_data import Material
from pyama.config import dump_config
from pyama.metadata import frame_times
from pyama.pictures import overlays

CROWDED = 0.2
"""Share of the foreground dropped as too large above which cells probably touch."""


def head(material: Material) -> str:
    """Title, the most important numbers, and what the reader must know."""
    metadata, run = material.metadata, material.run
    times, source = frame_times(metadata, material.config.params, 0)
    cells = material.traces.groupby(["fov", "cell"]).ngroups
    found = sum(material.notes(fov, "extraction").get("cells", 0) for fov in material.files)
    size = metadata.pixel_size_um
    shapes = {f"{w} x {h} px" for h, w in metadata.shapes}
    entries = [
        ("cells with a trace", cells, f"of {found} that were found" if found else ""),
        ("samples", len(material.samples), ", ".join(material.samples)[:80]),
        ("fields of view", len(material.files), f"of {metadata.n_fovs} recorded"),
        ("frames", metadata.n_frames, f"{times[-1] / 60:.3g} h; {source}"),
        (
            "frame size",
            ", ".join(sorted(shapes)),
            f"{size:.4g} \N{MICRO SIGN}m per px" if size else "",
        ),
        ("channels", len(material.config.channels.ids), ", ".join(_channels(material))),
    ]
    started = str(run.get("started", ""))[:10]
    line = " \N{MIDDLE DOT} ".join(
        part for part in (metadata.format, started, str(run.get("status", ""))) if part
    )
    title = f"<h1>{markup.escaped(metadata.basename)}</h1>"
    return (
        title + markup.paragraph(line) + markup.facts(entries) + markup.notes(_notes(material))
    )


def _channels(material: Material) -> list[str]:
    return [material.metadata.channel_names[i] for i in material.config.channels.ids]


def _notes(material: Material) -> list[str]:
    found = [*material.metadata.problems, *material.remarks]
    failed = [
        f"FOV {fov}, {step}: {entry.get('message')}"
        for fov, steps in material.run.get("fovs", {}).items()
        for step, entry in steps.items()
        if entry.get("status") == "failed"
    ]
    inspected = sum("_inspected" in path.name for path in material.files.values())
    if inspected:
        found.append(f"{inspected} tables were inspected; rows marked as bad are left out.")
    return found + failed + list(_crowded(material))


def _crowded(material: Material) -> Iterator[str]:
    objects = [
        material.notes(fov, "segmentation").get("objects", {}) for fov in material.files
    ]
    areas = [
        sum(part.get(f"{kind}_area", 0) for part in objects)
        for kind in ("large", "small", "kept")
    ]
    if sum(areas) and areas[0] > CROWDED * sum(areas):
        yield (
            f"{100 * areas[0] / sum(areas):.0f} % of the foreground was dropped as too large: "
            "cells touch each other. Run with --set segmentation_method=watershed, or with a "
            "larger max_object_size."
        )


def fovs_section(material: Material) -> str:
    """How many cells every field of view has, and why others were left out."""
    counts = pd.DataFrame([_counts(material, fov) for fov in material.files])
    if counts.empty:
        return markup.section("fovs", "Fields of view", markup.paragraph("No traces yet."))
    params = material.config.params
    bars = {
        "with a trace": counts["traces"],
        f"in fewer than {params.min_frames} frames": counts["short"],
        f"within {params.border_margin} px of the edge": counts["border"],
        "both": counts["both"],
    }
    figure = stacked_bars(
        counts["FOV"].tolist(), {name: part.tolist() for name, part in bars.items()}
    )
    shown = counts.rename(
        columns={
            "short": "min_frames",
            "border": "border_margin",
            "small": "objects too small",
            "large": "objects too large",
        }
    )
    table = markup.table(shown, {"sample": "text", "table": "text"}, "fields_of_view.csv")
    text = "Objects are counted in every frame, before they are followed through time."
    return markup.section(
        "fovs",
        "Fields of view",
        markup.plot(figure),
        markup.details("Table", markup.paragraph(text) + table),
    )


def _counts(material: Material, fov: int) -> dict[str, Any]:
    notes = material.notes(fov, "extraction")
    removed = {name: set(cells) for name, cells in notes.get("removed", {}).items()}
    brief, near = removed.get("min_frames", set()), removed.get("border_margin", set())
    objects = material.notes(fov, "segmentation").get("objects", {})
    rows = material.traces[material.traces["fov"] == fov]
    return {
        "FOV": fov,
        "sample": ", ".join(map(str, rows["sample"].unique())),
        "cells": notes.get("cells", rows["cell"].nunique()),
        "traces": notes.get("traces", rows["cell"].nunique()),
        "short": len(brief - near),
        "border": len(near - brief),
        "both": len(brief & near),
        "small": objects.get("small", 0),
        "large": objects.get("large", 0),
        "table": material.files[fov].name,
    }


def pictures_section(material: Material) -> str:
    """Images with the outlines of what was taken for a cell."""
    shown = "".join(
        f'<figure><img src="{picture.url}" alt="{markup.escaped(picture.caption)}" '
        f'loading="lazy"><figcaption>{markup.escaped(picture.caption)}</figcaption></figure>'
        for picture in contact_sheet.pictures(material)
    )
    if not shown:
        return markup.section("cells", "Segmentation", markup.paragraph("No images."))
    names = " and ".join(_channels(material)[:2])
    key = "".join(
        f'<span class="key" style="background:rgb{rgb}"></span>{words}'
        for rgb, words in (
            (overlays.WITH_TRACE, "cell with a trace"),
            (overlays.WITHOUT_TRACE, "left out"),
        )
    )
    text = f'<p class="soft">{markup.escaped(names)}.{key}</p>'
    return markup.section("cells", "Segmentation", text, f'<div class="sheet">{shown}</div>')


def quality_section(material: Material) -> str:
    """Background, drift, focus, saturation and lost frames."""
    quality, metadata = assess(material), material.metadata
    plots = []
    for channel, fovs in sorted(quality.background.items()):
        name = metadata.channel_names[channel]
        plots.append(_by_fov(f"Background, {name}", "counts", fovs))
    if quality.drift:
        size = metadata.pixel_size_um
        scaled = {fov: (t, d * (size or 1)) for fov, (t, d) in quality.drift.items()}
        unit = "\N{MICRO SIGN}m" if size else "px"
        what = "of the stage"
        if material.config.params.registration == "none":
            what = "movement common to all cells"
        plots.append(_by_fov(f"Drift: {what}", unit, scaled))
    if quality.focus:
        plots.append(_by_fov("Focus: sharpness relative to its median", "", quality.focus))
    return markup.section(
        "quality",
        "Quality of the recording",
        markup.grid(plots),
        _light(material),
        "<h3>Saturated pixels</h3>",
        _saturation(material, quality.saturated, quality.raw_frames),
        "<h3>Lost frames</h3>",
        _lost(material),
    )


def _by_fov(title: str, label: str, fovs: Mapping[int, Any]) -> str:
    series = [(f"FOV {fov}", times, values) for fov, (times, values) in fovs.items()]
    return markup.plot(plotly_figures.lines(series, plotly_figures.text(title), label))


def _light(material: Material) -> str:
    """How uneven the light was that traces are corrected for; nothing if they are not."""
    rows, warnings = [], []
    for fov in material.files:
        for entry in material.config.channels.fl:
            notes = material.output(fov, "extraction", f"{layout.flat_field(entry.channel)}/0")
            if not {"least", "most"} <= notes.keys():
                continue
            name = material.metadata.channel_names[entry.channel]
            levels = {
                "darkest (%)": 100 * notes["least"],
                "brightest (%)": 100 * notes["most"],
            }
            rows.append({"channel": name, "FOV": fov, **levels})
            warnings += notes.get("warnings", [])
    if not rows:
        return ""
    text = (
        "Traces of these channels are corrected for uneven light; in the darkest and in the "
        "brightest pixel of the frame it is so many percent of its mean."
    )
    table = markup.table(pd.DataFrame(rows), {"channel": "text"}, "light.csv")
    told = [markup.paragraph(warning) for warning in dict.fromkeys(warnings)]
    return "".join(["<h3>Uneven light</h3>", markup.paragraph(text), *told, table])


def _saturation(
    material: Material, found: Mapping[int, Mapping[int, float]], frames: int
) -> str:
    if not found:
        return markup.paragraph(f"None in {frames} frames that were looked at.")
    rows = [
        {
            "channel": material.metadata.channel_names[channel],
            "FOV": fov,
            "saturated pixels (%)": 100 * share,
        }
        for channel, fovs in sorted(found.items())
        for fov, share in fovs.items()
    ]
    return markup.table(pd.DataFrame(rows), {"channel": "text"}, "saturation.csv")


def _lost(material: Material) -> str:
    rows = [
        {
            "channel": material.metadata.channel_names[planes.channel],
            "FOV": planes.fov,
            "lost": len(planes.frames),
            "frames": ", ".join(map(str, planes.frames)),
        }
        for planes in material.metadata.missing
    ]
    if not rows:
        return markup.paragraph("None: every plane that the file declares was written.")
    return markup.table(
        pd.DataFrame(rows), {"channel": "text", "frames": "wrap"}, "lost_frames.csv"
    )


def settings_section(material: Material) -> str:
    """Configuration and versions."""
    versions = material.run.get("versions", {})
    table = pd.DataFrame(
        [(name, str(number)) for name, number in versions.items()], columns=["name", "version"]
    )
    config = yaml.safe_dump(dump_config(material.config), sort_keys=False, allow_unicode=True)
    return markup.section(
        "settings",
        "Settings and versions",
        f"<pre>{markup.escaped(config)}</pre>",
        markup.table(table, {"version": "text"}),
        markup.paragraph(f"Identity of the recording: {material.metadata.identity}"),
    )
