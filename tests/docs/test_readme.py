"""What the README shows runs as it is written, in its order."""

import glob
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pyama.algorithms.features import FLUORESCENCE_FEATURES
from pyama.cli.app import app
from pyama.testing.nd2_writer import write_nd2
from small_movie import MOVIE

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
SMALL = ["--set", "min_frames=2", "--set", "border_margin=2"]
"""Settings with which the cells of the small movie stay."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the recording that the README speaks of."""
    folder = tmp_path_factory.mktemp("readme")
    write_nd2(folder / "recording.nd2", MOVIE[:, :, None], channel_names=["Phase", "GFP"])
    return folder


def run_command(line):
    typed = shlex.split(line)[1:]
    words = [found for word in typed for found in sorted(glob.glob(word)) or [word]]
    if words[0] == "run":
        words += SMALL
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, f"{line}\n{done.output}"


def run_block(kind, text):
    if kind == "console":
        for line in text.splitlines():
            if line.startswith("pyama "):
                run_command(line)
            else:
                assert line.startswith(("python dev.py ", "pip install ")), line
    elif kind == "yaml":
        Path("samples.yaml").write_text(text, encoding="utf-8")
    elif kind == "python":
        exec(compile(text, "README.md", "exec"), {})  # noqa: S102


@pytest.mark.filterwarnings("ignore:A test needs at least 3 replicates")
def test_every_block_runs(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(FLUORESCENCE_FEATURES, "data", dict(FLUORESCENCE_FEATURES.data))
    for kind, text in BLOCKS:
        run_block(kind, text)
    for name in ("control_merged.csv", "drug_merged_fitted_maturation.csv", "report.html"):
        assert (folder / "results" / name).is_file()
    assert (folder / "onsets.pdf").is_file()


def test_links_lead_somewhere():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (README.parent / link).exists()] == []
