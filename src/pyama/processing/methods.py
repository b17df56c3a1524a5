"""Segmentation methods, tracking methods and preprocessors by name.

They may have parameters of their own, see `pyama.registry.parameters`. They may also have an
attribute `identity`, a function `identity(params, fov)`. It returns a text that identifies
everything else that the result depends on, such as a file of weights, and raises an error if
that is missing.

A built-in method is known by its name and its attribute `version`, 1 if it has none. Set a
higher version here when the results of a method change.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.algorithms.params import TrackingParams, WatershedParams, own_params
from pyama.algorithms.segmenters import logstd, watershed
from pyama.algorithms.trackers import iou, kalman
from pyama.config import ProcessingConfig, ProcessingParams
from pyama.errors import ConfigError, PluginError
from pyama.processing.external import (
    btrack,
    cellpose,
    label_images,
    label_tracks,
    laptrack,
    onnx_network,
)
from pyama.processing.plugin_digest import is_builtin
from pyama.registry import Registry, parameter_models

SEGMENTER_PARAMS, TRACKER_PARAMS = WatershedParams, TrackingParams
"""Parameters that methods without parameters of their own get; preprocessors get those of
segmenters. Results are computed again when one of them changes."""

SEGMENTERS = Registry[Any]("segmentation method", ("frame", "params"))
"""`f(frame, params) -> labels`, see `pyama.algorithms.segmenters.logstd.segment`. The size
limits are applied to the labels of every method afterwards. A method with a third argument
`place`, which needs a default, gets a `pyama.algorithms.contracts.ImageIndex`."""
SEGMENTERS["logstd"] = logstd.segment
SEGMENTERS["watershed"] = watershed.segment
SEGMENTERS["unet"] = onnx_network.segment
SEGMENTERS["cellpose"] = cellpose.segment
SEGMENTERS["labels"] = label_images.segment

TRACKERS = Registry[Any]("tracking method", ("frames", "params"))
"""`f(frames, params) -> iterator of frames`, see `pyama.algorithms.trackers.iou.track`. Frames
without a phase contrast image are skipped. `frames` has a length and can be iterated several
times. With `registration` the frames are larger than those of the recording, and an object
that does not move has the same position in all of them although the stage drifts.

A tracker with a third argument `place`, which needs a default, gets an `ImageIndex` with the
field of view. One with an attribute `follows`, the name of a segmentation method, gets the
numbers of that method, and is refused with others. One with an attribute `mothers`, a function
`mothers(params, fov)`, tells the mothers of daughters itself."""
TRACKERS["iou"] = iou.track
TRACKERS["mask_iou"] = iou.track_masks
TRACKERS["kalman"] = kalman.track
TRACKERS["laptrack"] = laptrack.track
TRACKERS["btrack"] = btrack.track
TRACKERS["labels"] = label_tracks.track

NAMED_PREPROCESSORS = Registry[Any]("preprocessor", ("image", "params"))
"""`f(image, params) -> image`, see `register_preprocessor`; used if a configuration names them
in `params.preprocessors`."""

PREPROCESSORS: list[Any] = []
"""Objects of `register_preprocessor`; applied to every frame in this order, after the named
preprocessors."""


@dataclass(frozen=True)
class Preprocessor:
    """A preprocessor with its parameters.

    Attributes:
        name: Name for messages.
        function: Called with the image and `params`.
        params: Parameters of a named preprocessor; otherwise empty.
    """

    name: str
    function: Callable[..., Any]
    params: tuple[Any, ...]


def takes_place(method: Callable[..., Any]) -> bool:
    """Whether a segmenter or tracker has an argument for the index of the image."""
    return "place" in inspect.signature(method).parameters


def keeps_numbers(params: ProcessingParams) -> bool:
    """Whether objects keep the numbers that the segmenter gives them.

    Raises:
        ConfigError: The tracker needs the numbers of another segmenter, or repairs would
            change them.
    """
    follows = getattr(TRACKERS.get(params.tracking_method), "follows", None)
    if follows is None:
        return False
    name = f"tracking_method: {params.tracking_method}"
    if params.segmentation_method != follows:
        raise ConfigError(
            f"{name} uses the numbers of segmentation_method: {follows}, and "
            f"{params.segmentation_method} is chosen. Set segmentation_method={follows}."
        )
    if params.repair_flicker:
        raise ConfigError(f"{name} has no repair_flicker. Set repair_flicker=false.")
    return True


def takes_gaps(segmenter: Callable[..., Any]) -> bool:
    """Whether a segmenter has an argument for the pixels that were not recorded."""
    return "gaps" in inspect.signature(segmenter).parameters


def takes_areas(segmenter: Callable[..., Any]) -> bool:
    """Whether a segmenter of pyama tells the area of the mask after each of its stages."""
    return is_builtin(segmenter) and "areas" in inspect.signature(segmenter).parameters


def preprocessors(params: ProcessingParams) -> list[Preprocessor]:
    """Return the preprocessors of a run in the order of their use.

    Raises:
        ConfigError: A name is unknown, or a parameter is wrong.
    """
    named = []
    for name in params.preprocessors:
        function = NAMED_PREPROCESSORS[name]
        own = own_params(name, function, params, SEGMENTER_PARAMS)
        named.append(Preprocessor(name, function, (own,)))
    registered = [
        Preprocessor(type(entry).__name__, entry.process, ()) for entry in PREPROCESSORS
    ]
    return named + registered


def choices(config: ProcessingConfig) -> Iterator[tuple[str, Registry[Any], str]]:
    """Yield every name that a configuration chooses: its key, the registry and the name."""
    params, pc = config.params, config.channels.pc
    yield "params.segmentation_method", SEGMENTERS, params.segmentation_method
    yield "params.tracking_method", TRACKERS, params.tracking_method
    for i, name in enumerate(params.preprocessors):
        yield f"params.preprocessors.{i}", NAMED_PREPROCESSORS, name
    own = pc is not None and pc.features is not None
    for name in config.phase_features():
        where = "channels.pc.features" if own else "params.features.phase"
        yield where, PHASE_FEATURES, name
    features = config.fluorescence_features()
    for i, entry in enumerate(config.channels.fl):
        own = entry.features is not None
        where = f"channels.fl.{i}.features" if own else "params.features.fluorescence"
        for name in features[entry.channel]:
            yield where, FLUORESCENCE_FEATURES, name


def unknown_names(config: ProcessingConfig) -> list[str]:
    """Return a sentence for every name in a configuration that does not exist."""
    problems = [
        f"params.plugins.{name}: nothing of that name has parameters. Load its plugin "
        "(--plugins DIR), or remove the section."
        for name in sorted(config.params.plugins.keys() - parameter_models().keys())
    ]
    for where, registry, name in choices(config):
        try:
            registry[name]
        except ConfigError as error:
            problems.append(f"{where}: {error}")
    return list(dict.fromkeys(problems))


def with_own_params(config: ProcessingConfig) -> ProcessingConfig:
    """Write the parameters of all chosen methods, features and preprocessors out in full.

    Returns:
        The configuration with every value in `params.plugins`, also the defaults.

    Raises:
        ConfigError: A parameter is missing or wrong, or a name does not exist.
    """
    unknown = unknown_names(config)
    if unknown:
        raise ConfigError("\n".join(unknown))
    params = config.params
    sections = {}
    for _, registry, name in choices(config):
        own = own_params(name, registry[name], params)
        if own is not params:
            flat = set(ProcessingParams.model_fields)
            sections[name] = own.model_dump(mode="json", exclude=flat)
    if not sections:
        return config
    return config.replace(params=params.replace(plugins={**params.plugins, **sections}))


def register_preprocessor(preprocessor: Any) -> None:
    """Apply `preprocessor.process(image) -> image` to every frame before the segmentation.

    `image` is one phase contrast frame, shape (H, W), uint16. The result has the same shape
    and finite values. Integers from 0 to 65535 are used as they are; all other images are
    stretched to that range. Only the segmentation uses the result.

    Raises:
        PluginError: The object has no method `process` that takes one image.
    """
    process = getattr(preprocessor, "process", None)
    if isinstance(preprocessor, type) or not callable(process):
        raise PluginError(
            f"A preprocessor must be an object with a method process(image), got "
            f"{preprocessor!r}."
        )
    Registry[Any]("preprocessor", ("image",))["process"] = process
    if not any(entry is preprocessor for entry in PREPROCESSORS):
        PREPROCESSORS.append(preprocessor)
