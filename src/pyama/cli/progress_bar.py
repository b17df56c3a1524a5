"""How far a run is: counted by many threads, shown by one."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from pyama.cli.screen import note, printable
from pyama.processing.runner import Progress
from pyama.processing.steps import PLANS
from pyama.runs.progress import duration
from pyama.store import CELL_PREVIEWS_MARK, CELLS_MARK, TRACES_MARK

WEIGHTS = {
    "copying": 2.0,
    "segmentation": 3.0,
    "tracking": 1.0,
    "background": 2.0,
    "cropping": 10.0,
    "extraction": 1.0,
    "caching": 0.5,
}
"""Relative time per frame and output, for the time left."""
STEPS = tuple(PLANS)
OF_UNKNOWN_LENGTH = {CELLS_MARK, TRACES_MARK, CELL_PREVIEWS_MARK}
"""Outputs that are not made frame by frame."""
SECONDS_BETWEEN_LINES = 5.0
SECONDS_BEFORE_ESTIMATE = 3.0
SHOWN_STEPS, SECONDS_SHOWN = 4, 5.0
"""How many of the newest steps are shown, and for how long after their last item."""


@dataclass(frozen=True)
class Snapshot:
    """How far a run is at one moment.

    Attributes:
        fovs: Fields of view in all.
        fovs_done: How many of them are finished.
        share: Part of the work that is done, 0 to 1.
        frames_per_s: Frames of one field of view through all steps per second.
        seconds_left: None until it can be told.
        now: What the workers are doing.
        said: Lines to be written above, since the last look.
    """

    fovs: int
    fovs_done: int
    share: float
    frames_per_s: float
    seconds_left: float | None
    now: tuple[str, ...]
    said: tuple[str, ...]

    def __str__(self) -> str:
        left = "" if self.seconds_left is None else f", {duration(self.seconds_left)} left"
        rate = f"{self.frames_per_s:.3g} frames/s" if self.frames_per_s else "starting"
        done = f"{self.fovs_done} of {self.fovs} FOVs done, {100 * self.share:.0f} %"
        return f"{done}, {rate}{left}"


class Tally:
    """Counts items as they are done. Any thread may call `watch`, `update` and `say`.

    Args:
        pending: For every field of view, the outputs that each step has to make.
        n_frames: Frames per field of view.
    """

    def __init__(
        self, pending: Mapping[int, Mapping[str, Sequence[str]]], n_frames: int
    ) -> None:
        self._n_frames = n_frames
        self._fovs = set(pending)
        self._outputs = {
            (fov, step): outputs
            for fov, steps in pending.items()
            for step, outputs in steps.items()
            if outputs
        }
        self._weights = {
            key: WEIGHTS[key[1]] * len(self._outputs[key]) for key in self._outputs
        }
        self._items: Counter[tuple[int, str]] = Counter()
        self._uncounted: Counter[tuple[int, str]] = Counter()  # of jobs of unknown length
        self._ended: set[tuple[int, str]] = set()
        self._current: dict[int, tuple[float, Progress]] = {}  # by field of view
        self._said: list[str] = []
        self._lock = threading.Lock()
        self._started: float | None = None

    def watch(self, progress: Progress) -> None:
        """Count one item."""
        key, now = (progress.fov, progress.step), time.monotonic()
        with self._lock:
            if self._started is None:
                self._started = now
            self._current.pop(progress.fov, None)
            self._current[progress.fov] = now, progress  # the newest is the last
            counter = self._items if progress.total else self._uncounted
            counter[key] += 1
            if counter[key] == 1:
                earlier = STEPS[: STEPS.index(progress.step)]
                self._ended.update((progress.fov, step) for step in earlier)

    def update(self, successful: int, failed: int, message: str) -> None:
        """Say what failed in a worker; that all were stopped is said elsewhere."""
        if failed and message != "Cancelled":
            self.say(f"Failed: {message}")

    def say(self, text: str) -> None:
        """Have a line written at the next look."""
        with self._lock:
            self._said.append(text)

    def snapshot(self) -> Snapshot:
        """Return how far the run is; what was said is forgotten."""
        with self._lock:
            shares = {key: self._share(key) for key in self._outputs}
            unfinished = {key[0] for key in self._outputs if not self._is_done(key)}
            current, said = list(self._current.values())[-SHOWN_STEPS:], tuple(self._said)
            self._said.clear()
            started = self._started
        done = sum(self._weights[key] * share for key, share in shares.items())
        total = sum(self._weights.values())
        share = done / total if total else 1.0
        frames = self._n_frames * len({fov for fov, _ in self._outputs})
        now = time.monotonic()
        elapsed = 0.0 if started is None else now - started
        known = elapsed > SECONDS_BEFORE_ESTIMATE and share > 0
        return Snapshot(
            fovs=len(self._fovs),
            fovs_done=len(self._fovs - unfinished),
            share=share,
            frames_per_s=share * frames / elapsed if elapsed else 0.0,
            seconds_left=elapsed * (1 - share) / share if known else None,
            now=tuple(
                _told(p) for at, p in current if now - at < SECONDS_SHOWN and _is_open(p)
            ),
            said=said,
        )

    def _share(self, key: tuple[int, str]) -> float:
        """Part of a step that is done; jobs of unknown length approach their end."""
        if key in self._ended:
            return 1.0
        known, unknown = self._jobs(key)
        near = self._uncounted[key] / (self._uncounted[key] + self._n_frames)
        counted = min(known, self._items[key] / self._n_frames)
        return (counted + unknown * near) / (known + unknown)

    def _is_done(self, key: tuple[int, str]) -> bool:
        known, _ = self._jobs(key)
        begun = bool(known or self._uncounted[key])
        return key in self._ended or (begun and self._items[key] >= known * self._n_frames)

    def _jobs(self, key: tuple[int, str]) -> tuple[int, int]:
        """Jobs of one item per frame, and jobs of unknown length."""
        if key[1] == "copying":
            return 1, 0
        unknown = len(OF_UNKNOWN_LENGTH.intersection(self._outputs[key]))
        return len(self._outputs[key]) - unknown, unknown


def _is_open(progress: Progress) -> bool:
    return not progress.total or progress.done < progress.total


def _told(progress: Progress) -> str:
    of = f" of {progress.total}" if progress.total else ""
    return f"FOV {progress.fov} {progress.step} {progress.done}{of}"


Show = Callable[[Snapshot], None]


@contextmanager
def shown() -> Iterator[Show]:
    """Give what shows a snapshot: a live display on a terminal, plain lines elsewhere."""
    console = Console(stderr=True)
    if console.is_terminal and not console.is_dumb_terminal:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            yield lambda snapshot: _show_live(live, snapshot)
    else:
        yield _Lines()


def _show_live(live: Live, snapshot: Snapshot) -> None:
    for line in snapshot.said:
        live.console.print(Text(printable(line)))
    bar = ProgressBar(total=1.0, completed=snapshot.share, width=40)
    rows = [Text(f"  {text}", style="dim") for text in snapshot.now]
    live.update(Group(bar, Text(str(snapshot)), *rows), refresh=True)


class _Lines:
    """One line every few seconds, and one for every worker that has ended."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._before = ""

    def __call__(self, snapshot: Snapshot) -> None:
        for line in snapshot.said:
            note(line)
        text = str(snapshot)
        if time.monotonic() - self._last >= SECONDS_BETWEEN_LINES and text != self._before:
            note("; ".join((text, *snapshot.now[:1])))
            self._last, self._before = time.monotonic(), text
