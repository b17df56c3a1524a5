"""Numbers of traces that corrections make."""

from collections.abc import Iterable

from pyama.traces.corrected_table import Table, has_trace
from pyama.traces.corrections import Action, Cut, Keep


def numbered(action: Action, table: Table, earlier: Iterable[Action] = ()) -> Action:
    """Complete a correction that makes a trace: give it a number that was never used.

    A cell that is kept has its number in the labels, unless another trace has it.

    Args:
        action: Any correction; others are returned as they are.
        table: The traces before it.
        earlier: Corrections so far, also those that were undone.
    """
    if not isinstance(action, Cut | Keep):
        return action
    made = [other for other in earlier if isinstance(other, Cut | Keep)]
    given = {o.new for o in made if isinstance(o, Cut) or o.new != o.cell}
    largest = max(int(array.max(initial=0)) for array in (table.source, table.cells))
    new = max([largest, *(number or 0 for number in given)]) + 1
    if isinstance(action, Cut):
        return action if action.new is not None else action.model_copy(update={"new": new})
    is_free = action.cell not in given and not (table.cells == action.cell).any()
    if is_free or has_trace(table, action):
        new = action.cell
    digest = table.left_out_digest if action.left_out is None else action.left_out
    return action.model_copy(update={"new": action.new or new, "left_out": digest})
