"""The parameter of the size of a pixel."""

from typing import Annotated

from pydantic import Field

from pyama.algorithms.params import Params

Micrometres = Annotated[
    float, Field(gt=0, allow_inf_nan=False, json_schema_extra={"unit": "µm"})
]


class ScaleParams(Params):
    """Parameters of the size of a pixel."""

    pixel_size_um: Micrometres | None = None
    """Side of a pixel where the file has none or a wrong one; null takes that of the file.
    Stacks that are already copied keep the size in their OME-Zarr description."""
