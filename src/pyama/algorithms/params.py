"""Parameters of every algorithm with unit, bounds and meaning.

This module imports neither NumPy nor Numba, so that a configuration is checked quickly.
"""

import math
import warnings
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
)

from pyama.errors import ConfigError, place_of, problem_of
from pyama.registry import parameter_models


def _unit(unit: str) -> Any:
    return Field(json_schema_extra={"unit": unit})


MAX_INTEGER = 2**31 - 1
Pixels = Annotated[int, Field(ge=0, le=MAX_INTEGER), _unit("px")]
Area = Annotated[int, Field(ge=0, le=MAX_INTEGER), _unit("px²")]
Frames = Annotated[int, Field(ge=0, le=MAX_INTEGER), _unit("frames")]
Repeats = Annotated[int, Field(ge=0, le=100), _unit("1")]
Minutes = Annotated[float, Field(gt=0, allow_inf_nan=False), _unit("min")]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), _unit("1")]


class Params(BaseModel):
    """Immutable parameters; unknown names and wrong values are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        # YAML reads `yes` and `on` as true, which Pydantic would accept as the number 1.
        name = str(info.field_name)
        if isinstance(value, bool) and cls.model_fields[name].annotation is not bool:
            raise ValueError("true and false are not allowed here")
        return value

    def replace(self, **changes: object) -> Self:
        """Return a copy with `changes`, which are checked."""
        kept = {name: getattr(self, name) for name in self.model_fields_set}
        return type(self).model_validate({**kept, **changes})


class PluginParams(Params):
    """Parameters of single methods, features and preprocessors."""

    plugins: dict[str, dict[str, Any]] = {}
    """Parameters of single methods, features and preprocessors by name:
    `{name: {parameter: value}}`. `pyama plugins list` shows them."""

    @field_validator("plugins")
    @classmethod
    def _known_ones(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Check the parameters of everything that is loaded; a run checks the others."""
        models = {n: model for n, model in parameter_models().items() if n in value}
        for name in models:
            flat = sorted(value[name].keys() & cls.model_fields.keys())
            if flat:
                raise ValueError(
                    f"{name}.{flat[0]} is a parameter of the run: set params.{flat[0]}"
                )
        fields: dict[str, Any] = {name: (model, ...) for name, model in models.items()}
        section = create_model("plugins", __config__=ConfigDict(extra="ignore"), **fields)
        # A validation error inside a validator keeps the path to each wrong value.
        checked = section.model_validate(value)
        return {**value, **{name: _own(getattr(checked, name), cls) for name in models}}


def _own(values: BaseModel, flat: type[BaseModel]) -> dict[str, Any]:
    given = values.model_fields_set - flat.model_fields.keys()
    return values.model_dump(mode="json", include=given)


def own_params(name: str, plugin: Any, params: Any, step: "type[Params] | None" = None) -> Any:
    """Return the parameters of a method, feature or preprocessor.

    Args:
        name: Name in the registry and in `params.plugins`.
        plugin: The function or object; see `pyama.registry.parameters`.
        params: Parameters of the run.
        step: Model for functions without one of their own; None is all parameters of the run.

    Returns:
        An instance of its own model; without one, an instance of `step`, or `params`.

    Raises:
        ConfigError: A parameter of its own is missing or wrong.
    """
    model: type[BaseModel] | None = getattr(plugin, "parameters", None)
    if model is None:
        if step is None:
            return params
        return step.model_validate({name: getattr(params, name) for name in step.model_fields})
    shared = model.model_fields.keys() & type(params).model_fields.keys()
    flat = {field: getattr(params, field) for field in shared}
    own = getattr(params, "plugins", {}).get(name, {})
    try:
        return model.model_validate({**flat, **own})
    except ValidationError as error:
        wrong = "; ".join(
            f"plugins.{name}.{place_of(entry)}: {problem_of(entry)}"
            for entry in error.errors()
        )
        raise ConfigError(f"The parameters of {name!r} are wrong. {wrong}.") from error


def _not_below(smaller: str, value: int | None, info: ValidationInfo) -> int | None:
    """Check an upper limit by field, so that all errors are reported together."""
    least = info.data.get(smaller)
    if value is not None and least is not None and least > value:
        raise ValueError(
            f"{smaller} ({least} px²) must not exceed {info.field_name} ({value} px²)"
        )
    return value


class RegistrationParams(Params):
    """Parameters of the registration, the correction for drift of the stage."""

    registration: Literal["none", "phase_correlation"] = "none"
    """Method that measures the drift of the stage: `phase_correlation` of the phase contrast
    frames, or `none`. The tracking corrects for the drift, which is listed in `*_shifts.csv`
    and in the traces. Images, crops and positions are not changed."""


class LogStdParams(Params):
    """Parameters of the LOG-STD segmentation.

    The closing bridges gaps in the outline of a cell. The opening removes everything thinner
    than about `2 * morph_iterations * (morph_size // 2)` pixels. With the defaults it removes
    all objects below about 180 px², for any `min_object_size`.
    """

    logstd_window_size: Annotated[int, Field(ge=2, le=255), _unit("px")] = 3
    """Side of the square in which the variation of intensity is measured."""
    morph_size: Annotated[int, Field(ge=0, le=255), _unit("px")] = 7
    """Width of the disk of the opening (radius `morph_size // 2`). 0 or 1: no opening."""
    morph_iterations: Repeats = 3
    """Number of iterations of the opening."""
    closing_size: Annotated[int, Field(ge=0, le=255), _unit("px")] = 3
    """Width of the disk of the closing (radius `closing_size // 2`). 0 or 1: no closing."""
    closing_iterations: Repeats = 1
    """Number of iterations of the closing."""
    erosion_size: Annotated[int, Field(ge=0, le=255), _unit("px")] | None = None
    """Radius of the erosion of the mask; null is half of `logstd_window_size`."""
    min_object_size: Area = 50
    """Smaller objects are removed; the default opening removes all below about 180 px²."""
    max_object_size: Annotated[Area | None, Field(validate_default=True)] = 10_000
    """Larger objects are removed; null keeps them. Touching cells are one object."""
    frame_scale: (
        Annotated[float, Field(gt=0, le=10, allow_inf_nan=False), _unit("1")] | None
    ) = None
    """Factor by which `logstd` and `watershed` resize the frame before they find cells, such
    as 2 for cells of 35 px. Labels have the size of the frame, and object sizes and `split_h`
    are in its px; windows and disks are in px of the resized frame. Null: as recorded."""

    @field_validator("max_object_size")
    @classmethod
    def _sizes_in_order(cls, value: int | None, info: ValidationInfo) -> int | None:
        return _not_below("min_object_size", value, info)


class WatershedParams(LogStdParams):
    """Parameters of the LOG-STD segmentation that separates touching cells at their halo.

    It uses `logstd_window_size`, `min_object_size`, `max_object_size` and `split_h`, and a
    closing, opening and erosion without parameters.
    """

    split_h: Annotated[float, Field(gt=0, allow_inf_nan=False), _unit("px")] | None = None
    """Smallest narrowing between two cells, on each side; null chooses it by the cell size."""


class TrackingParams(Params):
    """Parameters of the tracking by overlap."""

    min_iou: Fraction = 0.1
    """Smallest overlap (intersection over union) of one cell in successive frames."""
    max_gap: Frames = 0
    """Largest number of frames in which a cell may be missing and keep its number."""
    min_size: Area | None = None
    """Smaller objects are not tracked; null tracks all."""
    max_size: Area | None = None
    """Larger objects are not tracked; null tracks all."""
    repair_flicker: bool = False
    """Whether cells that are cut or joined in one or two frames are repaired by the frames
    before and after. The labels before the tracking stay as they are."""
    divisions: bool = False
    """Whether to find cells that divide. Daughters get new numbers, and the traces a column
    `parent` (0: no parent was found)."""

    @field_validator("max_size")
    @classmethod
    def _limits_in_order(cls, value: int | None, info: ValidationInfo) -> int | None:
        return _not_below("min_size", value, info)


class KalmanParams(TrackingParams):
    """Parameters of the tracking by prediction, in addition to those of every tracker."""

    max_step: Annotated[
        float, Field(gt=0, le=100, allow_inf_nan=False), _unit("diameters")
    ] = 2.0
    """Largest distance from the predicted position, in diameters of the cell per frame."""
    acceleration: Annotated[
        float, Field(gt=0, le=100, allow_inf_nan=False), _unit("diameters/frame²")
    ] = 0.2
    """Standard deviation of the change of velocity of a cell from frame to frame."""


class BackgroundParams(Params):
    """Parameters of the background estimate."""

    background_method: Literal["tiles", "planes"] = "tiles"
    """How the background is estimated: `tiles`, a surface through the medians of tiles; or
    `planes`, through robust planes, for steep light, crowded fields and small frames."""
    tile_size: Annotated[int, Field(ge=4, le=65535), _unit("px")] = 100
    """Side of the square tiles; with `planes` at least 16 px, and at most a third of the
    shorter side of the frame."""
    tile_overlap: Annotated[float, Field(ge=0, le=0.9, allow_inf_nan=False), _unit("1")] = 0.5
    """Fraction of a tile that the next tile overlaps."""


class ExtractionParams(Params):
    """Parameters of the traces."""

    background_weight: Fraction = 1.0
    """Fraction of the background to subtract, clipped to 0 to 1 with a warning."""
    min_frames: Frames = 30
    """Cells in fewer frames are not in the traces."""
    border_margin: Pixels = 50
    """Cells closer to the edge in any frame, or cut by a gap between tiles of a mosaic, are
    not in the traces; 0 keeps them."""

    @field_validator("background_weight", mode="before")
    @classmethod
    def _clip(cls, value: Any) -> Any:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or 0 <= value <= 1 or value in (-math.inf, math.inf) or value != value:
            return value
        clipped = float(min(max(value, 0), 1))
        warnings.warn(
            f"background_weight is {value}; expected 0 to 1. {clipped} is used.",
            UserWarning,
            stacklevel=2,
        )
        return clipped


class TimeParams(Params):
    """Parameters of the time of every frame."""

    frame_interval: Minutes = 10.0
    """Minutes per frame of the recording; used if it is set, or if the file has no usable time
    stamps."""
    time_mapping: (
        Annotated[
            dict[Annotated[int, Field(ge=0)], Annotated[float, _unit("min")]],
            Field(json_schema_extra={"example": "{0: 0.0, 1: 12.5}"}),
        ]
        | None
    ) = None
    """Time in minutes by frame of the recording. It overrides everything else."""

    @field_validator("time_mapping", mode="before")
    @classmethod
    def _no_boolean_times(cls, value: Any) -> Any:
        entries = [*value, *value.values()] if isinstance(value, dict) else ()
        if any(isinstance(entry, bool) for entry in entries):
            raise ValueError("true and false are not allowed here")
        return value

    @field_validator("time_mapping")
    @classmethod
    def _increasing(cls, value: dict[int, float] | None) -> dict[int, float] | None:
        if value is None:
            return value
        times = [value[frame] for frame in sorted(value)]
        if not all(math.isfinite(t) for t in times):
            raise ValueError("every time must be a finite number of minutes")
        if any(b <= a for a, b in pairwise(times)):
            raise ValueError("times must increase from frame to frame")
        return dict(sorted(value.items()))
