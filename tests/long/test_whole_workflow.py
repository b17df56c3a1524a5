"""The whole workflow on a recording of some size, from the command line as a user calls it."""

import subprocess
import sys

import pytest

from small_movie import contents

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


def command(*arguments):
    words = [sys.executable, "-m", "pyama", *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """The folder of the demo: four fields of view with forty frames each."""
    folder = tmp_path_factory.mktemp("whole")
    command("demo", "--no-browser", "--output", folder)
    return folder


def fovs(folder):
    found = {name: text for name, text in contents(folder).items() if name.startswith("fov_")}
    assert len({name.partition("/")[0] for name in found}) == 4
    return found


def test_the_demo_ends_with_a_report_and_sound_results(shown):
    assert (shown / "results/report.html").stat().st_size > 1_000_000
    assert len(list((shown / "results").glob("*_fitted_maturation.csv"))) == 2
    command("verify", shown / "results")


@pytest.mark.parametrize("executor", ["processes", "dask"])
def test_every_executor_writes_the_bytes_of_the_demo(shown, tmp_path, executor):
    if executor == "dask":
        pytest.importorskip("distributed", reason="Dask is not installed")
    options = ["--config", shown / "results/processing_config.yaml", "--workers", 2]
    movie = shown / "synthetic.czi"
    command("run", movie, "--output", tmp_path / "out", *options, "--executor", executor)
    assert fovs(tmp_path / "out") == fovs(shown / "results")


def test_the_demo_of_the_other_format_finds_the_same_cells(shown, tmp_path):
    command("demo", "--no-browser", "--output", tmp_path / "nd2", "--format", "nd2")
    tables = [
        {p.name.partition("_fov_")[2]: p.read_bytes() for p in folder.rglob("*_traces.csv")}
        for folder in (shown / "results", tmp_path / "nd2/results")
    ]
    assert len(tables[0]) == 4
    assert tables[0] == tables[1]
