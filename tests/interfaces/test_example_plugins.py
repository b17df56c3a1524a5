"""The example package of plugins, as if it were installed."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from small_movie import MOVIE

PACKAGE = Path(__file__).parents[2] / "examples" / "plugins" / "package"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Variables with which Python finds the package as if pip had installed it."""
    folder = tmp_path_factory.mktemp("site")
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    facts = folder / "pyama_example-0.1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: pyama-example\nVersion: 0.1.0\n"
    )
    sections = (
        "\n".join(
            [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items()), ""]
        )
        for group, entries in project["entry-points"].items()
    )
    (facts / "entry_points.txt").write_text("\n".join(sections))
    path = os.pathsep.join([str(folder), str(PACKAGE / "src")])
    return {**os.environ, "PYTHONPATH": path}


def run(environment, *arguments):
    command = [sys.executable, "-m", "pyama", *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_installed_package_is_listed(environment):
    found = json.loads(run(environment, "plugins", "list", "--json"))
    assert found["refused"] == []
    ours = {
        kind: [e["name"] for e in entries if e["source"] == "pyama-example 0.1.0"]
        for kind, entries in found["available"].items()
    }
    assert ours == {
        "features": ["example_spread"],
        "segmenters": ["example_edges"],
        "trackers": ["example_still"],
        "preprocessors": ["example_smooth"],
        "readers": ["example_stack"],
        "models": ["example_line"],
    }


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_a_run_with_an_installed_package(environment, tmp_path, executor):
    channels = {"a_Phase": MOVIE[0, :, 0], "b_GFP": MOVIE[0, :, 1]}
    np.savez(tmp_path / "movie.npz", **channels)
    run(
        environment,
        *("run", tmp_path / "movie.npz", "--output", tmp_path / "out", "--executor", executor),
        *("--pc", "a_Phase", "--fl", "b_GFP", "--fl-features", "example_spread"),
        *("--set", "segmentation_method=example_edges", "--set", "min_frames=2"),
        *("--set", "tracking_method=example_still", "--set", "example_edges.steepness=5"),
        *("--set", "preprocessors=[example_smooth]", "--set", "border_margin=2"),
    )
    table = pd.read_csv(tmp_path / "out" / "fov_000" / "movie_fov_000_traces.csv")
    assert table["cell"].nunique() >= 4
    assert table["example_spread_ch_1"].between(5, 25).mean() > 0.9
