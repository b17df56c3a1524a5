"""Summary of a run, as values for JSON and as lines for people."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyama import layout
from pyama.analysis.advice.crowding_advice import too_large_share
from pyama.analysis.advice.run_advice import run_advice
from pyama.analysis.advice.setting_advice import Advice
from pyama.analysis.flicker_notes import flicker_sentences
from pyama.analysis.left_out_counts import count_left_out, kept_sentences
from pyama.analysis.recording_gaps import Copied, gap_sentences, gaps
from pyama.analysis.result_notes import folder_remarks
from pyama.config import ProcessingConfig
from pyama.fov_ranges import fovs_text
from pyama.metadata import pixel_size_hints, times_text
from pyama.processing.step_reports import FovStepReport, Status
from pyama.processing.workflow.run import RunReport
from pyama.readers.frame_selection import selection_notes
from pyama.runs.progress import duration
from pyama.runs.run_counts import accounting, count_lines, limits, outputs_of
from pyama.runs.stored_scale import stored_scale_notes
from pyama.sentences import WITHOUT_MASK, failure, no_background
from pyama.store.stack_outputs import LARGEST_UINT16
from pyama.time_warnings import time_warnings
from pyama.traces.trace_files import traces_files

MAX_LINES = 10
"""Largest number of failures and of files that are listed."""
NO_CELL = (
    "No cell was found in any frame. Check that the channel of --pc is phase contrast, and "
    "try the segmentation on a frame: in `pyama view`, choose Run."
)


def summary(report: RunReport, config: ProcessingConfig, seconds: float) -> dict[str, Any]:
    """Count what a run has done.

    Args:
        report: Of the run.
        config: Of the run.
        seconds: Wall time.
    """
    objects = _total(_notes(report, "segmentation", "objects"))
    outputs = outputs_of(report)
    traces = list(_parts(report, "extraction"))
    notes = _run_notes(report, config)
    warnings = [*_warnings(report, config), *run_advice(outputs, config, report.metadata)]
    left_out = _total(count_left_out(part.get("removed", {})) for part in traces)
    return {
        "status": report.status,
        "output": str(report.output_dir),
        "seconds": round(seconds, 3),
        "fovs": list(report.fovs),
        "failed_fovs": report.failed_fovs,
        "frames": report.metadata.n_frames,
        "selected_frames": report.metadata.selection,
        "time": report.time_source,
        "span": times_text(report.metadata, config.params).partition(";")[0],
        "cells": sum(part.get("cells", 0) for part in traces),
        "traces": sum(part.get("traces", 0) for part in traces),
        "rows": sum(part.get("rows", 0) for part in traces),
        "removed": {name: left_out.get(name, 0) for name in ("min_frames", "border_margin")},
        "removed_by_both": left_out.get("both", 0),
        "limits": limits(report, config, outputs),
        "accounting": accounting(outputs),
        "objects": objects,
        "too_large_share": too_large_share(objects),
        "not_recorded": gaps(_copied(report)),
        "notes": notes,
        "warnings": warnings,
        "advice": _advised_settings([*notes, *warnings]),
        "failures": [_failure(bad) for bad in report.steps.with_status(Status.FAILED)],
        "steps": _statuses(report),
        "files": _files(report),
    }


def _run_notes(report: RunReport, config: ProcessingConfig) -> list[str]:
    return [
        *selection_notes(report.metadata),
        *report.metadata.problems,
        *pixel_size_hints(report.metadata, config.params),
        *gap_sentences(_copied(report), report.metadata, config.params),
        *_skipped(report),
        *stored_scale_notes(report, config),
        *flicker_sentences(outputs_of(report)),
        *kept_sentences(traces_files(report.output_dir)),
    ]


def _advised_settings(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return the sentences that advise settings, with these as values."""
    return [
        {"text": text, "settings": list(text.settings)}
        for text in texts
        if isinstance(text, Advice) and text.settings
    ]


def summary_lines(counts: Mapping[str, Any]) -> list[str]:
    """Return the lines that a user reads after a run.

    Args:
        counts: What `summary` returned.
    """
    n = len(counts["fovs"])
    fields = f"{n} {'field' if n == 1 else 'fields'} of view"
    head = {
        "finished": f"Finished {fields} in {duration(counts['seconds'])}.",
        "failed": f"{len(counts['failed_fovs'])} of {fields} failed.",
        "cancelled": "Stopped. What is finished is kept: the same command continues it.",
    }
    lines = [head[counts["status"]]]
    if any(counts["steps"].get("extraction", {}).get(s) for s in ("done", "unchanged")):
        lines += count_lines(counts)
    lines.append(f"  output    {counts['output']}")
    lines += [f"  file      {name}" for name in counts["files"][:MAX_LINES]]
    if len(counts["files"]) > MAX_LINES:
        lines.append(f"            and {len(counts['files']) - MAX_LINES} more")
    lines += [f"Note: {text}" for text in counts["notes"]]
    lines += [f"Warning: {text}" for text in counts["warnings"]]
    lines += [f"Failed: {failure(**bad)}" for bad in counts["failures"][:MAX_LINES]]
    if len(counts["failures"]) > MAX_LINES:
        lines.append(f"        and {len(counts['failures']) - MAX_LINES} more, see run.log")
    return lines


def advised_lines(counts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the `line`s of `summary_lines` that advise `settings`, with these as values."""
    settings = {entry["text"]: entry["settings"] for entry in counts["advice"]}
    return [
        {"line": f"{kind}: {text}", "settings": settings[text]}
        for kind, texts in (("Note", counts["notes"]), ("Warning", counts["warnings"]))
        for text in texts
        if text in settings
    ]


def _parts(report: RunReport, step: str) -> Iterator[Mapping[str, Any]]:
    for entry in report.steps:
        if entry.step == step:
            yield from entry.notes.values()


def _copied(report: RunReport) -> Copied:
    """Return the notes of the copied stacks by field of view and channel."""
    return {
        (entry.fov, group[1]): notes
        for entry in report.steps
        if entry.step == "copying"
        for output, notes in entry.notes.items()
        if (group := layout.parse_group(output.partition("/")[0]))
    }


def _notes(report: RunReport, step: str, key: str) -> Iterator[Mapping[str, Any]]:
    return (part[key] for part in _parts(report, step) if key in part)


def _total(counts: Any) -> dict[str, int]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(total)


def _warnings(report: RunReport, config: ProcessingConfig) -> list[str]:
    fovs_of: dict[str, list[int]] = defaultdict(list)
    for entry in report.steps:
        for text in _warnings_of(entry, report.metadata.channel_names, config):
            fovs_of[text].append(entry.fov)
    return [
        *report.messages,
        *time_warnings(report.metadata, config.params),
        *(f"FOV {fovs_text(fovs)}: {text}" for text, fovs in fovs_of.items()),
        *_advice(report, config),
        *folder_remarks(report.output_dir),
    ]


def _warnings_of(
    entry: FovStepReport, names: Sequence[str], config: ProcessingConfig
) -> Iterator[str]:
    for output, part in entry.notes.items():
        group = output.partition("/")[0]
        _, channel = layout.parse_group(group) or ("", 0)
        yield from part.get("warnings", ())
        if frames := part.get("frames_without_background", ()):
            yield no_background(names[channel], frames)
        if frames := part.get("black_frames", ()):
            yield _black(names[channel], frames, config.params.zero_planes)
        if part.get("largest_label", 0) > LARGEST_UINT16:
            yield (
                f"{group} has numbers of cells above {LARGEST_UINT16}, so that it is written "
                "as uint32."
            )


def _black(channel: str, frames: Sequence[int], zero_planes: str) -> str:
    is_set = zero_planes == "keep"
    remedy = "" if is_set else " If nothing was recorded there: --set zero_planes=missing"
    return (
        f"in {channel}, every pixel is 0 in frame {fovs_text(frames)}, as if nothing had been "
        f"recorded. They are processed as they are.{remedy}"
    )


def _skipped(report: RunReport) -> list[str]:
    steps: dict[str, list[str]] = defaultdict(list)
    for entry in report.steps.with_status(Status.SKIPPED):
        if entry.step not in steps[entry.message]:
            steps[entry.message].append(entry.step)
    return [f"Skipped {', '.join(names)}: {why}." for why, names in steps.items()]


def _advice(report: RunReport, config: ProcessingConfig) -> list[str]:
    advice = []
    traces = list(_parts(report, "extraction"))
    if config.channels.pc is None and any(_parts(report, "background")):
        advice.append(WITHOUT_MASK)
    if traces and not any(part.get("cells") for part in traces):
        advice.append(NO_CELL)
    return advice


def _failure(bad: FovStepReport) -> dict[str, Any]:
    return {"step": bad.step, "fov": bad.fov, "frame": bad.frame, "message": bad.message}


def _statuses(report: RunReport) -> dict[str, dict[str, int]]:
    statuses: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in report.steps:
        statuses[entry.step][entry.status.value] += 1
    return {step: dict(counts) for step, counts in statuses.items()}


def _files(report: RunReport) -> list[str]:
    """Paths of the traces that are finished, relative to the output folder."""
    finished = report.steps.with_status(Status.DONE, Status.UNCHANGED)
    name = report.metadata.basename
    return [
        f"{layout.fov_dir(entry.fov)}/{layout.traces_file(name, entry.fov)}"
        for entry in finished
        if entry.step == "extraction"
    ]
