"""Sections on the recording and its run: summary, counts, images, quality, settings."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import yaml

from pyama import layout
from pyama.analysis.advice.accounting import accounts, frames_limit, of_step
from pyama.analysis.advice.run_advice import run_advice
from pyama.analysis.flicker_notes import flicker_sentences
from pyama.analysis.left_out_counts import (
    count_left_out,
    filter_reasons,
    kept_cells,
    kept_sentences,
)
from pyama.analysis.recording_gaps import gap_sentences
from pyama.analysis.report import contact_sheet, markup, plotly_figures
from pyama.analysis.report.distributions import stacked_bars
from pyama.analysis.report.gaps_table import gaps_table
from pyama.analysis.report.quality import assess
from pyama.analysis.report.report_data import ReportData
from pyama.analysis.settings_by_fov import differing_settings, named_groups
from pyama.config import dump_config
from pyama.fov_ranges import frames_text
from pyama.metadata import pixel_size, pixel_size_hints, times_text
from pyama.pictures import overlays
from pyama.readers.frame_selection import selection_notes
from pyama.sentences import count_text, failure
from pyama.time_warnings import time_warnings


def head(report: ReportData) -> str:
    """Title, the most important numbers, and warnings."""
    metadata, run = report.metadata, report.run
    traces = report.traces.groupby(["fov", "cell"]).ngroups
    cells = sum(report.notes(fov, "extraction").get("cells", 0) for fov in report.files)
    size = pixel_size(metadata, report.config.params)
    shapes = {f"{w} x {h} px" for h, w in metadata.shapes}
    entries = [
        ("cells with a trace", traces, f"of {cells} tracked cells" if cells else ""),
        ("samples", len(report.samples), ", ".join(report.samples)[:80]),
        ("fields of view", len(report.files), f"of {metadata.n_fovs} recorded"),
        ("frames", metadata.n_frames, times_text(metadata, report.config.params)),
        (
            "frame size",
            ", ".join(sorted(shapes)),
            f"{size:.4g} \N{MICRO SIGN}m per px" if size else "",
        ),
        ("channels", len(report.config.channels.ids), ", ".join(_channels(report))),
    ]
    started = str(run.get("started", ""))[:10]
    line = " \N{MIDDLE DOT} ".join(
        part for part in (metadata.format, started, str(run.get("status", ""))) if part
    )
    top = f"<h1>{markup.escape(metadata.basename)}</h1>" + markup.paragraph(line)
    return top + markup.facts(entries) + markup.notes(_notes(report))


def _channels(report: ReportData) -> list[str]:
    return [report.metadata.channel_names[i] for i in report.config.channels.ids]


def _notes(report: ReportData) -> list[str]:
    notes = [
        *selection_notes(report.metadata),
        *report.metadata.problems,
        *pixel_size_hints(report.metadata, report.config.params),
        *gap_sentences(report.copied(), report.metadata, report.config.params),
        *time_warnings(report.metadata, report.config.params),
        *flicker_sentences(report.outputs),
        *report.remarks,
    ]
    failed = [
        failure(step, fov, entry.get("frame"), entry.get("message", ""))
        for fov, steps in report.run.get("fovs", {}).items()
        for step, entry in steps.items()
        if entry.get("status") == "failed"
    ]
    inspected = sum("_inspected" in path.name for path in report.files.values())
    if inspected:
        notes.append(
            f"{count_text(inspected, 'table')} of traces "
            f"{'was' if inspected == 1 else 'were'} inspected; rows marked as bad are left "
            "out."
        )
    notes += kept_sentences(report.files)
    return notes + failed + run_advice(report.outputs, report.config, report.metadata)


def fovs_section(report: ReportData) -> str:
    """Number of cells in every field of view, and why others were left out."""
    counts = pd.DataFrame([_counts(report, fov) for fov in report.files])
    if counts.empty:
        return markup.section(
            "fovs", "Fields of view", markup.paragraph("There are no traces yet.")
        )
    shown = counts.rename(
        columns={
            "short": "min_frames",
            "border": "border_margin",
            "kept": "kept by inspection",
            "small": "objects too small",
            "large": "objects too large",
            "marked": "marked (px\N{SUPERSCRIPT TWO})",
            "labelled": "kept (px\N{SUPERSCRIPT TWO})",
        }
    )
    table = markup.table(shown, {"sample": "name", "table": "name"}, "fields_of_view.csv")
    text = (
        "Objects are counted in every single frame, before tracking. Marked is what the "
        "threshold of the segmentation found, kept is what the labels cover."
    )
    return markup.section(
        "fovs",
        "Fields of view",
        markup.plot(_bars(counts, report)),
        markup.details("Table", markup.paragraph(text) + table),
    )


def _bars(counts: pd.DataFrame, report: ReportData) -> plotly_figures.Figure:
    params, notes = report.config.params, of_step(report.outputs, "extraction")
    limit = frames_limit(notes.values(), params.min_frames, report.metadata.n_frames)
    reasons = filter_reasons(limit, params.border_margin)
    columns = {
        "with a trace": "traces",
        reasons["min_frames"]: "short",
        reasons["border_margin"]: "border",
        "both": "both",
    }
    bars = {name: counts[column].tolist() for name, column in columns.items()}
    return stacked_bars(counts["FOV"].tolist(), bars)


def _counts(report: ReportData, fov: int) -> dict[str, Any]:
    notes = report.notes(fov, "extraction")
    left_out, kept = count_left_out(notes.get("removed", {})), kept_cells(report.files[fov])
    both = left_out["both"]
    objects = report.notes(fov, "segmentation").get("objects", {})
    rows = report.traces[report.traces["fov"] == fov]
    areas = {stage.name: stage.area for stage in accounts(report.outputs)[fov]}
    return {
        "FOV": fov,
        "sample": ", ".join(map(str, rows["sample"].unique())),
        "cells": notes.get("cells", rows["cell"].nunique()),
        "traces": notes.get("traces", rows["cell"].nunique()) + kept.total(),
        "short": left_out["min_frames"] - both - kept["min_frames"],
        "border": left_out["border_margin"] - both - kept["border_margin"],
        "both": both - kept["min_frames and border_margin"],
        "kept": kept.total(),
        "small": objects.get("small", 0),
        "large": objects.get("large", 0),
        "marked": areas.get("threshold"),
        "labelled": areas.get("max_object_size"),
        "table": report.files[fov].name,
    }


def pictures_section(report: ReportData) -> str:
    """Images with the outlines of segmented cells."""
    shown = "".join(
        f'<figure><img src="{picture.url}" alt="{markup.escape(picture.caption)}">'
        f"<figcaption>{markup.escape(picture.caption)}</figcaption></figure>"
        for picture in contact_sheet.pictures(report)
    )
    if not shown:
        return markup.section(
            "cells", "Segmentation", markup.paragraph("There are no images.")
        )
    names = " and ".join(_channels(report)[:2])
    key = "".join(
        f'<span class="key" style="background:rgb{rgb}"></span>{words}'
        for rgb, words in (
            (overlays.WITH_TRACE, "cell with a trace"),
            (
                overlays.WITHOUT_TRACE,
                "cell without a trace: left out by a filter or by inspection",
            ),
        )
    )
    text = f'<p class="soft">{markup.escape(names)}.{key}</p>'
    return markup.section("cells", "Segmentation", text, f'<div class="sheet">{shown}</div>')


def quality_section(report: ReportData) -> str:
    """Background, drift, focus, saturation and lost frames."""
    quality, metadata = assess(report), report.metadata
    plots = []
    for channel, fovs in sorted(quality.background.items()):
        name = metadata.channel_names[channel]
        plots.append(_by_fov(f"Background, {name}", "counts", fovs))
    if quality.drift:
        size = pixel_size(metadata, report.config.params)
        scaled = {fov: (t, d * (size or 1)) for fov, (t, d) in quality.drift.items()}
        unit = "\N{MICRO SIGN}m" if size else "px"
        kind = "of the stage"
        if report.config.params.registration == "none":
            kind = "movement common to all cells"
        plots.append(_by_fov(f"Drift: {kind}", unit, scaled))
    if quality.focus:
        plots.append(_by_fov("Focus: sharpness relative to its median", "", quality.focus))
    return markup.section(
        "quality",
        "Quality of the recording",
        markup.grid(plots),
        _light(report),
        "<h3>Saturated pixels</h3>",
        _saturation(report),
        "<h3>Not recorded</h3>",
        gaps_table(report),
    )


def _by_fov(title: str, label: str, fovs: Mapping[int, Any]) -> str:
    series = [(f"FOV {fov}", times, values) for fov, (times, values) in fovs.items()]
    return markup.plot(plotly_figures.lines(series, plotly_figures.text(title), label))


def _light(report: ReportData) -> str:
    """Unevenness of the light that traces are corrected for; empty without a correction."""
    rows, warnings = [], []
    for fov in report.files:
        for entry in report.config.channels.fl:
            notes = report.output(fov, "extraction", f"{layout.flat_field(entry.channel)}/0")
            if not {"least", "most"} <= notes.keys():
                continue
            name = report.metadata.channel_names[entry.channel]
            levels = {
                "darkest (%)": 100 * notes["least"],
                "brightest (%)": 100 * notes["most"],
            }
            rows.append({"channel": name, "FOV": fov, **levels})
            warnings += notes.get("warnings", [])
    if not rows:
        return ""
    text = (
        "Traces of these channels are corrected for uneven light. The table gives the light "
        "in the darkest and in the brightest pixel of the frame, in percent of the mean."
    )
    table = markup.table(pd.DataFrame(rows), {"channel": "text"}, "light.csv")
    remarks = [markup.paragraph(warning) for warning in dict.fromkeys(warnings)]
    return "".join(["<h3>Uneven light</h3>", markup.paragraph(text), *remarks, table])


def _saturation(report: ReportData) -> str:
    """Saturated frames, as counted while all frames were copied."""
    rows = [
        {
            "channel": report.metadata.channel_names[channel],
            "FOV": fov,
            "counts": found["level"],
            "frames": frames_text(found["frames"]),
            "saturated pixels (%), at most": 100 * found["share"],
        }
        for (fov, channel), notes in sorted(
            report.copied().items(), key=lambda entry: entry[0][::-1]
        )
        if (found := notes.get("saturated"))
    ]
    if not rows:
        return markup.paragraph("None in any frame.")
    kinds = {"channel": "text", "frames": "text"}
    return markup.table(pd.DataFrame(rows), kinds, "saturation.csv")


def _settings_by_fov(report: ReportData) -> str:
    """Settings that differ between fields of view; empty if all were made in the same way."""
    groups = named_groups(report.groups)
    names = [name for name, _ in groups]
    rows = [
        {"setting": setting, **dict(zip(names, map(str, values), strict=True))}
        for setting, values in differing_settings(groups).items()
    ]
    if not rows:
        return ""
    table = pd.DataFrame(rows)
    return markup.paragraph("Settings that are not the same for all fields of view:") + (
        markup.table(table, dict.fromkeys(map(str, table), "text"), "settings_by_fov.csv")
    )


def settings_section(report: ReportData) -> str:
    """Configuration and versions."""
    versions = report.run.get("versions", {})
    table = pd.DataFrame(
        [(name, str(number)) for name, number in versions.items()], columns=["name", "version"]
    )
    config = yaml.safe_dump(dump_config(report.config), sort_keys=False, allow_unicode=True)
    return markup.section(
        "settings",
        "Settings and versions",
        markup.paragraph("Configuration of the last run:") if len(report.groups) > 1 else "",
        f'<pre tabindex="0">{markup.escape(config)}</pre>',
        _settings_by_fov(report),
        markup.table(table, {"version": "text"}),
        markup.paragraph(f"Identity of the recording: {report.metadata.identity}"),
    )
