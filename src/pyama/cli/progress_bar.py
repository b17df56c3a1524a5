"""Draws the progress of a run: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from pyama.cli.terminal import make_printable, note
from pyama.runs.progress import Snapshot

SECONDS_BETWEEN_LINES = 5.0
Show = Callable[[Snapshot], None]


@contextmanager
def show_progress() -> Iterator[Show]:
    """Yield what draws a snapshot: a live display on a terminal, plain lines elsewhere."""
    console = Console(stderr=True)
    if console.is_terminal and not console.is_dumb_terminal:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            yield lambda snapshot: _show_live(live, snapshot)
    else:
        yield _Lines()


def _show_live(live: Live, snapshot: Snapshot) -> None:
    for line in snapshot.messages:
        live.console.print(Text(make_printable(line)))
    bar = ProgressBar(total=1.0, completed=snapshot.share, width=40)
    rows = [Text(f"  {text}", style="dim") for text in snapshot.now]
    live.update(Group(bar, Text(str(snapshot)), *rows), refresh=True)


class _Lines:
    """One line every few seconds, and one for every message."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._before = ""

    def __call__(self, snapshot: Snapshot) -> None:
        for line in snapshot.messages:
            note(line)
        if snapshot.is_compiling:  # a message says so, once
            return
        text = str(snapshot)
        if time.monotonic() - self._last >= SECONDS_BETWEEN_LINES and text != self._before:
            note("; ".join((text, *snapshot.now[:1])))
            self._last, self._before = time.monotonic(), text
