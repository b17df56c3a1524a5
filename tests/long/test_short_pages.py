"""What the short pages show runs as it is written: start, and answers to questions."""

import re
import shlex
from glob import glob
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pyama.cli.app import app
from pyama.config import parse_config
from pyama.testing.synthetic import SyntheticRecording
from pyama.yaml_files import parse_yaml
from site_pages import EXECUTED

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [
    *(
        "start/install",
        "start/ten_minutes",
        "howto/my_cells_are_missing",
        "howto/two_channels",
    ),
    *("howto/segmentation_looks_wrong", "howto/methods_and_citation", "howto/moving_results"),
    *("howto/coming_from_pyama", "howto/excel", "howto/how_accurate", "howto/which_model"),
]
"""In this order: later ones read results of earlier ones."""
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SMALL = ["--set", "min_frames=3", "--set", "border_margin=5"]
"""Settings with which cells of the small recording stay, and some are left out."""
OTHERS = ("pip install ", "python -m venv ", "pyama-env/bin/")
"""How lines begin that are not commands of an installed pyama."""
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    drawn = SyntheticRecording(n_fovs=8, n_frames=6, shape=(200, 200), n_cells=5, n_fl=2)
    drawn.write(folder / "recording.nd2", "nd2")
    return folder


def run_line(line):
    line = line.partition("#")[0].strip()
    if not line or line.startswith(OTHERS):
        return
    program, *words = shlex.split(line)
    assert program == "pyama", line
    words = [found for word in words for found in sorted(glob(word)) or [word]]
    if words[0] == "view":
        words += ["--help"]
    if words[0] == "demo":
        words += ["--fovs", "2", "--frames", "8", "--no-browser"]
    done = CliRunner().invoke(app, words + (SMALL if words[0] == "run" else []), input="n\n")
    assert done.exit_code == 0, f"{line}\n{done.output}"


def run_block(kind, text):
    if kind == "console":
        for line in text.splitlines():
            run_line(line)
    elif kind == "yaml" and "channels:" in text:
        Path("channels.yaml").write_text(text, encoding="utf-8")
        parse_config("channels.yaml", parse_yaml(text, "channels.yaml"))
    elif kind == "yaml":
        Path("samples.yaml").write_text(text, encoding="utf-8")
    elif kind == "python":
        exec(compile(text, "page", "exec"), {})  # noqa: S102
    else:
        assert kind == "text"


@pytest.mark.filterwarnings("ignore:A test needs at least 3 replicates")
def test_every_block_runs(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    for page in PAGES:
        for kind, text in BLOCK.findall((DOCS / f"{page}.md").read_text("utf-8")):
            run_block(kind, text)
    assert "border_margin" in capsys.readouterr().out  # of cells that are left out


def test_every_short_page_is_tested():
    found = {
        page.relative_to(DOCS).with_suffix("").as_posix()
        for page in DOCS.glob("*/*.md")
        if page.parent.name not in EXECUTED
    }
    assert found == {*PAGES, "howto/fiji"}  # the latter by tests/docs/test_fiji_and_napari.py
