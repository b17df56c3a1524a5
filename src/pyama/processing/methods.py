"""The methods that a configuration chooses from by name, and what runs before them.

Methods and preprocessors may have parameters of their own, see `pyama.registry.parameters`.
They may also have an attribute `identity`, a function `identity(params, fov)` that tells what
else their result depends on, such as a file of weights; it raises where that is missing.
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
from pyama.processing.external import cellpose, label_images, lineages
from pyama.processing.plugin_digest import fingerprint
from pyama.registry import Registry, parameter_models

SEGMENTER_PARAMS, TRACKER_PARAMS = WatershedParams, TrackingParams
"""What methods (and preprocessors: as segmenters) without parameters of their own get to see,
and nothing else: their results are made again when one of these changes."""

SEGMENTERS = Registry[Any]("segmentation method", ("frame", "params"))
"""`f(frame, params) -> labels`, see `pyama.algorithms.segmenters.logstd.segment`. The limits
of size are applied afterwards, to the labels of every method alike. A third argument named
`place`, which needs a default, gets a `pyama.algorithms.contracts.Place`."""
SEGMENTERS["logstd"] = logstd.segment
SEGMENTERS["watershed"] = watershed.segment
SEGMENTERS["cellpose"] = cellpose.segment
SEGMENTERS["labels"] = label_images.segment

TRACKERS = Registry[Any]("tracking method", ("frames", "params"))
"""`f(frames, params) -> iterator of frames`, see `pyama.algorithms.trackers.iou.track`. Frames
without a phase contrast image are left out of what a tracker sees; `frames` has a length, and
may be gone through several times. With `registration` they are larger than the recording's:
what lies still on a stage that drifts has the same place in all of them."""
TRACKERS["iou"] = iou.track
TRACKERS["mask_iou"] = iou.track_masks
TRACKERS["kalman"] = kalman.track
TRACKERS["laptrack"] = lineages.laptrack
TRACKERS["btrack"] = lineages.btrack

NAMED_PREPROCESSORS = Registry[Any]("preprocessor", ("image", "params"))
"""`f(image, params) -> image`, see `register_preprocessor`; used where a configuration names
them in `params.preprocessors`."""

PREPROCESSORS: list[Any] = []
"""Applied to every frame before segmentation, in this order, after the named ones; see
`register_preprocessor`."""


@dataclass(frozen=True)
class Preprocessor:
    """A preprocessor as a run uses it.

    Attributes:
        name: For messages.
        function: Called with the image and `params`.
        params: Nothing, or the parameters of a named preprocessor.
        identity: What the result depends on.
    """

    name: str
    function: Callable[..., Any]
    params: tuple[Any, ...]
    identity: Any


def takes_place(segmenter: Callable[..., Any]) -> bool:
    """Whether a segmenter asks which frame it sees."""
    return "place" in inspect.signature(segmenter).parameters


def preprocessors(params: ProcessingParams) -> list[Preprocessor]:
    """Return what every frame goes through before segmentation, in order.

    Raises:
        ConfigError: A name is unknown, or a parameter is wrong.
    """
    found = []
    for name in params.preprocessors:
        function = NAMED_PREPROCESSORS[name]
        own = own_params(name, function, params, SEGMENTER_PARAMS)
        identity = [f"{name}: {fingerprint(function)}", own.model_dump(mode="json")]
        found.append(Preprocessor(name, function, (own,), identity))
    return found + [
        Preprocessor(name, entry.process, (), f"{name}: {fingerprint(entry)}")
        for entry in PREPROCESSORS
        for name in [type(entry).__name__]
    ]


def choices(config: ProcessingConfig) -> Iterator[tuple[str, Registry[Any], str]]:
    """Yield every name that a configuration chooses: where it stands, of what, the name."""
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
    """Return what a configuration names that does not exist, a sentence for each."""
    found = [
        f"params.plugins.{name}: nothing of that name has parameters. Load its plugin "
        "(--plugins DIR), or take the section away."
        for name in sorted(config.params.plugins.keys() - parameter_models().keys())
    ]
    for where, registry, name in choices(config):
        try:
            registry[name]
        except ConfigError as error:
            found.append(f"{where}: {error}")
    return list(dict.fromkeys(found))


def with_own_params(config: ProcessingConfig) -> ProcessingConfig:
    """Return the configuration with all parameters that what it chooses has of its own.

    Raises:
        ConfigError: One of them is missing or wrong, or something named does not exist.
    """
    unknown = unknown_names(config)
    if unknown:
        raise ConfigError("\n".join(unknown))
    params = config.params
    found = {}
    for _, registry, name in choices(config):
        own = own_params(name, registry[name], params)
        if own is not params:
            flat = set(ProcessingParams.model_fields)
            found[name] = own.model_dump(mode="json", exclude=flat)
    if not found:
        return config
    return config.replace(params=params.replace(plugins={**params.plugins, **found}))


def register_preprocessor(preprocessor: Any) -> None:
    """Change what segmentation sees: `preprocessor.process(image) -> image`.

    `image` is one phase contrast frame (H, W), uint16. What comes back has the same shape and
    finite numbers: integers from 0 to 65535 are taken as they are, anything else is stretched
    to that range. Nothing but the segmentation sees it.

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
