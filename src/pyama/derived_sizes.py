"""Parameters that follow from `cell_diameter`: the one place where they are filled in."""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from pyama.algorithms.diameter_params import (
    DERIVABLE,
    TUNED_DIAMETER,
    diameter_px,
    sizes_for,
)
from pyama.config import METADATA_KEY, ProcessingConfig, ProcessingParams
from pyama.derived_section import is_set, with_values, without_values
from pyama.errors import ConfigError, problem_of
from pyama.metadata import MicroscopyMetadata, pixel_size
from pyama.registry import parameter_models

OWN_DIAMETER = "diameter"
"""Parameter in px of single segmentation methods that `cell_diameter` sets."""
OF_METHODS = ("frame_scale", "split_h")
"""Parameters that methods with parameters of their own need not read."""
SEPARATING = ("watershed", "unet")
"""Methods that separate touching cells, and cut cells that are wider than they expect."""
WIDTHS = {"logstd": 50.0, "watershed": TUNED_DIAMETER}
"""Width (px) of the cells that fit the constants of a method. LOG-STD removes all that is
narrower than 18 px, and finds round cells of 25 to 100 px."""


def with_derived(config: ProcessingConfig, metadata: MicroscopyMetadata) -> ProcessingConfig:
    """Fill in the parameters that follow from `cell_diameter` and are not set.

    Derived values that are there already are derived again.

    Args:
        config: Of a run.
        metadata: Of its recording, for the size of a pixel.

    Raises:
        ConfigError: The diameter is in micrometres, and the size of a pixel is unknown, or it
            does not fit.
    """
    params = _given(config)
    width = diameter_px(params, pixel_size(metadata, params))
    if width is None:
        return config.replace(params=params, derived={}) if config.derived else config
    given = {name: getattr(params, name) for name in params.model_fields_set}
    derived = {n: v for n, v in _sizes(params, width).items() if not is_set(given, n)}
    try:
        filled = ProcessingParams.model_validate(with_values(given, derived))
    except ValidationError as error:
        wrong = "; ".join(problem_of(entry) for entry in error.errors(include_url=False))
        raise ConfigError(
            f"What follows from cell_diameter = {params.cell_diameter} does not fit what is "
            f"set: {wrong}. Set both, or neither."
        ) from error
    return config.replace(params=filled, derived=derived)


def without_written_defaults(entries: dict[str, Any]) -> dict[str, Any]:
    """Return what an earlier run has written, so that sizes can follow from a new diameter.

    A run writes all parameters. Without `cell_diameter`, those of `DERIVABLE` that have their
    default are left out, since nobody need have set them.

    Args:
        entries: Of a configuration file.
    """
    params = entries.get("params")
    if METADATA_KEY not in entries or not isinstance(params, dict):
        return entries
    if params.get("cell_diameter") is not None:
        return entries
    standard = {name: ProcessingParams.model_fields[name].default for name in DERIVABLE}
    kept = {
        name: value
        for name, value in params.items()
        if name not in standard or value != standard[name]
    }
    return {**entries, "params": kept}


def _given(config: ProcessingConfig) -> ProcessingParams:
    """Return the parameters without those that were derived."""
    params = config.params
    if not config.derived:
        return params
    given = {name: getattr(params, name) for name in params.model_fields_set}
    return ProcessingParams.model_validate(without_values(given, config.derived))


def _sizes(params: ProcessingParams, width: float) -> dict[str, Any]:
    sizes, own = sizes_for(width), parameter_models().get(params.segmentation_method)
    if own is not None:  # it reads those of the other methods only if it names them
        unread = {*OF_METHODS} - own.model_fields.keys()
        sizes = {name: value for name, value in sizes.items() if name not in unread}
    if _has_own_diameter(params):
        sizes[f"{params.segmentation_method}.{OWN_DIAMETER}"] = round(width, 2)
    return sizes


def _has_own_diameter(params: ProcessingParams) -> bool:
    model = parameter_models().get(params.segmentation_method)
    return model is not None and OWN_DIAMETER in model.model_fields


def derived_notes(config: ProcessingConfig, metadata: MicroscopyMetadata) -> Iterator[str]:
    """Yield what follows from `cell_diameter` and what does not because it is set.

    Args:
        config: What `with_derived` returned.
        metadata: Of the recording.
    """
    params = config.params
    width = diameter_px(params, pixel_size(metadata, params))
    if width is None:
        return
    typed = params.cell_diameter
    shown = f"{width:.4g} px" if typed == width else f"{typed} ({width:.4g} px)"
    values = [f"{name} = {_text(value)}" for name, value in config.derived.items()]
    if values:
        yield f"Derived from cell_diameter = {shown}: {', '.join(values)}."
    kept = [name for name in _sizes(params, width) if name not in config.derived]
    if kept:
        yield (
            f"Set beside cell_diameter = {shown}, and therefore not derived from it: "
            f"{', '.join(kept)}."
        )


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def assumed_diameter(config: ProcessingConfig, metadata: MicroscopyMetadata) -> float | None:
    """Return the width of cells that the segmentation of a run expects, in px.

    Returns:
        `cell_diameter`, else that of the method; None if it has none.
    """
    params = config.params
    width = diameter_px(params, pixel_size(metadata, params))
    if width is not None:
        return width
    method = params.segmentation_method
    if _has_own_diameter(params):
        return params.plugins.get(method, {}).get(OWN_DIAMETER, _own_default(params))
    return WIDTHS[method] / (params.frame_scale or 1) if method in WIDTHS else None


def is_width_given(params: ProcessingParams) -> bool:
    """Whether somebody has said how wide the cells are, or at which scale to find them."""
    own = params.plugins.get(params.segmentation_method, {}).get(OWN_DIAMETER)
    is_own = own is not None and own != _own_default(params)
    return is_own or (params.cell_diameter, params.frame_scale) != (None, None)


def _own_default(params: ProcessingParams) -> float | None:
    if not _has_own_diameter(params):
        return None
    return parameter_models()[params.segmentation_method].model_fields[OWN_DIAMETER].default
