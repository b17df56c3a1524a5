"""Files that the older PyAMA has written."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from pyama import older_pyama
from pyama.analysis.sample_tables import load_fitted, load_timed
from pyama.analysis.samples import load_samples
from pyama.cli.app import app
from pyama.config import load_config
from pyama.traces.table_text import read_comments, read_table_text

OLDER = Path(__file__).parents[3] / "shared" / "data" / "older_pyama"


@pytest.fixture
def folder(tmp_path):
    if not OLDER.is_dir():
        pytest.skip("the files of the older PyAMA are not on this machine")
    return Path(shutil.copytree(OLDER, tmp_path / "old", copy_function=shutil.copyfile))


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_every_file_is_taken_or_named(folder):
    assert older_pyama.results_in(folder) == older_pyama.RECORD
    assert load_samples(folder / "samples.yaml", [0, 1]) == {"a": [0], "b": [1]}
    assert load_fitted(folder / "fitted.csv")["t0"].tolist() == [0.5, 0.6]
    with pytest.warns(UserWarning, match="of the older PyAMA"):
        config = load_config(folder / older_pyama.RECORD)
    assert config.channels.ids == (0, 1)
    assert config.params.background_weight == 0
    for unit, hours in (("min", 1 / 60), ("h", 1)):
        path = folder / f"merged_{'minutes' if unit == 'min' else 'hours'}.csv"
        assert read_comments(path) == (f"# Time units: {unit}",)
        table = read_table_text(path).frame()
        assert list(table) == ["time", "fov", "cell", "value"]
        assert table["time"].iloc[6] * hours == pytest.approx(1, abs=1e-5)


def test_of_inspected_traces_the_good_rows_are_read(folder):
    path = folder / "fov_000" / "mid_fov_000_traces_inspected.csv"
    table = pd.read_csv(path)
    table["time"] = 10.0 * table["frame"]  # that program found no times in this recording
    table.loc[table["cell"] == table["cell"].min(), "good"] = True
    table.to_csv(path, index=False)
    read, _ = load_timed(path)
    good = table[table["good"]]
    assert 0 < len(good) < len(table)
    np.testing.assert_allclose(read["time"], good["frame"] / 6)
    np.testing.assert_array_equal(read["cell"], good["cell"])


def test_fitted_parameters_are_plotted(folder):
    words = ["plot", "parameters", folder / "fitted.csv", "-o", folder / "fits.png"]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    assert (folder / "fits.png").is_file()


def test_commands_name_the_folder_and_change_nothing(folder):
    before = contents(folder)
    recording = OLDER.parent / "nd2" / "example-timelapse.nd2"
    for words in (
        ["merge", folder, "--samples", folder / "samples.yaml"],
        ["report", folder],
        ["verify", folder],
        ["run", recording, "-o", folder, "--fl", "0"],
        ["run", recording, "-o", folder, "--fl", "0", "--overwrite"],
        ["plan", recording, "-o", folder, "--fl", "0"],
    ):
        done = CliRunner().invoke(app, [str(word) for word in words])
        assert done.exit_code in (1, 2)
        assert "results of the older PyAMA (processing_results.yaml)" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert contents(folder) == before
