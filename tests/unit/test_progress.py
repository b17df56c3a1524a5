"""One estimate of progress and time left, with a clock of its own."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from pyama.cli.progress_bar import SECONDS_BETWEEN_LINES, _Lines
from pyama.processing.runner import Progress
from pyama.processing.steps import STEPS_BY_NAME
from pyama.runs.progress import ProgressEstimator, duration
from pyama.runs.request import PreparedRun
from pyama.web.run_routes import RunRequest, StartedRun
from small_movie import MOVIE, make_config, recording_of

OUTPUTS = {
    "copying": ["images", "pc_ch_0/0", "fl_ch_1/0"],
    "segmentation": ["seg_labeled_ch_0/0"],
    "tracking": ["seg_tracked_ch_0/0"],
    "background": ["fl_background_ch_1/0"],
    "cropping": ["cells/0"],
    "extraction": ["traces"],
}
ITEMS = {"cropping": 130, "extraction": 40}
"""Steps whose number of items is not known beforehand."""
N_FRAMES, N_FOVS = 20, 8
COMPILE_SECONDS = 30
SHOWN_EVERY = 4
"""Items after which a snapshot is taken, which costs more than to count them."""


@dataclass
class Clock:
    """Time that is set by hand."""

    now: float = 0.0
    compiled: float = 0.0
    compiling: float = 0.0

    def estimator(self, pending):
        return ProgressEstimator(
            pending,
            N_FRAMES,
            clock=lambda: self.now,
            compiling=lambda: (self.compiled, self.compiling),
        )


def events_of(seconds, workers):
    """Yield when each item is done: some fields of view are copied, then processed."""
    events, begin = [], 0.0
    for first in range(0, N_FOVS, workers):
        batch = range(first, first + workers)
        for fov in batch:
            for i in range(N_FRAMES):
                begin += seconds["copying"]
                events.append((begin, Progress("copying", fov, i + 1, N_FRAMES)))
        for fov in batch:
            at = begin
            for step in list(OUTPUTS)[1:]:
                n = ITEMS.get(step, N_FRAMES)
                for i in range(n):
                    at += seconds[step] * N_FRAMES / n
                    total = 0 if step in ITEMS else n
                    events.append((at, Progress(step, fov, i + 1, total)))
        begin = at
    return sorted(events, key=lambda event: event[0])


@pytest.mark.parametrize("compiled_before", [0.0, 100.0])
def test_what_was_compiled_before_the_run_does_not_count(compiled_before):
    """As in a server, whose second run finds the kernels of the first one."""
    clock = Clock(compiled=compiled_before)
    estimator = clock.estimator({0: OUTPUTS})
    for i in range(N_FRAMES):
        clock.now = i + 1.0
        estimator.watch(Progress("copying", 0, i + 1, N_FRAMES))
    clock.compiled += COMPILE_SECONDS
    clock.now += COMPILE_SECONDS + 5
    snapshot = estimator.snapshot()
    elapsed = N_FRAMES - 1 + 5
    assert snapshot.frames_per_s == pytest.approx(snapshot.share * N_FRAMES / elapsed)
    left = elapsed * (1 - snapshot.share) / snapshot.share
    assert snapshot.seconds_left == pytest.approx(left)


def simulated(seconds, workers, compile_after=None):
    """Play a run; return its length without compiling, and snapshots of it."""
    clock, pause, shown = Clock(), 0.0, []
    estimator = clock.estimator(dict.fromkeys(range(N_FOVS), OUTPUTS))
    events = events_of(seconds, workers)
    for i, (at, progress) in enumerate(events):
        if i == compile_after:
            before = clock.now
            for second in range(1, COMPILE_SECONDS + 1):
                clock.now = before + second
                clock.compiled = clock.compiling = float(second)
                shown.append((before, estimator.snapshot()))
            clock.compiling, pause = 0.0, float(COMPILE_SECONDS)
        clock.now = at + pause
        estimator.watch(progress)
        if i % SHOWN_EVERY == 0:
            shown.append((at, estimator.snapshot()))
    return events[-1][0], shown


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("factor", [5, 0.2])
@pytest.mark.parametrize("wrong", [None, *OUTPUTS])
def test_the_time_left_is_right_although_the_weights_are_not(wrong, factor, workers):
    seconds = {
        s: 0.05 * STEPS_BY_NAME[s].weight * (factor if s == wrong else 1) for s in OUTPUTS
    }
    total, shown = simulated(seconds, workers, compile_after=45)
    late = [(at, s) for at, s in shown if 0.3 * total < at < 0.98 * total]
    assert late
    for at, snapshot in late:
        assert (total - at) / 1.5 < snapshot.seconds_left < (total - at) * 1.5
        assert snapshot.frames_per_s == pytest.approx(N_FOVS * N_FRAMES / total, rel=0.5)
    shares = [snapshot.share for _, snapshot in shown]
    assert shares == sorted(shares)
    # A new estimate hardly ever contradicts the one before.
    for (_, old), (_, new) in pairwise(late):
        assert new.seconds_left < old.seconds_left + 0.15 * total


@pytest.mark.parametrize("after", [1, 45, 200])
def test_compiling_is_a_phase_of_its_own(after):
    seconds = {step: 0.05 * STEPS_BY_NAME[step].weight for step in OUTPUTS}
    _, shown = simulated(seconds, 1, compile_after=after)
    compiling = [snapshot for _, snapshot in shown if snapshot.is_compiling]
    assert len(compiling) == COMPILE_SECONDS
    assert len({(s.share, round(s.seconds_left or 0, 6)) for s in compiling}) == 1
    assert all(str(s).endswith("%, compiling") for s in compiling)
    assert all(s.now for s in compiling)
    without = simulated(seconds, 1)[1]
    with_pause = [s for _, s in shown if not s.is_compiling]
    for (_, expected), found in zip(without, with_pause, strict=True):
        assert found.seconds_left == pytest.approx(expected.seconds_left)


def test_terminal_and_page_show_the_same(capsys, monkeypatch):
    metadata = recording_of(MOVIE[:1, :2]).metadata
    run = PreparedRun(Path("movie.nd2"), Path("nowhere"), metadata, make_config(), [0])
    page = StartedRun(RunRequest(file="movie.nd2", output="nowhere"), "pyama run", run)
    clock = Clock()
    monkeypatch.setattr("pyama.cli.progress_bar.time.monotonic", lambda: clock.now)
    typed = clock.estimator(dict.fromkeys(range(N_FOVS), OUTPUTS))
    page.current.estimator = clock.estimator(dict.fromkeys(range(N_FOVS), OUTPUTS))
    terminal, checked = _Lines(), 0
    for at, progress in events_of(
        {step: 0.1 * STEPS_BY_NAME[step].weight for step in OUTPUTS}, 2
    ):
        clock.now = at
        typed.watch(progress)
        page.current.estimator.watch(progress)
        snapshot, state = typed.snapshot(), page.state()
        assert (state.fraction, state.seconds_left) == (snapshot.share, snapshot.seconds_left)
        terminal(snapshot)
        for line in capsys.readouterr().err.splitlines():
            assert line.split("; ")[0] == state.progress
            checked += 1
    assert checked >= clock.now / SECONDS_BETWEEN_LINES / 2


def test_a_run_that_has_ended_has_no_time_left(tmp_path):
    metadata = recording_of(MOVIE[:1, :2]).metadata
    run = PreparedRun(tmp_path / "gone.nd2", tmp_path / "out", metadata, make_config(), [0])
    page = StartedRun(RunRequest(file="gone.nd2", output="out"), "pyama run", run)
    clock = Clock()
    page.current.estimator = clock.estimator({0: OUTPUTS})
    for at, progress in events_of(dict.fromkeys(OUTPUTS, 0.5), 1)[:150]:
        clock.now = at
        page.current.estimator.watch(progress)
    assert page.state().seconds_left > 1
    page.current.start()
    assert page.current.wait(60)
    state = page.state()
    assert (state.status, state.seconds_left) == ("failed", None)
    assert "gone.nd2" in state.message


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (119.6, "2 min 0 s"),
        (3599.7, "1 h 0 min"),
        (60, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 0 min"),
        (3 * 3600 + 125, "3 h 2 min"),
    ],
)
def test_durations_for_people(seconds, text):
    assert duration(seconds) == text


def test_places_of_fields_of_view_follow_their_items():
    clock = Clock()
    estimator = clock.estimator({0: {"tracking": ["a"]}, 1: {"tracking": ["a"]}, 2: {}})
    assert estimator.snapshot().places == {0: "waiting", 1: "waiting", 2: "finished"}
    assert str(estimator.snapshot()) == "1 of 3 FOVs done, 0 %, starting"
    for i in range(N_FRAMES):
        clock.now = float(i)
        estimator.watch(Progress("tracking", 0, i + 1, N_FRAMES))
        if i == 4:
            shown = estimator.snapshot()
            assert shown.places[0] == f"tracking 5 of {N_FRAMES}"
            assert shown.now == (f"FOV 0 tracking 5 of {N_FRAMES}",)
            assert shown.share == pytest.approx(5 / N_FRAMES / 2)
            assert shown.seconds_left == pytest.approx(4 * 7)
            assert shown.frames_per_s == pytest.approx(5 / 4)  # FOV 2 was finished before
    shown = estimator.snapshot()
    assert shown.places == {0: "finished", 1: "waiting", 2: "finished"}
    assert (shown.fovs, shown.fovs_done, shown.now) == (3, 2, ())
    assert shown.share == 0.5


@pytest.mark.parametrize(("seconds", "is_known"), [(3.0, False), (3.1, True)])
def test_the_time_left_is_not_guessed_from_the_first_seconds(seconds, is_known):
    clock = Clock()
    estimator = clock.estimator({0: {"tracking": ["a"]}})
    estimator.watch(Progress("tracking", 0, 1, N_FRAMES))
    clock.now = seconds
    estimator.watch(Progress("tracking", 0, 2, N_FRAMES))
    assert (estimator.snapshot().seconds_left is not None) == is_known


def test_lines_are_shown_once_and_a_cancellation_is_none():
    estimator = Clock().estimator({})
    estimator.update(1, 0, "Completed")
    estimator.update(0, 1, "Cancelled")
    estimator.update(0, 1, "disk full")
    assert estimator.snapshot().messages == ("Failed: disk full",)
    assert estimator.snapshot().messages == ()
    assert estimator.snapshot().share == 1


def test_a_step_that_stands_still_is_not_shown_for_long():
    clock = Clock()
    estimator = clock.estimator({fov: {"tracking": ["a"]} for fov in range(6)})
    for fov in range(6):
        estimator.watch(Progress("tracking", fov, 1, N_FRAMES))
    names = [f"FOV {fov} tracking 1 of {N_FRAMES}" for fov in (2, 3, 4, 5)]
    assert list(estimator.snapshot().now) == names
    clock.now = 4.9
    assert list(estimator.snapshot().now) == names
    clock.now = 5.0
    assert estimator.snapshot().now == ()
