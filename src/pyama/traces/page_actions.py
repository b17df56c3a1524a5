"""Clicks that arrive late or twice: a page repeats them after a connection was lost."""

from dataclasses import dataclass

from pyama.errors import ConfigError
from pyama.traces.correction_log import LogRecords
from pyama.traces.corrections import Action, Keep


@dataclass(frozen=True)
class Click:
    """What a page knew when somebody clicked.

    Attributes:
        id: Identifier of the click; empty if it is not repeated.
        traces: Digest of the traces that were shown; empty for those that are there.
    """

    id: str = ""
    traces: str = ""


NEW = Click()
"""A click that arrives at once, and once."""


def is_repeated(click: Click, records: LogRecords | None, digest: str) -> bool:
    """Whether a log holds a click already.

    Args:
        click: The click.
        records: Of the log; None if there is no log of these traces.
        digest: Of the traces.

    Raises:
        ConfigError: The click meant other traces, in which its cells may be other ones.
    """
    if records is not None and click.id in records.ids:
        return True
    if click.traces and click.traces != digest:
        raise ConfigError(
            "A run has made these traces again since they were shown, so that this change is "
            "not saved: cell numbers may be other ones. Look at the cells as they are now, "
            "and repeat the change if it still applies."
        )
    return False


def refuse_other_table(action: Action, left_out: str) -> None:
    """Raise an error if a cell is to be kept that was shown from another table.

    Args:
        action: Any correction.
        left_out: Digest of the table of left-out cells that is there.

    Raises:
        ConfigError: A run has made that table again since.
    """
    if isinstance(action, Keep) and action.left_out not in {None, left_out}:
        raise ConfigError(
            "A run has made the table of cells without a trace again since it was shown, so "
            f"that cell {action.cell} is not kept: it may be another one. Look at the cells "
            "as they are now, and repeat the change if it still applies."
        )
