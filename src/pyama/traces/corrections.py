"""The corrections that people make to traces: mark, delete, cut, join, swap and keep."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Cell = Annotated[int, Field(ge=1, le=2**31 - 1)]
FrameIndex = Annotated[int, Field(ge=0, le=2**31 - 1)]


class _Action(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )


class MarkCell(_Action):
    """Mark a cell as good or bad from a frame on."""

    kind: Literal["mark"] = "mark"
    cell: Cell
    """Number of the cell."""
    good: bool
    """Whether its rows are used."""
    frame: FrameIndex = 0
    """First frame that is marked."""


class Delete(_Action):
    """Remove a track from the table."""

    kind: Literal["delete"] = "delete"
    cell: Cell
    """Number of the cell."""


class Cut(_Action):
    """Give a track a new number from a frame on."""

    kind: Literal["cut"] = "cut"
    cell: Cell
    """Number of the cell."""
    frame: FrameIndex
    """First frame of the second part."""
    new: Cell | None = None
    """Number of the second part; None if it is still to be assigned."""


class Join(_Action):
    """Merge two tracks that have no frame in common into one."""

    kind: Literal["join"] = "join"
    cell: Cell
    """Number that is kept."""
    other: Cell
    """Number that is replaced."""


class Swap(_Action):
    """Exchange the numbers of two tracks from a frame on, for example after they crossed."""

    kind: Literal["swap"] = "swap"
    cell: Cell
    """Number of one cell."""
    other: Cell
    """Number of the other cell."""
    frame: FrameIndex
    """First frame that is exchanged."""


class Keep(_Action):
    """Give a trace to a cell that has none: a filter left it out, or it was deleted."""

    kind: Literal["keep"] = "keep"
    cell: Cell
    """Number of the cell in the labels."""
    new: Cell | None = None
    """Number of its trace; None if it is still to be assigned."""
    left_out: str | None = None
    """SHA-256 of the table of left-out cells that `cell` refers to, empty without a table;
    None if it is still to be assigned."""


Action = Annotated[MarkCell | Delete | Cut | Join | Swap | Keep, Field(discriminator="kind")]
"""One correction."""


def text_of(action: MarkCell | Delete | Cut | Join | Swap | Keep) -> str:
    """Return a correction in words."""
    match action:
        case MarkCell():
            start = f" from frame {action.frame}" if action.frame else ""
            return f"cell {action.cell} {'good' if action.good else 'bad'}{start}"
        case Delete():
            return f"delete {action.cell}"
        case Cut():
            return f"cut {action.cell} at frame {action.frame} (new: {action.new})"
        case Join():
            return f"join {action.other} to {action.cell}"
        case Swap():
            return f"swap {action.cell} and {action.other} from frame {action.frame}"
        case Keep():
            other = f" as {action.new}" if action.new not in {None, action.cell} else ""
            return f"keep cell {action.cell}{other}, which had no trace"


def cells_of(action: MarkCell | Delete | Cut | Join | Swap | Keep) -> list[int]:
    """Return the cells that a correction names."""
    return [action.cell, *([action.other] if isinstance(action, Join | Swap) else [])]
