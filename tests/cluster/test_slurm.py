"""An array of jobs of a real Slurm, submitted by the script of docs/cluster.md."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from one_node_slurm import NEEDED, reason_for_none, slurm_in
from pyama.cli.app import app
from pyama.store import read_run
from pyama.testing.nd2_writer import write_nd2
from small_movie import MOVIE, contents

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(reason_for_none()) and not NEEDED, reason=reason_for_none()),
]
PAGE = Path(__file__).parents[2] / "docs/cluster.md"
SET = ["min_frames=2", "border_margin=2", "segmentation_method=gated"]
GATED = """
import os
import time
from pathlib import Path

from pyama.algorithms.segmenters import logstd
from pyama.processing.methods import SEGMENTERS

@SEGMENTERS.register("gated")
def gated(frame, params):
    task = os.environ.get("SLURM_ARRAY_TASK_ID", "")
    while task and not (Path(os.environ["GATES"]) / task).exists():
        time.sleep(0.02)
    return logstd.segment(frame, params)
"""
"""Waits in a frame until the task of the array may go on; elsewhere, nothing is waited for."""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    with slurm_in(tmp_path_factory.mktemp("slurm")) as slurm:
        yield slurm


@pytest.fixture
def pyama(tmp_path):
    """A command `pyama` in a folder that a job finds in its path."""
    command = tmp_path / "bin/pyama"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m pyama "$@"\n')
    command.chmod(0o755)

    def call(*words):
        return subprocess.run(
            [command, *map(str, words)], cwd=tmp_path, capture_output=True, text=True
        )

    return call


def job_script(**changes):
    """The script of the page for four tasks, with other words in place of its own."""
    blocks = re.findall(r"```bash\n(#!.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (script,) = [block for block in blocks if "#SBATCH" in block]
    changes = {"1-40": "1-4", "auto/40": "auto/4", **changes}
    for old, new in changes.items():
        assert old in script
        script = script.replace(old, new)
    return script


def statuses(results, plugins):
    """What `pyama status` says of every field of view, by its index; nothing at the start."""
    command = ["status", str(results), "--plugins", str(plugins), "--json"]
    done = CliRunner().invoke(app, command)
    if not results.is_dir() or "holds no results" in done.stderr:
        return {}
    found = json.loads(done.stdout)
    assert done.exit_code == (0 if found["complete"] else 1)
    return {entry["fov"]: entry for entry in found["fovs"]}


def test_an_array_of_jobs_survives_a_kill_and_a_time_limit(
    slurm, pyama, tmp_path, plugins_as_before
):
    images = MOVIE[[0, 1, 2, 0, 1, 2, 0, 1]][:, :, None]
    write_nd2(tmp_path / "recording.nd2", images, channel_names=["Phase", "GFP"])
    plugins, gates = tmp_path / "gated.py", tmp_path / "gates"
    plugins.write_text(GATED)
    gates.mkdir()
    results, local = tmp_path / "results", tmp_path / "local"
    options = ["--plugins", "gated.py", *(word for entry in SET for word in ("--set", entry))]
    whole = pyama("run", "recording.nd2", "--output", local, *options)
    assert whole.returncode == 0, whole.stderr  # and the kernels are compiled
    script = job_script(
        **{"--workers 8": " ".join([*options, "--workers 1"])},
        **{"--cpus-per-task=8": "--cpus-per-task=1", "--mem=16G": "--mem=0"},
    )
    (tmp_path / "array.sh").write_text(script)
    paths = f"GATES={gates},PATH={tmp_path / 'bin'}:{os.environ['PATH']}"
    here = f"--chdir={tmp_path}", f"--export=ALL,{paths}"
    job = slurm("sbatch", "--parsable", *here, tmp_path / "array.sh").strip()

    def states(*tasks):
        """Of the fields of view of these tasks: task 1 has 0 and 4."""
        found = statuses(results, plugins)
        fovs = [fov for task in tasks for fov in (task - 1, task + 3)]
        return {found[fov]["state"] for fov in fovs if fov in found}

    def output(task):
        return (tmp_path / f"pyama-{job}_{task}.log").read_text()

    slurm.wait_until(lambda: states(1, 2, 3, 4) == {"running"})
    owners = {fov: entry["owner"] for fov, entry in statuses(results, plugins).items()}
    assert len(set(owners.values())) == 4
    (gates / "1").touch()
    slurm.wait_until(lambda: slurm.states(job).keys() == {2, 3, 4})
    assert states(1) == {"finished"}
    assert states(2, 3, 4) == {"running"}

    slurm("scancel", "--signal=KILL", f"{job}_2")
    slurm.wait_until(lambda: 2 not in slurm.states(job))
    assert states(2) == {"interrupted"}
    assert statuses(results, plugins)[1]["owner"] == f"killed {owners[1]}"
    slurm("scontrol", "update", f"JobId={job}_3", "EndTime=now+100")  # its signal is due
    slurm("scontrol", "requeue", f"{job}_2")
    slurm.begin_now(f"{job}_2")
    slurm.wait_until(lambda: states(2) == {"running"})
    assert statuses(results, plugins)[1]["owner"] != owners[1]
    (gates / "2").touch()
    slurm.wait_until(lambda: 2 not in slurm.states(job))
    assert "which was killed. What it has not finished is made again." in output(2)

    slurm.wait_until(lambda: "Stopping within a frame" in output(3))
    (gates / "3").touch()
    slurm.wait_until(lambda: slurm.states(job) == {3: "PENDING", 4: "RUNNING"})
    assert states(1, 2) == {"finished"}
    assert states(3) == {"interrupted", "missing"}, "its second one had not begun"
    assert states(4) == {"running"}
    slurm.begin_now(f"{job}_3", "TimeLimit=60")
    (gates / "4").touch()
    slurm.wait_until(lambda: not slurm.states(job))
    assert states(1, 2, 3, 4) == {"finished"}, "and the exit code of `status` is 0"

    assert contents(results) == contents(local)
    assert pyama("verify", results).returncode == 0
    assert read_run(results)["status"] == "finished"
    assert sorted(read_run(results)["fovs"], key=int) == list(map(str, range(8)))
