"""`pyama plugins`, and runs with plugins from a folder."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.main import get_command

from pyama.cli.app import app
from pyama.plugins.new_plugin import KINDS
from pyama.runs import plugin_catalog
from small_movie import MOVIE

pytestmark = pytest.mark.usefixtures("plugins_as_before")
PREPROCESSING = ["--set", "min_frames=2", "--set", "border_margin=2"]


@pytest.fixture
def folder(pyama, tmp_path):
    """A plugin of every kind."""
    for kind in KINDS:
        done = pyama("plugins", "new", kind, f"my_{kind}", "--into", tmp_path / "mine")
        assert done.exit_code == 0, done.output
    return tmp_path / "mine"


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_keeps_its_contract(pyama, tmp_path, kind):
    made = pyama("plugins", "new", kind, "fresh", "--into", tmp_path)
    assert made.exit_code == 0
    assert f"pyama plugins check {tmp_path / 'fresh.py'}" in made.stdout
    done = pyama("plugins", "check", tmp_path / "fresh.py")
    rest = ", but read no image: name a recording with --sample" if kind == "reader" else ""
    found = " ".join(done.stdout.split())
    assert (done.exit_code, found) == (0, f"{kind}s fresh: passed{rest}")


def test_the_tests_of_new_plugins_pass(pyama, tmp_path):
    for kind in KINDS:
        pyama("plugins", "new", kind, f"my_plugin_{kind}", "--into", tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--import-mode=importlib", "-c", os.devnull, tmp_path],
        # Plugins of pytest that are installed here, such as that of napari, load for long.
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert f"{len(KINDS)} passed" in done.stdout


def test_info_shows_files_that_a_plugin_reads(folder, pyama, tmp_path):
    np.save(tmp_path / "movie.npy", MOVIE[:2])
    assert pyama("info", tmp_path / "movie.npy").exit_code != 0
    done = pyama("info", tmp_path / "movie.npy", "--plugins", folder, "--json")
    facts = json.loads(done.stdout)
    assert (facts["n_fovs"], facts["n_frames"], facts["format"]) == (
        *MOVIE[:2].shape[:2],
        "array",
    )


def test_a_new_plugin_overwrites_nothing(pyama, tmp_path):
    pyama("plugins", "new", "feature", "fresh", "--into", tmp_path)
    done = pyama("plugins", "new", "model", "fresh", "--into", tmp_path)
    assert done.exit_code == 2
    assert "fresh.py exists and is not overwritten" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["spice", "x"], "Unknown kind of plugin 'spice'. Available: feature, segmenter"),
        (["feature", "my-feature"], "'my-feature' cannot be the name of a plugin"),
        (["feature", "test_x"], "'test_x' cannot be the name"),
        (["feature", "area"], "The feature 'area' exists already"),
        (["model", "constant"], "The model 'constant' exists already"),
    ],
)
def test_a_new_plugin_needs_a_kind_and_a_name(pyama, tmp_path, arguments, message):
    done = pyama("plugins", "new", *arguments, "--into", tmp_path)
    assert done.exit_code == 2
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_check_names_what_is_wrong(pyama, tmp_path):
    path = tmp_path / "odd.py"
    path.write_text(
        "from pyama.processing.methods import SEGMENTERS\n"
        "SEGMENTERS['odd'] = lambda frame, params: frame > 0\n"
        "SEGMENTERS['fine'] = lambda frame, params: frame * 0\n"
    )
    done = pyama("plugins", "check", path)
    assert done.exit_code == 1
    assert done.stdout == "segmenters fine: passed\n"
    assert "segmenters odd: odd, given cells, returned a mask" in done.stderr


def test_check_tells_in_one_line_of_a_plugin_that_hangs_or_talks(pyama, tmp_path, monkeypatch):
    monkeypatch.setattr(plugin_catalog, "CHECK_SECONDS", 1.0)
    (tmp_path / "odd.py").write_text(
        "import time\n"
        "from pyama.processing.methods import TRACKERS\n"
        "TRACKERS['slow'] = lambda frames, params: time.sleep(600)\n"
        "def wordy(frames, params):\n"
        "    raise ValueError('first\\nsecond')\n"
        "TRACKERS['wordy'] = wordy\n"
    )
    done = pyama("plugins", "check", tmp_path / "odd.py")
    assert done.exit_code == 1
    slow, wordy = sorted(done.stderr.splitlines())
    assert "trackers slow: slow has not answered for 1 s, although" in slow
    assert wordy.endswith("given three moving cells, failed: ValueError: first second")


def test_check_names_what_cannot_be_loaded(pyama, tmp_path):
    (tmp_path / "odd.py").write_text("x = 1\ny = 1 / 0")
    done = pyama("plugins", "check", tmp_path / "odd.py")
    assert done.exit_code == 1
    assert "line 2: ZeroDivisionError: division by zero" in done.stderr
    done = pyama("plugins", "check", tmp_path / "absent.py")
    assert done.exit_code == 1
    assert "absent.py: there is no such file." in done.stderr


def test_list_names_source_parameters_and_what_was_refused(pyama, folder):
    (folder / "odd.py").write_text("1 / 0")
    done = pyama("plugins", "list", "--plugins", folder, "--json")
    found = json.loads(done.stdout)
    assert [entry["source"] for entry in found["refused"]] == [str(folder / "odd.py")]
    segmenters = {entry["name"]: entry for entry in found["available"]["segmenters"]}
    assert segmenters["logstd"]["source"] == "built in"
    assert segmenters["my_segmenter"]["source"] == str(folder / "my_segmenter.py")
    assert list(segmenters["my_segmenter"]["parameters"]) == ["contrast", "smoothing"]
    text = pyama("plugins", "list", "--plugins", folder).stdout
    assert (
        f"  my_segmenter  ({folder / 'my_segmenter.py'})\n      contrast: Smallest difference"
        in text
    )
    assert f"not loaded: {folder / 'odd.py'}: line 1: ZeroDivisionError" in text


def test_the_current_folder_is_not_loaded_unless_it_is_named(pyama, folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert "my_segmenter" not in pyama("plugins", "list").stdout
    assert "my_segmenter" in pyama("plugins", "list", "--plugins", ".").stdout


def test_a_plugin_folder_that_is_not_there_is_wrong_usage(pyama, tmp_path):
    done = pyama("plugins", "list", "--plugins", tmp_path / "absent")
    assert done.exit_code == 2
    assert "does not exist" in done.stderr


def test_parameters_of_plugins_are_in_schema_and_example(pyama, folder):
    schema = json.loads(pyama("config", "schema", "--plugins", folder).stdout)
    own = schema["$defs"]["ProcessingParams"]["properties"]["plugins"]["properties"]
    assert own["my_tracker"]["properties"]["reach"]["exclusiveMinimum"] == 0
    example = pyama("config", "init", "--plugins", folder).stdout
    assert "  #   my_tracker:\n" in example
    assert "  #     reach: 30.0\n" in example
    assert "One of logstd, " in example
    assert yaml.safe_load(example)["params"]["segmentation_method"] == "logstd"


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("order", [1, -1])
def test_parameters_of_plugins_are_in_the_help(pyama, folder, command, order):
    words = [["--plugins", str(folder)], ["--help"]][::order]
    done = pyama(command, *words[0], *words[1])
    assert done.exit_code == 0
    text = " ".join(done.stdout.split())
    assert "Parameters of plugins, for --set: my_feature.share Fraction of" in text
    assert "my_feature" not in pyama(command, "--help").stdout


def test_help_with_a_plugin_folder_that_is_not_there_is_wrong_usage(pyama, tmp_path):
    done = pyama("run", f"--plugins={tmp_path / 'none'}", "--help")
    assert done.exit_code == 2
    assert "does not exist" in done.stderr


def test_a_run_uses_plugins_of_a_folder(pyama, movie_file, folder, tmp_path):
    (folder / "odd.py").write_text("1 / 0")
    arguments = [movie_file, "-o", tmp_path / "out", "--fovs", "0", "--plugins", folder]
    chosen = [
        *("--fl-features", "my_feature,intensity_mean"),
        *("--set", "segmentation_method=my_segmenter", "--set", "tracking_method=my_tracker"),
        *("--set", "preprocessors=[my_preprocessor]", "--set", "my_tracker.reach=25"),
        *PREPROCESSING,
    ]
    done = pyama("run", *arguments, *chosen)
    assert done.exit_code == 0, done.output
    assert "odd.py was not loaded: line 1: ZeroDivisionError" in done.stderr
    table = pd.read_csv(next((tmp_path / "out").rglob("*_traces.csv")))
    assert list(table.columns[10:]) == [
        "area_ch_0",
        "aspect_ratio_ch_0",
        "my_feature_ch_1",
        "intensity_mean_ch_1",
    ]
    assert table["cell"].nunique() == 4
    written = yaml.safe_load((tmp_path / "out" / "processing_config.yaml").read_text())
    assert written["params"]["plugins"]["my_tracker"] == {"reach": 25.0}
    assert written["params"]["plugins"]["my_preprocessor"] == {"width": 50.0}
    again = pyama("plan", *arguments, "--config", tmp_path / "out" / "processing_config.yaml")
    assert "a run would change nothing" in again.stdout
    changed = pyama("plan", *arguments, *chosen, "--set", "my_tracker.reach=20")
    assert "copying, segmentation, background: finished" in changed.stdout
    assert "tracking: runs, reach changed 25.0 -> 20.0" in changed.stdout


def test_wrong_parameters_of_a_plugin_are_refused_with_their_bound(pyama, movie_file, folder):
    done = pyama(
        *("run", movie_file, "-o", folder / "out", "--plugins", folder),
        *("--set", "my_tracker.reach=-1", "--set", "my_segmenter.contrats=3"),
    )
    assert done.exit_code == 2
    assert "plugins.my_tracker.reach = -1: expected more than 0" in done.stderr
    assert "plugins.my_segmenter.contrats = 3: unknown name" in done.stderr
    assert not (folder / "out").exists()


def test_parameters_of_what_is_not_loaded_are_refused(pyama, movie_file, tmp_path):
    done = pyama("run", movie_file, "-o", tmp_path / "out", "--set", "my_tracker.reach=1")
    assert done.exit_code == 2
    assert "plugins.my_tracker: nothing of that name has parameters" in done.stderr


def test_config_check_knows_plugins(pyama, folder, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("params: {segmentation_method: my_segmenter, plugins: {my_tracker: {}}}")
    assert pyama("config", "check", path, "--plugins", folder).exit_code == 0


def test_config_check_names_plugins_that_are_not_there(pyama, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("params: {preprocessors: [gone], plugins: {gone: {a: 1}}}")
    done = pyama("config", "check", path)
    assert done.exit_code == 2
    assert "plugins.gone: nothing of that name has parameters" in done.stderr
    assert "Unknown preprocessor 'gone'. Available: none" in done.stderr


def test_a_fit_takes_a_model_of_a_plugin(pyama, folder, tmp_path):
    t = np.linspace(0, 10, 40)
    rows = [
        (cell, hours, 50 + 900 * (1 - np.exp(-0.4 * hours))) for cell in (1, 2) for hours in t
    ]
    path = tmp_path / "traces.csv"
    pd.DataFrame(rows, columns=["cell", "time", "value"]).to_csv(path, index=False)
    arguments = ("fit", path, "--model", "my_model", "--column", "value")
    assert pyama(*arguments).exit_code == 2
    done = pyama(*arguments, "--plugins", folder)
    assert done.exit_code == 0, done.output
    fitted = pd.read_csv(tmp_path / "traces_fitted_my_model.csv", comment="#")
    np.testing.assert_allclose(fitted["rate"], 0.4, rtol=1e-4)


@pytest.mark.parametrize(
    "command", [["run"], ["plan"], ["fit"], ["view"], ["plugins", "list"], ["config", "init"]]
)
def test_every_command_that_uses_plugins_takes_a_folder(command):
    found = get_command(app)
    for name in command:
        found = found.commands[name]
    assert "--plugins" in [option for param in found.params for option in param.opts]
