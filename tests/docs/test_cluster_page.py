"""The scripts of docs/cluster.md can be read by the programs that they are for."""

import ast
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/cluster.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL))
"""The only block of each kind, except console."""


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_reads_the_script_of_the_array():
    command = [shutil.which("bash"), "-n"]
    done = subprocess.run(command, input=BLOCKS["bash"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_jobs_of_dask_have_what_the_script_asks_for():
    jobqueue = pytest.importorskip("dask_jobqueue", reason="Dask is not installed")
    calls = [node for node in ast.walk(ast.parse(BLOCKS["python"])) if type(node) is ast.Call]
    (call,) = [node for node in calls if ast.unparse(node.func) == "SLURMCluster"]
    words = {word.arg: word.value for word in call.keywords}
    words = {k: ast.literal_eval(v) for k, v in words.items() if k != "python"}
    script = jobqueue.slurm.SLURMJob("tcp://node7:8786", "name", **words).job_script()
    for text in ("-t 04:00:00", "--mem=15G", "--cpus-per-task=8", "--nthreads 1", "activate"):
        assert text in script


@pytest.mark.skipif(not shutil.which("snakemake"), reason="Snakemake is not installed")
def test_snakemake_plans_every_part(tmp_path):
    (tmp_path / "Snakefile").write_text(BLOCKS["snakemake"])
    (tmp_path / "recording.nd2").touch()
    command = ["snakemake", "--cores", "8", "--dry-run", "--printshellcmds"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "--workers 8 --shard 40/40 --time-limit 3h50m" in said
    assert said.count("pyama run recording.nd2 --output results") == 40


def test_the_container_has_pinned_versions_and_an_unprivileged_user():
    text = (ROOT / "Dockerfile").read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    copied = re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE)
    assert [
        name for line in copied for name in line.split() if not (ROOT / name).exists()
    ] == []
    (extras,) = re.findall(r'-c constraints\.txt "\.\[(.*)\]"', text)
    assert set(extras.split(",")) <= project["optional-dependencies"].keys()
    assert f"FROM python:{project['requires-python'].removeprefix('>=')}-" in text
    assert text.index("USER pyama") > text.rindex("RUN ")
    assert all(line in PAGE for line in re.findall(r"^# (docker .*)$", text, re.MULTILINE))
