"""Parameters of reading the microscope file; no heavy imports, as in `params`."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from pyama.algorithms.params import Params


class CopyParams(Params):
    """Parameters of reading the microscope file."""

    z: (
        Annotated[int, Field(ge=0, json_schema_extra={"unit": "planes"})]
        | Literal["middle", "max"]
    ) = "middle"
    """Plane of a z stack: its 0-based index, `middle`, or `max` for the maximum projection."""

    zero_planes: Literal["auto", "keep", "missing"] = "auto"
    """Whether an image of which every pixel is 0 was recorded. Some microscopes store zeros
    where a channel is recorded in every n-th frame only. `auto`: not recorded if no other
    image of the channel and field of view has a pixel that is 0; `keep`: recorded; `missing`:
    not recorded."""

    @field_validator("z", mode="before")
    @classmethod
    def _plane(cls, value: Any) -> Any:
        # Otherwise each of the two types has a message of its own.
        try:
            known = value in ("middle", "max") or (int(value) == float(value) >= 0)
        except (TypeError, ValueError, OverflowError):
            known = False
        if not known:
            raise ValueError("expected 'middle', 'max' or the index of a plane, 0 or more")
        return value
