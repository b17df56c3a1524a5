"""What the page on uneven light shows runs as it is written."""

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
from typer.testing import CliRunner

from pyama.algorithms.flat_field import DEGREE, DIMMEST, IN_COUNTS, MIN_VALUE
from pyama.cli.app import app
from pyama.config import load_config, parse_config
from pyama.testing.nd2_writer import write_nd2
from pyama.yaml_files import parse_yaml
from small_movie import MOVIE, SHAPE, WIDTH

PAGE = (Path(__file__).parents[2] / "docs/uneven_light.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL))
SMALL = ["--set", "min_frames=2", "--set", "border_margin=2"]


def test_the_commands_correct_traces(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_nd2("recording.nd2", MOVIE[:1, :, None], channel_names=["Phase", "GFP"])
    ramp = np.broadcast_to(np.linspace(800, 1200, WIDTH, dtype=np.float32), SHAPE)
    tifffile.imwrite("gfp_flat.tif", ramp)
    tifffile.imwrite("dark.tif", np.full(SHAPE, 100, np.uint16))
    totals = []
    for line in ["pyama run recording.nd2 --output results", *BLOCKS["console"].splitlines()]:
        done = CliRunner().invoke(app, [*shlex.split(line)[1:], *SMALL])
        assert done.exit_code == 0, done.output
        table = pd.read_csv("results/fov_000/recording_fov_000_traces.csv")
        totals.append(table["intensity_total_ch_1"].mean())
    assert len(totals) == len(set(totals)) == 3
    written = load_config(Path("results/processing_config.yaml"))
    assert written.params.flat_field == {1: "gfp_flat.tif"}


def test_the_yaml_is_a_configuration():
    found = parse_config("page", parse_yaml(BLOCKS["yaml"], "page"))
    assert found.params.flat_field == {1: "gfp_flat.tif", 2: "estimate"}
    assert found.params.dark_frame == 100


def test_the_page_names_the_limits():
    words = " ".join(PAGE.split())
    assert f"polynomial of degree {DEGREE}" in words
    assert f"a mean below {IN_COUNTS:g} counts as a flat field" in words
    assert f"less than {DIMMEST:g} counts above the dark frame" in words
    assert f"flat field is never below {MIN_VALUE:g}" in words
