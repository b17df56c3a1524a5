"""Which parameters stand together in a form, and for which methods each is shown.

Everything follows from the models of the parameters and from what is registered.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pyama.algorithms.copy_params import CopyParams
from pyama.algorithms.diameter_params import DiameterParams
from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.algorithms.flat_field_params import FlatFieldParams
from pyama.algorithms.params import (
    BackgroundParams,
    ExtractionParams,
    Params,
    RegistrationParams,
    TimeParams,
)
from pyama.algorithms.scale_params import ScaleParams
from pyama.config import WITHOUT_EFFECT, ProcessingParams
from pyama.processing.methods import (
    NAMED_PREPROCESSORS,
    SEGMENTER_PARAMS,
    SEGMENTERS,
    TRACKER_PARAMS,
    TRACKERS,
)
from pyama.processing.plugin_digest import is_builtin
from pyama.processing.steps import segmentation, tracking
from pyama.registry import Registry

SEGMENTER, TRACKER, PREPROCESSORS = "segmentation_method", "tracking_method", "preprocessors"
"""Parameters that choose a method."""
Conditions = dict[str, dict[str, list[str]]]
"""By parameter, or by the name of a method or feature: where it is shown. One of the listed
names must be chosen in one of the parameters."""


def groups() -> list[dict[str, Any]]:
    """Return the groups of the form in order.

    Returns:
        Of each, the `title`, the `names` of its parameters (`method.name` for those of a
        single method), and the `channel` (`pc` or `fl`) without which it has no effect;
        empty if there is none.
    """
    finding = [SEGMENTER, *DiameterParams.model_fields, *SEGMENTER_PARAMS.model_fields]
    finding += ["z", *_own_of(SEGMENTERS)]
    following = [
        *RegistrationParams.model_fields,
        *(TRACKER, *TRACKER_PARAMS.model_fields),
        *(name for name in _own_of(TRACKERS) if name not in finding),  # labels is both
    ]
    light = [
        *BackgroundParams.model_fields,
        "background_weight",
        *FlatFieldParams.model_fields,
    ]
    traces = [name for name in ExtractionParams.model_fields if name not in light]
    rest = [*TimeParams.model_fields, *ScaleParams.model_fields, *WITHOUT_EFFECT, "seed"]
    rest += ["copy_only", *(name for name in CopyParams.model_fields if name != "z")]
    found = [
        ("Finding cells", finding, "pc"),
        ("Following cells", following, "pc"),
        ("Background and light", light, "fl"),
        ("Traces", traces, "pc"),
        ("Time and computer", rest, ""),
    ]
    placed = {name for _, names, _ in found for name in names}
    other = [name for name in ProcessingParams.model_fields if name not in placed]
    found.append(("Other", other, ""))
    return [
        {"title": title, "names": names, "channel": channel} for title, names, channel in found
    ]


def conditions() -> Conditions:
    """Return where parameters are shown; those that are not listed are shown always."""
    found: Conditions = {}
    flat = _used(SEGMENTERS, SEGMENTER_PARAMS, segmentation.UNUSED_PARAMS)
    _add(found, SEGMENTER, SEGMENTERS, flat, SEGMENTER_PARAMS, always=segmentation.LIMITS)
    flat = _used(TRACKERS, TRACKER_PARAMS, tracking.UNUSED_PARAMS)
    _add(
        found, TRACKER, TRACKERS, flat, TRACKER_PARAMS, always={"divisions", "repair_flicker"}
    )
    flat = _used(NAMED_PREPROCESSORS, SEGMENTER_PARAMS, {})
    for name in found.keys() & SEGMENTER_PARAMS.model_fields.keys():
        if users := [chosen for chosen, fields in flat.items() if name in fields]:
            found[name][PREPROCESSORS] = users
    choosers = {
        PREPROCESSORS: NAMED_PREPROCESSORS,
        "phase": PHASE_FEATURES,
        "fluorescence": FLUORESCENCE_FEATURES,
    }
    for chooser, registry in choosers.items():
        for name in _with_own(registry):
            found.setdefault(name, {})[chooser] = [name]
    return found


def trial_names() -> list[str]:
    """Return the parameters, methods and preprocessors on which a trial depends."""
    flat = [SEGMENTER, PREPROCESSORS, "z", *DiameterParams.model_fields]
    flat += ["pixel_size_um", *SEGMENTER_PARAMS.model_fields]
    return [*flat, *_with_own(SEGMENTERS), *_with_own(NAMED_PREPROCESSORS)]


def _add(
    found: Conditions,
    chooser: str,
    registry: Registry[Any],
    flat: Mapping[str, set[str]],
    model: type[Params],
    always: Iterable[str],
) -> None:
    for name in model.model_fields.keys() - set(always):
        users = [method for method, fields in flat.items() if name in fields]
        if len(users) < len(registry):
            found[name] = {chooser: users}
    for method in _with_own(registry):
        found.setdefault(method, {chooser: [method]})


def _used(
    registry: Registry[Any], model: type[Params], unused: Mapping[str, Iterable[str]]
) -> dict[str, set[str]]:
    """Return the parameters of a run that each method reads."""
    used = {}
    for name, method in registry.items():
        own = getattr(method, "parameters", None) or model
        without = unused.get(name, ()) if is_builtin(method) else ()
        used[name] = set(own.model_fields) & set(model.model_fields) - set(without)
    return used


def _with_own(registry: Registry[Any]) -> Iterator[str]:
    """Yield the entries with parameters of their own."""
    return (name for name, entry in registry.items() if hasattr(entry, "parameters"))


def _own_of(registry: Registry[Any]) -> Iterator[str]:
    for name in _with_own(registry):
        for field in registry[name].parameters.model_fields:
            if field not in ProcessingParams.model_fields:
                yield f"{name}.{field}"
