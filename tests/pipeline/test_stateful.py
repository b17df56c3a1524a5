"""Runs, cancels, changes and damage in any order end where a run from scratch does."""

import os
import random
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from example_counts import CHAOS, amount
from pyama.processing.verify import verify
from pyama.processing.workflow import process
from pyama.store import FovStore
from small_movie import MOVIE, StopAfter, contents, make_config, recording_of

N_FOVS = 2
RECORDING = recording_of(MOVIE[:N_FOVS, :3, :, :90, :90])
CHOICES = {
    "min_iou": [0.1, 0.3],
    "registration": ["none", "phase_correlation"],
    "min_object_size": [50, 60],
    "tile_size": [100, 40],
    "background_weight": [1.0, 0.5],
    "n_workers": [1, 2],
}
EXPECTED: dict[tuple[tuple[str, float], ...], dict[str, bytes]] = {}


def from_scratch(params):
    """What a run with these parameters leaves in an empty folder."""
    key = tuple(sorted((name, value) for name, value in params.items() if name != "n_workers"))
    if key not in EXPECTED:
        with tempfile.TemporaryDirectory() as folder:
            assert process(RECORDING, make_config(**params), folder).succeeded
            EXPECTED[key] = contents(folder)
    return EXPECTED[key]


def of_fov(files, fov):
    return {name: data for name, data in files.items() if name.startswith(f"fov_{fov:03d}/")}


class Folder(RuleBasedStateMachine):
    """An output folder in the hands of a user, and of chance."""

    @initialize()
    def empty(self):
        self.folder = Path(tempfile.mkdtemp())
        self.params = {name: values[0] for name, values in CHOICES.items()}
        self.damaged = set()

    @rule(fovs=st.sampled_from([None, [0], [1], [1, 0]]))
    def run(self, fovs):
        report = process(RECORDING, make_config(**self.params), self.folder, fovs)
        assert report.succeeded, [str(failure) for failure in report.failures]
        found, whole = contents(self.folder), from_scratch(self.params)
        for fov in range(N_FOVS) if fovs is None else fovs:
            assert of_fov(found, fov) == of_fov(whole, fov)
            self.damaged -= {name for name in self.damaged if name in of_fov(whole, fov)}

    @rule(looks=st.integers(0, 120), fovs=st.sampled_from([None, [1]]))
    def cancel(self, looks, fovs):
        config = make_config(**self.params)
        event = StopAfter(looks)
        report = process(RECORDING, config, self.folder, fovs, cancel_event=event)
        assert report.cancelled or report.succeeded
        for fov in range(N_FOVS) if fovs is None else fovs:
            assert FovStore(self.folder, fov).unfinished() == []
        self.damaged &= {name for name in self.damaged if (self.folder / name).exists()}

    @rule(name=st.sampled_from(sorted(CHOICES)), which=st.integers(0, 1))
    def change(self, name, which):
        self.params[name] = CHOICES[name][which]

    @precondition(lambda self: any(self.folder.glob("fov_*/.marks/*.json")))
    @rule(seed=st.integers(0, 10**6), how=st.sampled_from(["delete", "cut", "flip", "rot"]))
    def damage(self, seed, how):
        dice = random.Random(seed)  # noqa: S311
        name = dice.choice(sorted(contents(self.folder)))
        if name in self.damaged:
            return  # to flip a bit twice would mend it
        path, before = self.folder / name, (self.folder / name).stat()
        data = bytearray(path.read_bytes())
        if how == "delete":
            path.unlink()
        elif how == "cut":
            path.write_bytes(data[: len(data) // 2])
        else:
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
            path.write_bytes(data)
        if how == "rot":  # with the old date, as a failing disk does
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        named = {found.path for found in verify(self.folder).damages}
        # What a damaged mark vouched for is not looked at: all of it is made again.
        marks = {n for n in self.damaged & named if n.startswith(f"{name[:7]}/.marks/")}
        assert name in named or marks
        self.damaged.add(name)

    @invariant()
    def nothing_else_is_damaged(self):
        if not any(self.folder.glob("fov_*")):
            return
        wrong = [
            found
            for found in verify(self.folder, quick=True).damages
            if found.problem.startswith(("changed", "truncated"))
        ]
        assert {found.path for found in wrong} <= self.damaged

    def teardown(self):
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)


TestFolder = pytest.mark.timeout(7200 if CHAOS else 900)(Folder.TestCase)
TestFolder.settings = settings(
    max_examples=amount(40, 500),
    stateful_step_count=amount(4, 8),
    deadline=None,
    derandomize=amount(True, False),
    suppress_health_check=list(HealthCheck),
)
