"""How far a run is, and how long the rest takes: one estimate for terminal and page."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from pyama.processing.compiling import compiling_of_process
from pyama.processing.runner import Progress
from pyama.processing.steps import STEPS_BY_NAME
from pyama.sentences import count_text
from pyama.store import CELL_PREVIEWS_MARK, CELLS_MARK, TRACES_MARK

OF_UNKNOWN_LENGTH = {CELLS_MARK, TRACES_MARK, CELL_PREVIEWS_MARK}
"""Outputs that are not made frame by frame."""
SECONDS_BEFORE_ESTIMATE = 3.0
MEASURED_ITEMS = 3
"""With so many timed items, the time of a step is measured instead of guessed."""
SHOWN_STEPS, SECONDS_SHOWN = 4, 5.0
"""How many of the newest steps are shown, and for how long after their last item."""
NEARLY = 0.95
"""Largest share of a step whose number of items is estimated, as long as it goes on."""
COMPILING_SECONDS = 0.5
"""A compilation that lasts longer is shown; kernels are loaded from disk in less time."""
QUIET_SECONDS, QUIET_ITEMS = 2.0, 20
"""A step of unknown length has ended if no item came for these seconds and so many times the
mean time of its items."""
MAX_LINES = 1000
"""Largest number of lines that are kept between two snapshots."""


def duration(seconds: float) -> str:
    """Return a length of time for people."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@dataclass(frozen=True)
class Snapshot:
    """How far a run is at one moment.

    Attributes:
        fovs: Number of fields of view.
        fovs_done: How many of them are finished.
        share: Part of the work that is done, 0 to 1; it never decreases.
        frames_per_s: Frames of one field of view through all steps per second.
        seconds_left: None until it can be estimated. Compiling is not part of it.
        is_compiling: Whether kernels are being compiled.
        now: What the workers are doing.
        places: The current step of every field of view, by its index.
        messages: Lines to be shown once, since the last snapshot.
    """

    fovs: int
    fovs_done: int
    share: float
    frames_per_s: float
    seconds_left: float | None
    is_compiling: bool
    now: tuple[str, ...]
    places: Mapping[int, str]
    messages: tuple[str, ...]

    def __str__(self) -> str:
        fovs = count_text(self.fovs, "FOV")
        done = f"{self.fovs_done} of {fovs} done, {100 * self.share:.0f} %"
        if self.is_compiling:
            return f"{done}, compiling"
        left = "" if self.seconds_left is None else f", {duration(self.seconds_left)} left"
        rate = f"{self.frames_per_s:.3g} frames/s" if self.frames_per_s else "starting"
        return f"{done}, {rate}{left}"


Key = tuple[int, str]
"""Field of view and step."""


class ProgressEstimator:
    """Counts items as they are done. Any thread may call its methods.

    The time left is the time so far, times the cost of what is left, divided by the cost of
    what is done. The cost of a step is its measured time per item in this run; before it has
    been reached, a weight scaled by the steps that were measured.

    Args:
        pending: For every field of view, the outputs that each step has to make.
        n_frames: Frames per field of view.
        clock: Seconds, for tests.
        compiling: Seconds spent compiling, in all and by the compilation under way, for tests.
    """

    def __init__(
        self,
        pending: Mapping[int, Mapping[str, Sequence[str]]],
        n_frames: int,
        clock: Callable[[], float] = time.monotonic,
        compiling: Callable[[], tuple[float, float]] = compiling_of_process,
    ) -> None:
        self._n_frames = n_frames
        self._clock = clock
        self._compiling = compiling
        self._compiled_before = compiling()[0]
        self._fovs = sorted(pending)
        self._outputs = {
            (fov, step): outputs
            for fov, steps in pending.items()
            for step, outputs in steps.items()
            if outputs
        }
        self._items: Counter[Key] = Counter()
        self._uncounted: Counter[Key] = Counter()  # of jobs of unknown length
        self._length_items: Counter[str] = Counter()  # of ended jobs of unknown length
        self._length_jobs: Counter[str] = Counter()
        self._ended: set[Key] = set()
        self._current: dict[int, tuple[float, Progress]] = {}  # by field of view
        self._timed: Counter[str] = Counter()  # items by step
        self._seconds: Counter[str] = Counter()  # of these items
        self._messages: deque[str] = deque(maxlen=MAX_LINES)
        self._lock = threading.Lock()
        self._started: float | None = None
        self._share_shown = 0.0

    def watch(self, progress: Progress) -> None:
        """Count one item."""
        key = (progress.fov, progress.step)
        with self._lock:
            now = self._working_seconds()
            self._started = now if self._started is None else self._started
            before = self._current.pop(progress.fov, None)
            if before is not None and before[1].step == progress.step:
                self._timed[progress.step] += 1
                self._seconds[progress.step] += now - before[0]  # type: ignore[assignment]
            self._current[progress.fov] = now, progress  # the newest is the last
            counter = self._items if progress.total else self._uncounted
            counter[key] += 1
            if self._items[key] + self._uncounted[key] == 1:
                for step in takewhile(progress.step.__ne__, STEPS_BY_NAME):
                    self._end((progress.fov, step))

    def _end(self, key: Key) -> None:
        if key in self._ended or key not in self._outputs:
            return
        self._ended.add(key)
        if self._uncounted[key]:
            self._length_items[key[1]] += self._uncounted[key]
            self._length_jobs[key[1]] += self._jobs(key)[1]

    def _end_idle_steps(self, now: float) -> None:
        """End steps of unknown length without new items: the last step has no successor."""
        for fov, (at, progress) in self._current.items():
            key = (fov, progress.step)
            if progress.total or key in self._ended or now - at < QUIET_SECONDS:
                continue
            timed = self._timed[progress.step]
            if timed and now - at > QUIET_ITEMS * self._seconds[progress.step] / timed:
                self._end(key)

    def update(self, successful: int, failed: int, message: str) -> None:
        """Report the failure of a worker; a cancellation is shown elsewhere."""
        if failed and message != "Cancelled":
            self.say(f"Failed: {message}")

    def say(self, text: str) -> None:
        """Put a line into the next snapshot."""
        with self._lock:
            self._messages.append(text)

    def snapshot(self) -> Snapshot:
        """Return how far the run is, and the lines since the last snapshot."""
        with self._lock:
            now = self._working_seconds()
            self._end_idle_steps(now)
            share = self._share()
            self._share_shown = max(self._share_shown, share)
            messages = tuple(self._messages)
            self._messages.clear()
            elapsed = 0.0 if self._started is None else now - self._started
            places = self._places()
            is_known = elapsed > SECONDS_BEFORE_ESTIMATE and share > 0
            frames = self._n_frames * len({fov for fov, _ in self._outputs})
            return Snapshot(
                fovs=len(self._fovs),
                fovs_done=sum(place == "finished" for place in places.values()),
                share=self._share_shown,
                frames_per_s=share * frames / elapsed if elapsed else 0.0,
                seconds_left=elapsed * (1 - share) / share if is_known else None,
                is_compiling=self._compiling()[1] > COMPILING_SECONDS,
                now=self._newest(now),
                places=places,
                messages=messages,
            )

    def _working_seconds(self) -> float:
        """Return the time of the clock without the time spent compiling."""
        return self._clock() - (self._compiling()[0] - self._compiled_before)

    def _places(self) -> dict[int, str]:
        unfinished = {key[0] for key in self._outputs if not self._is_done(key)}
        places = dict.fromkeys(self._fovs, "finished")
        places |= dict.fromkeys(sorted(unfinished), "waiting")
        for fov in unfinished & self._current.keys():
            places[fov] = _place(self._current[fov][1])
        return places

    def _newest(self, now: float) -> tuple[str, ...]:
        newest = list(self._current.values())[-SHOWN_STEPS:]
        return tuple(
            f"FOV {progress.fov} {_place(progress)}"
            for at, progress in newest
            if now - at < SECONDS_SHOWN and _is_open(progress)
        )

    def _share(self) -> float:
        lengths, per_item = self._lengths(), self._seconds_per_item()
        done = total = 0.0
        for key in self._outputs:
            known, unknown = self._jobs(key)
            items = known * self._n_frames + unknown * lengths[key[1]]
            cost = per_item[key[1]] * items
            done += cost * self._share_of(key, lengths)
            total += cost
        return done / total if total else 1.0

    def _lengths(self) -> dict[str, float]:
        """Items of a job of unknown length, by step: as measured, else one per frame."""
        return {
            step: self._length_items[step] / self._length_jobs[step]
            if self._length_jobs[step]
            else float(self._n_frames)
            for step in STEPS_BY_NAME
        }

    def _seconds_per_item(self) -> dict[str, float]:
        """Seconds per item and step: measured, else guessed from the measured steps."""
        measured = [
            step
            for step in STEPS_BY_NAME
            if self._timed[step] >= MEASURED_ITEMS and self._seconds[step] > 0
        ]
        guessed = sum(STEPS_BY_NAME[step].weight * self._timed[step] for step in measured)
        seconds = sum(self._seconds[step] for step in measured)
        scale = seconds / guessed if guessed and seconds else 1.0
        return {
            step: self._seconds[step] / self._timed[step]
            if step in measured
            else STEPS_BY_NAME[step].weight * scale
            for step in STEPS_BY_NAME
        }

    def _share_of(self, key: Key, lengths: Mapping[str, float]) -> float:
        """Part of a step that is done; jobs of unknown length approach their end."""
        if key in self._ended:
            return 1.0
        known, unknown = self._jobs(key)
        items, length = self._uncounted[key], lengths[key[1]]
        near = items / (items + length * (unknown or 1))
        if length != self._n_frames:
            near = min(NEARLY, items / (length * (unknown or 1)))
        counted = min(known, self._items[key] / self._n_frames)
        return (counted + unknown * near) / (known + unknown)

    def _is_done(self, key: Key) -> bool:
        known, _ = self._jobs(key)
        begun = bool(known or self._uncounted[key])
        return key in self._ended or (begun and self._items[key] >= known * self._n_frames)

    def _jobs(self, key: Key) -> tuple[int, int]:
        """Number of jobs with one item per frame, and of jobs of unknown length."""
        if key[1] == "copying":
            return 1, 0
        unknown = len(OF_UNKNOWN_LENGTH.intersection(self._outputs[key]))
        return len(self._outputs[key]) - unknown, unknown


def _is_open(progress: Progress) -> bool:
    return not progress.total or progress.done < progress.total


def _place(progress: Progress) -> str:
    of = f" of {progress.total}" if progress.total else ""
    return f"{progress.step} {progress.done}{of}"
