"""Segmentation: the cells of every frame, found by a segmenter behind preprocessors."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.algorithms.contracts import ImageIndex, checked_image, checked_labels
from pyama.algorithms.gaps import fill_gaps
from pyama.algorithms.kernels.labels import limit_sizes, regions
from pyama.algorithms.params import own_params
from pyama.algorithms.segmenters.mask_account import MaskAccount
from pyama.config import ProcessingParams
from pyama.errors import StoreError
from pyama.processing.external.seen_width import note_seen_width
from pyama.processing.fov import FovContext, FovFacts, full_output
from pyama.processing.methods import (
    NAMED_PREPROCESSORS,
    PREPROCESSORS,
    SEGMENTER_PARAMS,
    SEGMENTERS,
    Preprocessor,
    keeps_numbers,
    preprocessors,
    takes_areas,
    takes_gaps,
    takes_place,
)
from pyama.processing.plugin_calls import call_plugin
from pyama.processing.plugin_digest import fingerprint
from pyama.processing.runner import Job, Part
from pyama.processing.steps.registration import discard_unused
from pyama.processing.steps.step import (
    RecipeParts,
    Step,
    method_recipe_parts,
    params_of,
    without_phase_contrast,
)
from pyama.store import CORRECTED, NotRecorded, Stack, corrections_text
from pyama.traces.corrected_labels import checksums, corrections_in

UNUSED_PARAMS = {
    "logstd": frozenset({"split_h"}),
    "watershed": frozenset(
        {
            *("morph_size", "morph_iterations", "closing_size", "closing_iterations"),
            "erosion_size",
        }
    ),
    "unet": frozenset({"model"}),  # its contents count, see `onnx_network.identity`
}
"""Parameters that built-in methods get and do not read, or whose value does not matter."""


LIMITS = frozenset({"min_object_size", "max_object_size"})
"""Applied to the labels of every segmentation method."""
NONE_CORRECTED: Mapping[int, Callable[[], NDArray[np.uint16]]] = {}


def segment_frames(
    frames: Stack,
    lost: NotRecorded,
    method: tuple[str, Callable[..., Any]],
    preprocessors: Sequence[Preprocessor],
    params: ProcessingParams,
    notes: dict[str, Any],
    places: Sequence[ImageIndex],
    corrected: Mapping[int, Callable[[], NDArray[np.uint16]]] = NONE_CORRECTED,
) -> Iterator[NDArray[Any]]:
    """Label the cells of successive frames.

    Args:
        frames: Phase contrast in counts, (T, H, W).
        lost: What was not recorded of them; it has no labels.
        method: Name and function of the segmenter.
        preprocessors: Preprocessors, in order.
        params: Of the segmenter, and the limits of size.
        notes: Gets the numbers of objects that the limits removed, the `median_width` of the
            others in px (of the disk with the median area), and what `MaskAccount` counts.
        places: Where the frames come from.
        corrected: Reads the labels of frames that a person has corrected. They are taken as
            they are.

    Yields:
        Labels, each (H, W): 0 is background, 1..N are objects of this frame, or the numbers
        of the segmenter if the tracker needs them.

    Raises:
        PluginError: A plugin failed or returned a wrong result.
    """
    name = f"segmentation method {method[0]!r}"
    own = own_params(*method, params, SEGMENTER_PARAMS)
    objects: Counter[str] = Counter()
    keeps = keeps_numbers(params)
    largest, sizes = 0, list[NDArray[np.int64]]()
    notes |= {"largest_label": 0, "objects": {}, **lost.notes()}
    account = MaskAccount(own, notes, tells=takes_areas(method[1]))
    for t, (frame, place) in enumerate(zip(frames, places, strict=True)):
        if t in lost.frames:
            yield np.zeros(frame.shape, np.uint16)
            continue
        if t in corrected:
            drawn = corrected[t]()
            sizes.append(regions(drawn).areas)
            largest = notes["largest_label"] = max(largest, int(drawn.max(initial=0)))
            yield drawn
            continue
        gaps = lost.mask(t, frame.shape)
        image = _preprocessed(fill_gaps(frame, gaps), preprocessors)
        where = (place,) if takes_place(method[1]) else ()
        known = {} if gaps is None or not takes_gaps(method[1]) else {"gaps": gaps}
        counted = account.arguments()
        result = call_plugin(name, method[1], image, own, *where, **known, **counted)
        account.add(image, gaps)
        labels = checked_labels(name, result, frame.shape)
        if gaps is not None:
            labels = np.where(gaps, labels.dtype.type(0), labels)
        labels, removed = limit_sizes(
            labels, params.min_object_size, params.max_object_size, keep_numbers=keeps
        )
        objects.update(asdict(removed))
        sizes.append(regions(labels).areas)
        largest = max(largest, int(labels.max(initial=0)))
        notes |= {"largest_label": largest, "objects": dict(objects)}
        yield labels
    account.close()
    if (areas := np.concatenate([*sizes, np.zeros(0, np.int64)])).size:
        notes["median_width"] = round(float(np.sqrt(4 * np.median(areas) / np.pi)), 2)


def _preprocessed(
    frame: NDArray[np.uint16], preprocessors: Sequence[Preprocessor]
) -> NDArray[np.uint16]:
    image = frame
    for preprocessor in preprocessors:
        name = f"preprocessor {preprocessor.name}"
        result = call_plugin(name, preprocessor.function, image, *preprocessor.params)
        image = checked_image(name, result, frame.shape)
    return image


def _recipes(facts: FovFacts) -> Iterator[tuple[str, RecipeParts]]:
    run = facts.config.params
    parts = method_recipe_parts(
        SEGMENTERS, run.segmentation_method, SEGMENTER_PARAMS, facts, UNUSED_PARAMS
    )
    limits, defaults = params_of(SEGMENTER_PARAMS, facts.config, LIMITS)
    params = {**parts.params, **limits}
    if keeps_numbers(run):
        params["keep_numbers"] = True
    if run.preprocessors or PREPROCESSORS:
        params["preprocessors"] = list(_preprocessor_identities(facts))
    if facts.corrected:
        params[CORRECTED] = corrections_text(facts.corrected)
    yield (
        full_output(layout.labeled(facts.pc)),
        replace(
            parts,
            inputs=[full_output(layout.phase(facts.pc))],
            params=params,
            defaults={**parts.defaults, **defaults, CORRECTED: corrections_text({})},
        ),
    )


def _preprocessor_identities(facts: FovFacts) -> Iterator[Any]:
    """Yield plain values for every preprocessor, which change when its result may change."""
    for name in facts.config.params.preprocessors:
        parts = method_recipe_parts(NAMED_PREPROCESSORS, name, SEGMENTER_PARAMS, facts, {})
        yield [parts.method, parts.params]
    for entry in PREPROCESSORS:
        yield f"{type(entry).__name__}: {fingerprint(entry)}"


def _jobs(context: FovContext) -> Iterator[Job]:
    discard_unused(context)
    part = context.stack_part(layout.labeled(context.pc), "uint16")
    frames = partial(_frames, context, part.notes)
    yield Job((part,), frames, context.metadata.n_frames)


def _frames(
    context: FovContext, notes: dict[str, Any], pending: tuple[Part, ...]
) -> Iterator[tuple[NDArray[Any]]]:
    params = context.config.params
    note_seen_width(context, notes)
    labels = segment_frames(
        context.stack(layout.phase(context.pc)),
        context.not_recorded(context.pc),
        (params.segmentation_method, SEGMENTERS[params.segmentation_method]),
        preprocessors(params),
        params,
        notes,
        [ImageIndex(context.fov, frame) for frame in context.metadata.recorded_frames],
        _corrected(context),
    )
    return zip(labels, strict=True)  # one item per part


def _corrected(context: FovContext) -> Mapping[int, Callable[[], NDArray[np.uint16]]]:
    """Return what reads corrected labels, by frame.

    Raises:
        StoreError: They are not those that the recipe names.
    """
    place = context.output_dir, context.metadata, context.config, context.fov
    corrections, found = corrections_in(*place), checksums(*place)
    recipe = context.recipes[full_output(layout.labeled(context.pc))]
    if corrections_text(found) != recipe.params.get(CORRECTED, corrections_text({})):
        raise StoreError(
            f"Labels of FOV {context.fov} were corrected while the run was starting. Run it "
            "again."
        )
    if corrections is None:
        return {}
    numbers = context.metadata.recorded_frames
    return {t: partial(corrections.labels, numbers[t]) for t in found}


STEP = Step(
    name="segmentation",
    title="Find cells",
    version=4,
    recipes=_recipes,
    jobs=_jobs,
    weight=3.0,
    bytes_per_pixel=0.1,
    skipped=without_phase_contrast,
)
