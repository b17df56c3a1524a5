"""`pyama suggest`: method and width of cells, proposed from a few images."""

import io
import json
import re
import shlex

import numpy as np
import pytest
from PIL import Image

from pyama.runs.suggestion import images_to_read, suggest_for_channel
from pyama.testing.czi_writer import write_czi
from pyama.testing.nd2_writer import write_nd2
from pyama.testing.ometiff_writer import write_ome_tiff
from pyama.testing.phase_contrast import draw_field
from small_movie import MOVIE, recording_of

WRITERS = {".nd2": write_nd2, ".czi": write_czi, ".ome.tif": write_ome_tiff}


def drawn(path, kind, width, seed=3, side=256):
    """Write a recording with one image of phase contrast and one of noise."""
    rng = np.random.default_rng([18, seed])
    phase, _ = draw_field(kind, (side, side), width, rng)
    light = rng.poisson(100, phase.shape).astype(np.uint16)
    write = next(WRITERS[suffix] for suffix in WRITERS if path.name.endswith(suffix))
    images = np.stack([phase, light])[None, None, None]
    write(path, images, channel_names=["Phase", "GFP"])
    return path


@pytest.fixture(scope="module")
def dense(tmp_path_factory):
    return drawn(tmp_path_factory.mktemp("dense") / "my cells.nd2", "dense", 22.0)


def test_a_proposal_with_its_picture_and_a_command_that_works(pyama, dense, tmp_path):
    done = pyama("suggest", dense, "--output", tmp_path / "sizes.png")
    assert done.exit_code == 0, done.output
    head, looked, proposed, why, empty, command = done.stdout.splitlines()
    assert (head, empty) == (str(dense), "")
    assert looked == "  Looked at 1 image of channel 0 Phase: FOV 0, frame 0."
    expected = r"  Proposed: segmentation_method unet, cell_diameter (\d+) px \([\d.]+ µm\)\."
    assert 17 <= int(re.fullmatch(expected, proposed)[1]) <= 28
    assert why.startswith("  This is sure. ")
    words = shlex.split(command)
    assert words[:5] == ["pyama", "run", str(dense), "--output", "my cells_results"]
    planned = pyama("plan", *words[2:4], tmp_path / "results", *words[5:])
    assert planned.exit_code == 0, planned.output
    assert "unet.diameter" in planned.output
    with Image.open(tmp_path / "sizes.png") as picture:
        assert picture.mode == "RGB"
        assert picture.width > 2.5 * picture.height


@pytest.mark.parametrize(
    ("name", "kind", "width", "side"),
    [("a.czi", "rods", 12.0, 160), ("b.ome.tif", "round", 40.0, 320)],
)
def test_every_format_and_magnification(pyama, tmp_path, name, kind, width, side):
    path = drawn(tmp_path / name, kind, width, side=side)
    found = json.loads(pyama("suggest", path, "--json").stdout)
    assert found["certainty"] in ("sure", "fairly sure")
    assert found["cell_diameter"] == pytest.approx(width, rel=0.35)
    assert found["command"].count("--set") == 2


def test_images_without_cells_are_not_sure_and_other_channels_are_chosen(pyama, dense):
    done = pyama("suggest", dense, "--pc", "gfp")
    assert done.exit_code == 0
    assert "Proposed: nothing." in done.stdout
    assert "This is not sure." in done.stdout
    assert "The name of the channel, GFP, says fluorescence." in done.stdout
    assert "pyama run" not in done.stdout


def test_channels_that_are_unclear_and_names_that_are_no_picture(pyama, unnamed_file, dense):
    done = pyama("suggest", unnamed_file)
    assert done.exit_code == 2
    assert f"pyama suggest {unnamed_file} --pc 0" in done.stderr
    done = pyama("suggest", dense, "--output", "a.svg")
    assert done.exit_code == 2
    assert "expected the name of a PNG file" in done.stderr


def test_images_are_spread_over_what_was_recorded():
    metadata = recording_of(MOVIE).metadata
    assert images_to_read(metadata, 0) == [(1, 2), (0, 0), (2, 5)]


@pytest.fixture
def root(dense):
    return dense.parent


def test_the_page_gets_the_same(client, dense):
    query = {"file": dense.name, "channel": 0}
    found = client.get("/api/recording/suggestion", params=query).json()
    expected = suggest_for_channel(dense, 0)
    assert found["settings"] == expected.settings
    assert found["settings"].keys() == {"segmentation_method", "cell_diameter"}
    assert "This is sure." in found["sentences"][2]
    picture = client.get("/api/recording/suggestion/picture", params=query)
    with Image.open(io.BytesIO(picture.content)) as image:
        assert image.format == "JPEG"
    refused = client.get("/api/recording/suggestion", params=query | {"channel": 7})
    assert (refused.status_code, "channel 7" in refused.text) == (422, True)
    assert client.get("/api/recording/suggestion", params=query | {"file": "../x"}).is_error
