"""`pyama cite` says how results were made, and which publications the methods are from."""

import json
import zipfile
from pathlib import Path

import yaml
from typer.testing import CliRunner

from pyama.cli.app import app
from pyama.processing.methods import SEGMENTERS, TRACKERS
from pyama.runs.methods_text import SEGMENTATION, TRACKING

FINISHED = Path(__file__).parents[1] / "data/finished.zip"


def unpacked(folder):
    with zipfile.ZipFile(FINISHED) as files:
        files.extractall(folder)
    return next(folder.rglob("processing_config.yaml")).parent


def cite(*words):
    return CliRunner().invoke(app, ["cite", *map(str, words)])


def test_it_describes_a_folder_with_its_settings_and_publications(tmp_path):
    folder = unpacked(tmp_path)
    done = cite(folder)
    assert done.exit_code == 0, done.output
    assert "local variation of intensity [1]" in done.stdout
    assert "[1] https://doi.org/10.1109/10.362924" in done.stdout
    assert "Parameters that differ from the defaults: " in done.stdout
    entries = json.loads(cite(folder, "--json").stdout)
    assert " ".join(entries["sentences"]) in done.stdout
    (folder / "processing_config.yaml").write_text("channels: {pc: 0}\n")
    assert cite(folder).exit_code == 1


def test_every_number_is_that_of_the_settings(tmp_path):
    folder = unpacked(tmp_path)
    path = folder / "processing_config.yaml"
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    entries["params"] |= {"min_frames": 7, "border_margin": 11, "max_gap": 3}
    entries["params"] |= {"background_weight": 0.4}
    path.write_text(yaml.safe_dump(entries), encoding="utf-8")
    text = cite(folder).stdout
    assert "they could be missing in up to 3 frames" in text
    assert "seen in fewer than 7 frames or came closer than 11 px to the edge" in text
    assert "and 0.4 times its value subtracted" in text


def test_a_folder_without_results_is_refused(tmp_path):
    done = cite(tmp_path)
    assert done.exit_code != 0
    assert "is not an output folder of pyama" in done.stderr


def test_every_method_that_comes_with_pyama_is_described():
    built_in = {
        n for n, m in {**SEGMENTERS, **TRACKERS}.items() if m.__module__[:6] == "pyama."
    }
    assert built_in <= {*SEGMENTATION, *TRACKING}
