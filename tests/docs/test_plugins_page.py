"""What the page on plugins shows runs as it is written, and says what is true."""

import re
import shlex
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from pyama.algorithms.features import FeatureContext
from pyama.cli.app import app
from pyama.config import parse_config
from pyama.registry import Registry, parameter_models
from pyama.runs.plugin_catalog import ALL_TARGETS
from pyama.testing.nd2_writer import write_nd2
from pyama.yaml_files import parse_yaml
from small_movie import MOVIE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/plugins.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)(?: title=(\S+))?\n(.*?)```", PAGE, re.DOTALL)
pytestmark = pytest.mark.usefixtures("plugins_as_before")
SMALL = ["--set", "min_frames=2", "--set", "border_margin=2"]
"""Settings with which the cells of the small movie stay."""


def run_command(line):
    _, *words = shlex.split(line)
    done = CliRunner().invoke(app, [*words, *(SMALL if words[0] == "run" else [])])
    assert done.exit_code == 0, f"{line}\n{done.output}"
    return done.stdout


def run_block(kind, title, text):
    if kind == "console":
        return [run_command(line) for line in text.splitlines()]
    if kind == "python" and title:
        Path(title).write_text(text, encoding="utf-8")
    elif kind == "python":
        exec(compile(text, "plugins.md", "exec"), {})  # noqa: S102
    elif kind == "toml":
        assert tomllib.loads(text)
    else:
        assert kind == "yaml"
        parse_config("plugins.md", parse_yaml(text, "plugins.md"))
    return []


def test_every_block_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_nd2(tmp_path / "recording.nd2", MOVIE[:, :, None], channel_names=["Phase", "GFP"])
    shown = [text for block in BLOCKS for text in run_block(*block)]
    assert "features rim_minus_core: passed\n" in shown
    table = pd.read_csv(next((tmp_path / "results" / "fov_000").glob("*_traces.csv")))
    assert table.columns[-1] == "brightest_ch_1"
    assert table["brightest_ch_1"].between(200, 400).all()


def test_every_kind_is_on_the_page_with_its_arguments():
    for kind, target in ALL_TARGETS.items():
        assert f"`pyama.{kind}`" in PAGE
        for registry in target:
            if isinstance(registry, Registry) and kind != "models":
                assert f"`f({', '.join(registry.arguments)})`" in PAGE


def test_the_context_of_a_feature_is_described_in_full():
    told = re.search(r"holds the rest: (.*?)\.\n", PAGE, re.DOTALL)[1]
    assert [name.strip() for name in told.split(",")] == [*FeatureContext.__dataclass_fields__]


def test_everything_built_in_with_own_parameters_is_on_the_page():
    for name in parameter_models():
        assert f"`{name}`" in PAGE


def test_the_package_on_the_page_is_the_example():
    shown = tomllib.loads(next(text for kind, _, text in BLOCKS if kind == "toml"))
    path = ROOT / "examples/plugins/package/pyproject.toml"
    package = tomllib.loads(path.read_text(encoding="utf-8"))["project"]["entry-points"]
    for group, entries in shown["project"]["entry-points"].items():
        assert package[group] == entries
    assert sorted(package) == sorted(f"pyama.{kind}" for kind in ALL_TARGETS)
