"""What every output of a field of view depends on, known before anything runs."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pyama import layout
from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.algorithms.flat_field_params import FlatFieldParams
from pyama.algorithms.params import (
    BackgroundParams,
    CopyParams,
    Params,
    own_params,
)
from pyama.config import WITHOUT_EFFECT, ProcessingConfig
from pyama.metadata import MicroscopyMetadata, frame_times
from pyama.processing.external.light_images import LightImage
from pyama.processing.light_sources import sources
from pyama.processing.methods import (
    SEGMENTER_PARAMS,
    SEGMENTERS,
    TRACKER_PARAMS,
    TRACKERS,
    preprocessors,
)
from pyama.processing.plugin_calls import called
from pyama.processing.plugin_digest import fingerprint, is_builtin
from pyama.registry import Registry
from pyama.store import (
    CELL_PREVIEWS_MARK,
    CELLS_MARK,
    ROOT_MARK,
    SHIFTS_MARK,
    TRACES_MARK,
    Recipe,
)

VERSIONS = {
    "copying": 1,
    "registration": 1,
    "segmentation": 2,
    "tracking": 1,
    "background": 1,
    "cropping": 1,
    "extraction": 1,
    "caching": 1,
}
"""Raised when a step's algorithm changes, so that users who upgrade get it done again."""
LIMITS = ("min_object_size", "max_object_size")
"""Applied to the labels of every segmentation method."""
UNREAD = {
    "logstd": ("split_h",),
    "watershed": (
        *("morph_size", "morph_iterations", "closing_size", "closing_iterations"),
        "erosion_size",
    ),
    "kalman": ("min_iou",),
    "laptrack": ("min_iou",),
    "btrack": ("min_iou",),
}
"""Parameters that built-in methods get to see and do not look at."""


def full(group: str) -> str:
    """Name of the output that holds level 0 of a group."""
    return f"{group}/{layout.FULL}"


def preview(group: str) -> str:
    """Name of the output that holds level 1 of a group."""
    return f"{group}/{layout.PREVIEW}"


def image_groups(config: ProcessingConfig) -> list[str]:
    """Return the groups of the raw channels, phase contrast first."""
    pc = config.channels.pc
    phase = [] if pc is None else [layout.phase(pc.channel)]
    return phase + [layout.fluorescence(entry.channel) for entry in config.channels.fl]


def crop_groups(config: ProcessingConfig) -> list[str]:
    """Return the groups of `cells.zarr`: raw channels, mask, backgrounds."""
    pc = config.channels.pc
    if pc is None:
        return []
    backgrounds = [layout.background(entry.channel) for entry in config.channels.fl]
    return [*image_groups(config), layout.tracked(pc.channel), *backgrounds]


def recipes(
    metadata: MicroscopyMetadata, config: ProcessingConfig, fov: int
) -> dict[str, Recipe]:
    """Return the recipe of every output that a run would make, by name, in order."""
    found: dict[str, Recipe] = {}
    _copying(found, metadata, config, fov)
    if config.params.copy_only:
        return found
    pc = config.channels.pc
    if pc is not None:
        _registration(found, metadata, config, pc.channel)
        _segmentation(found, config, pc.channel, fov)
        _tracking(found, config, pc.channel, fov)
    for entry in config.channels.fl:
        _background(found, config, entry.channel)
    if pc is not None:
        inputs = [full(group) for group in crop_groups(config)] + _shifts(found)
        found[CELLS_MARK] = _recipe(found, "cropping", inputs)
    if pc is not None or not config.channels.ids:
        light = [] if pc is None else _light(found, metadata, config, fov)
        found[TRACES_MARK] = _extraction(found, metadata, config, fov, light)
    _caching(found)
    return found


def _copying(
    found: dict[str, Recipe], metadata: MicroscopyMetadata, config: ProcessingConfig, fov: int
) -> None:
    groups = image_groups(config)
    origin = {"recording": metadata.identity}
    version = VERSIONS["copying"]
    found[ROOT_MARK] = Recipe("copying", version, "", {"fov": fov, "groups": groups}, origin)
    for group, channel in zip(groups, config.channels.ids, strict=True):
        params = {"fov": fov, "channel": channel, **_values(CopyParams, config)}
        found[full(group)] = Recipe("copying", version, "", params, origin)


def _registration(
    found: dict[str, Recipe], metadata: MicroscopyMetadata, config: ProcessingConfig, pc: int
) -> None:
    """The shifts, which are made with the labels; only tracking and what follows need them."""
    method = config.params.registration
    if method != "none":
        inputs = {name: found[name].digest for name in [full(layout.phase(pc))]}
        params = {"basename": metadata.basename}
        version = VERSIONS["registration"]
        found[SHIFTS_MARK] = Recipe("segmentation", version, method, params, inputs)


def _segmentation(
    found: dict[str, Recipe], config: ProcessingConfig, pc: int, fov: int
) -> None:
    method = config.params.segmentation_method
    chosen, params = _choice(SEGMENTERS, method, SEGMENTER_PARAMS, config, fov)
    params |= {name: getattr(config.params, name) for name in LIMITS}
    identities = [entry.identity for entry in preprocessors(config.params)]
    if identities:
        params["preprocessors"] = identities
    inputs = [full(layout.phase(pc))]
    found[full(layout.labeled(pc))] = _recipe(found, "segmentation", inputs, chosen, params)


def _tracking(found: dict[str, Recipe], config: ProcessingConfig, pc: int, fov: int) -> None:
    method = config.params.tracking_method
    chosen, params = _choice(TRACKERS, method, TRACKER_PARAMS, config, fov)
    params["divisions"] = config.params.divisions
    inputs = [full(layout.labeled(pc)), *_shifts(found)]
    found[full(layout.tracked(pc))] = _recipe(found, "tracking", inputs, chosen, params)


def _shifts(found: Mapping[str, Recipe]) -> list[str]:
    return [SHIFTS_MARK] if SHIFTS_MARK in found else []


def _choice(
    registry: Registry[Any],
    name: str,
    step: type[Params],
    config: ProcessingConfig,
    fov: int,
) -> tuple[str, dict[str, Any]]:
    """Return what identifies a method, and the parameters that it reads."""
    method = registry[name]
    own = own_params(name, method, config.params, step)
    unread = set(UNREAD[name]) if name in UNREAD and is_builtin(method) else set()
    params = own.model_dump(mode="json", exclude=unread)
    if hasattr(method, "identity"):
        params["identity"] = called(f"{registry.kind} {name!r}", method.identity, own, fov)
    return f"{name}: {fingerprint(method)}", params


def _background(found: dict[str, Recipe], config: ProcessingConfig, channel: int) -> None:
    inputs = [full(layout.fluorescence(channel))]
    if config.channels.pc is not None:
        inputs.append(full(layout.labeled(config.channels.pc.channel)))
    found[full(layout.background(channel))] = _recipe(
        found, "background", inputs, "", _values(BackgroundParams, config)
    )


def _light(
    found: dict[str, Recipe], metadata: MicroscopyMetadata, config: ProcessingConfig, fov: int
) -> list[str]:
    """Add flat fields and dark frames; return their names."""
    made = []
    for channel, light in sources(config, fov, metadata.shapes[fov]).items():
        dark, flat = (full(of(channel)) for of in (layout.dark_frame, layout.flat_field))
        if light.dark is not None:
            params = {"dark_frame": _spelled(light.dark)}
            found[dark] = _recipe(found, "extraction", [], "", params)
            made.append(dark)
        inputs = [dark] if light.dark is not None else []
        if isinstance(light.flat, LightImage):
            params = {"flat_field": light.flat.digest}
            found[flat] = _recipe(found, "extraction", inputs, "image", params)
        elif light.flat is not None:
            inputs.append(full(layout.background(channel)))
            found[flat] = _recipe(found, "extraction", inputs, light.flat)
        made += [flat] if light.flat is not None else []
    return made


def _spelled(dark: LightImage | float) -> str:
    return f"image {dark.digest}" if isinstance(dark, LightImage) else f"{dark:g} counts"


def _extraction(
    found: dict[str, Recipe],
    metadata: MicroscopyMetadata,
    config: ProcessingConfig,
    fov: int,
    light: Sequence[str],
) -> Recipe:
    functions = {f"phase.{name}": PHASE_FEATURES[name] for name in config.phase_features()}
    for names in config.fluorescence_features().values():
        functions |= {f"fluorescence.{name}": FLUORESCENCE_FEATURES[name] for name in names}
    params: dict[str, Any] = {
        "background_weight": config.params.background_weight,
        "min_frames": config.params.min_frames,
        "border_margin": config.params.border_margin,
        "phase": config.phase_features(),
        "fluorescence": {str(k): v for k, v in config.fluorescence_features().items()},
        "functions": {name: fingerprint(entry) for name, entry in functions.items()},
        "plugins": _plugin_values(functions, config),
        "pixel_size_um": metadata.pixel_size_um,
        "basename": metadata.basename,
    }
    if not all(is_builtin(entry) for entry in functions.values()):
        # A custom feature may read all parameters and the time from its context.
        # What the light was like is known by its own recipes, not by names of files.
        ignored = {*WITHOUT_EFFECT, *FlatFieldParams.model_fields}
        if config.params.registration == "none":
            ignored.add("registration")  # as before there was such a parameter
        params["context"] = config.params.model_dump(mode="json", exclude=ignored)
        params["times"] = _digest(frame_times(metadata, config.params, fov)[0])
    inputs = [*([CELLS_MARK] if CELLS_MARK in found else []), *light]
    return _recipe(found, "extraction", inputs, "", params)


def _plugin_values(functions: Mapping[str, Any], config: ProcessingConfig) -> dict[str, Any]:
    """Return the parameters that features have of their own, by the names of the features."""
    names = {key.partition(".")[2]: entry for key, entry in functions.items()}
    return {
        name: own_params(name, entry, config.params).model_dump(mode="json")
        for name, entry in names.items()
        if hasattr(entry, "parameters")
    }


def _caching(found: dict[str, Recipe]) -> None:
    for name in list(found):
        group, _, level = name.partition("/")
        if level == layout.FULL and not layout.is_light(group):
            target = CELL_PREVIEWS_MARK if name == CELLS_MARK else preview(group)
            found[target] = _recipe(found, "caching", [name])


def _recipe(
    found: Mapping[str, Recipe],
    step: str,
    inputs: Sequence[str],
    method: str = "",
    params: Mapping[str, Any] | None = None,
) -> Recipe:
    digests = {name: found[name].digest for name in inputs}
    return Recipe(step, VERSIONS[step], method, _plain(params or {}), digests)


def _values(model: type[Params], config: ProcessingConfig) -> dict[str, Any]:
    """Return the parameters that an algorithm reads, by name."""
    return {name: getattr(config.params, name) for name in model.model_fields}


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return `params` as JSON gives them back, so that recipes on disk compare equal."""
    plain: dict[str, Any] = json.loads(json.dumps(params))
    return plain


def _digest(values: object) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
