"""Extraction: the traces, one line per cell and frame, corrected for uneven light."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.algorithms.flat_field_params import FlatFieldParams
from pyama.algorithms.params import ExtractionParams, own_params
from pyama.config import WITHOUT_EFFECT, ProcessingConfig
from pyama.fov_ranges import ALL_FRAMES
from pyama.metadata import frame_times
from pyama.processing.fov import FovContext, FovFacts, full_output
from pyama.processing.plugin_digest import fingerprint, is_builtin
from pyama.processing.runner import Job, Part
from pyama.processing.steps.earlier_tracks import carry_inspection_over, keep_earlier
from pyama.processing.steps.illumination import (
    Sources,
    light_jobs,
    light_recipes,
    sources,
    stored_light,
)
from pyama.processing.steps.step import (
    RecipeParts,
    Step,
    changed_values,
    params_of,
)
from pyama.processing.steps.trace_lines import TraceInputs, trace_lines
from pyama.store import CELLS_MARK, TRACES_MARK, TracesOutput
from pyama.traces.trace_rows import header, traces_columns


def _skipped(config: ProcessingConfig) -> str | None:
    if config.params.copy_only:
        return "copy_only"
    if config.channels.pc is None and config.channels.fl:
        return "no phase contrast channel is configured, so no cells are known"
    return None


def _recipes(facts: FovFacts) -> Iterator[tuple[str, RecipeParts]]:
    inputs = []
    if facts.config.channels.pc is not None:
        inputs.append(CELLS_MARK)
        for name, parts in light_recipes(_light_sources(facts)):
            inputs.append(name)
            yield name, parts
    params, defaults = params_of(ExtractionParams, facts.config)
    for changed, rest in (_feature_params(facts), _context_params(facts)):
        params |= changed
        defaults |= rest
    params |= {
        "pixel_size_um": facts.pixel_size_um,
        "basename": facts.metadata.basename,
        **facts.selection,
    }
    defaults["frames"] = ALL_FRAMES
    yield TRACES_MARK, RecipeParts(inputs, params=params, defaults=defaults)


def _functions(config: ProcessingConfig) -> dict[str, Any]:
    """Return the features that a run measures, by kind and name."""
    functions = {f"phase.{name}": PHASE_FEATURES[name] for name in config.phase_features()}
    for names in config.fluorescence_features().values():
        functions |= {f"fluorescence.{name}": FLUORESCENCE_FEATURES[name] for name in names}
    return functions


def _feature_params(facts: FovFacts) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what traces depend on by the choice of features, see `changed_values`."""
    config = facts.config
    functions = _functions(config)
    plugins, defaults = {}, {}
    for key, function in functions.items():
        if hasattr(function, "parameters"):
            name = key.partition(".")[2]
            values = own_params(name, function, config.params)
            plugins[name], defaults[name] = changed_values(values)
    params = {
        "phase": config.phase_features(),
        "fluorescence": {str(k): v for k, v in config.fluorescence_features().items()},
        "functions": {key: fingerprint(function) for key, function in functions.items()},
        "plugins": plugins,
    }
    return params, {"plugins": defaults}


def _context_params(facts: FovFacts) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what custom features may read besides: all parameters, and the time.

    The light is identified by its own recipes instead of by names of files, and selected
    frames are in the recipe in any case.
    """
    if all(is_builtin(function) for function in _functions(facts.config).values()):
        return {}, {}
    params = facts.config.params
    ignored = frozenset({*WITHOUT_EFFECT, *FlatFieldParams.model_fields, "frames"})
    changed, defaults = changed_values(params, ignored)
    times = json.dumps(frame_times(facts.metadata, params, facts.fov)[0])
    digest = hashlib.sha256(times.encode()).hexdigest()
    return {"context": changed, "times": digest}, {"context": defaults}


def _light_sources(facts: FovFacts) -> dict[int, Sources]:
    return sources(facts.config, facts.fov, facts.metadata.shapes[facts.fov])


def _jobs(context: FovContext) -> Iterator[Job]:
    light = {} if context.config.channels.pc is None else _light_sources(context)
    for source in light.values():
        yield from light_jobs(context, source)
    names = [
        name(context.metadata.basename, context.fov)
        for name in (layout.traces_file, layout.left_out_file)
    ]
    part = context.part(TracesOutput(context.store.path, *names))
    lines = partial(_lines, context, light, part.notes)
    if not part.output.is_done(part.recipe):
        keep_earlier(context.store, tracks=False)
    yield Job((part,), lines, framewise=False)
    if context.config.channels.pc is not None:  # resumed when the traces are written
        carry_inspection_over(context.store, layout.tracked(context.pc))


def _lines(
    context: FovContext,
    light: Mapping[int, Sources],
    notes: dict[str, Any],
    pending: tuple[Part, ...],
) -> Iterator[tuple[tuple[str, str]]]:
    if context.config.channels.pc is None:
        columns = traces_columns(None, {})
        yield ((header(columns), header([*columns, *layout.LEFT_OUT_COLUMNS])),)
        return
    cells = context.store.cells(digest=context.recipes[CELLS_MARK].digest)
    lines = trace_lines(cells, _trace_inputs(context, light), notes)
    yield from zip(lines, strict=True)  # one item per part


def _trace_inputs(context: FovContext, light: Mapping[int, Sources]) -> TraceInputs:
    config = context.config
    return TraceInputs(
        fov=context.fov,
        shape=context.metadata.shapes[context.fov],
        pc=context.pc,
        phase=config.phase_features(),
        fluorescence=config.fluorescence_features(),
        lost={channel: context.not_recorded(channel) for channel in config.channels.ids},
        times_min=frame_times(context.metadata, config.params, context.fov)[0],
        pixel_size_um=context.pixel_size_um,
        params=config.params,
        parents=_parents(context),
        light={
            channel: stored_light(context.stack, config.params, channel, source.shape)
            for channel, source in light.items()
        },
        background_errors=dict(_background_errors(context)),
    )


def _background_errors(context: FovContext) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Yield channels and the errors of their backgrounds, NaN where they are not known."""
    if context.config.params.background_method != "planes":
        return
    for channel, names in context.config.fluorescence_features().items():
        mark = context.store.mark(full_output(layout.background(channel)))
        if names and mark and "background_errors" in mark.notes:
            yield channel, np.array(mark.notes["background_errors"], np.float64)


def _parents(context: FovContext) -> Mapping[int, int] | None:
    """Mothers by the numbers of their daughters; None where divisions are not looked for."""
    if not context.config.params.divisions:
        return None
    mark = context.store.mark(full_output(layout.tracked(context.pc)))
    parents = mark.notes.get("parents", {}) if mark else {}
    return {int(cell): int(mother) for cell, mother in parents.items()}


STEP = Step(
    name="extraction",
    title="Extract traces",
    version=3,
    recipes=_recipes,
    jobs=_jobs,
    weight=1.0,
    bytes_per_pixel=0.0,
    skipped=_skipped,
)
