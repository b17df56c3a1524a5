"""Cells smaller than the defaults expect: a run says so, and its advice finds them."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pyama.cli.app import app

PBMC = Path(__file__).parents[3] / "shared" / "data" / "nd2" / "example-pbmc.nd2"
pytestmark = pytest.mark.skipif(not PBMC.is_file(), reason="no folder shared/data")


def run(output, *options):
    arguments = ["run", str(PBMC), "-o", str(output), "--pc", "0", "--fl", "1", "--json"]
    done = CliRunner().invoke(app, [*arguments, "--set", "border_margin=0", *options])
    return json.loads(done.stdout)


def test_the_advice_for_lymphocytes_finds_most_of_them(tmp_path):
    first = run(tmp_path)
    assert first["cells"] < 10
    (advice,) = [text for text in first["warnings"] if "the opening" in text]
    assert "morph_size=7, morph_iterations=3" in advice
    options = re.findall(r"--set \S+", advice)
    again = run(tmp_path, *" ".join(options).split())
    assert again["cells"] > 80  # of about 150; others touch, or are below 50 px²
    assert not [text for text in again["warnings"] if "of the mask" in text]


def test_the_network_says_that_it_does_not_know_bright_field(tmp_path):
    options = "segmentation_method=unet", "cell_diameter=13"
    (text,) = [
        text
        for text in run(tmp_path, *(f"--set={option}" for option in options))["warnings"]
        if "looks only a little like cells" in text
    ]
    assert text.startswith("FOV 0: In Mono, what looks only a little like cells covers 7")
