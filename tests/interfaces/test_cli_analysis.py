"""merge, fit, plot and report as they are typed."""

import json

import pandas as pd
import pytest

from experiments import cells_in, experiment

SAMPLES = 'samples: [{name: control, fovs: "0-1"}, {name: drug, fovs: [2]}]'

BOTH = cells_in(0) + cells_in(1)
"""Number of cells in the sample control."""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "samples.yaml").write_text(SAMPLES)
    return experiment(tmp_path / "results")


@pytest.fixture
def merged(pyama, folder):
    done = pyama("merge", folder, "--samples", folder.parent / "samples.yaml")
    assert done.exit_code == 0, done.output
    return sorted(folder.glob("*_merged.csv"))


@pytest.fixture
def fitted(pyama, merged):
    assert pyama("fit", *merged, "--starts", 1).exit_code == 0
    return sorted(merged[0].parent.glob("*_fitted_*.csv"))


def test_merge_names_what_it_wrote(pyama, folder, merged):
    done = pyama("merge", folder, "--samples", folder.parent / "samples.yaml", "--tidy")
    assert [path.name for path in merged] == ["control_merged.csv", "drug_merged.csv"]
    assert done.stdout.splitlines() == [
        f"{name}: {path} and 2 more"
        for name, path in zip(("control", "drug"), merged, strict=True)
    ]


def test_merge_by_position_name_and_as_json(pyama, tmp_path):
    folder = experiment(tmp_path / "results", position_names=("A1", "A1", "B1"))
    tables = tmp_path / "tables"
    done = pyama("merge", folder, "--by-position-name", "-o", tables, "--json")
    assert json.loads(done.stdout)["samples"] == {
        name: [str(tables / f"{name}_merged.csv")] for name in ("A1", "B1")
    }


@pytest.mark.parametrize("options", [[], ["--by-position-name", "--samples", "a.yaml"]])
def test_merge_needs_one_way_to_find_samples(pyama, folder, options):
    done = pyama("merge", folder, *options)
    assert done.exit_code == 2
    assert "Choose how samples are defined" in done.stderr


def test_mistakes_in_samples_are_wrong_usage(pyama, folder, tmp_path):
    (tmp_path / "samples.yaml").write_text(
        "samples: [{name: a, fovs: 9}, {name: b/, fovs: 0}]"
    )
    done = pyama("merge", folder, "--samples", tmp_path / "samples.yaml")
    assert done.exit_code == 2
    assert "2 wrong entries" in done.stderr
    assert "Traceback" not in done.stderr


def test_fit_counts_the_classes(pyama, merged):
    done = pyama("fit", *merged, "--starts", 1)
    assert done.exit_code == 0
    first, second = done.stdout.splitlines()
    assert first.startswith(
        f"{merged[0].parent / 'control_merged_fitted_maturation.csv'}: {BOTH} "
    )
    assert f"{cells_in(2)} cells, {cells_in(2)} good; median R² " in second


def test_options_of_a_fit_arrive(pyama, merged, tmp_path):
    done = pyama(
        *("fit", merged[0], "--free", "km", "--fix", "beta=0.01", "--bound", "ktl=0:1e6"),
        *("--starts", 2, "--loss", "soft_l1", "--seed", 3, "-j", 1, "-o", tmp_path, "--json"),
    )
    (entry,) = json.loads(done.stdout)["fits"]
    assert (entry["cells"], entry["column"]) == (BOTH, "intensity_total_ch_1")
    assert entry["median_r_squared"] > 0.99
    text = (tmp_path / "control_merged_fitted_maturation.csv").read_text(encoding="utf-8")
    options = next(line for line in text.splitlines() if line.startswith("# options"))
    assert json.loads(options.removeprefix("# options: ")) == {
        "free": ["km"],
        "fix": {"beta": 0.01},
        "bounds": {"ktl": "0:1e+06"},
        "starts": 2,
        "loss": "soft_l1",
        "seed": 3,
        "time_unit": "h",
    }
    table = pd.read_csv(entry["files"][0], comment="#")
    assert (table["beta"] == 0.01).all()
    assert table["km_se"].notna().any()


def test_a_plain_table_in_minutes_is_fitted(pyama, tmp_path):
    path = tmp_path / "mine.csv"
    rows = [f"1,{10 * i},{2 + 3 * i}" for i in range(12)]
    path.write_text("\n".join(["cell,time,value", *rows]))
    done = pyama("fit", path, "--model", "linear_onset", "--time-unit", "min")
    assert done.exit_code == 0, done.output
    table = pd.read_csv(tmp_path / "mine_fitted_linear_onset.csv", comment="#")
    assert table["slope"].iloc[0] == pytest.approx(18)


def test_a_plain_table_in_seconds_shows_its_span_and_is_fitted(pyama, tmp_path):
    path = tmp_path / "t_s.csv"
    rows = [(600 * t, 0, c, 100 + max(0, t - 6) * 30 * c) for c in (1, 2) for t in range(30)]
    pd.DataFrame(rows, columns=["time", "fov", "cell", "value"]).to_csv(path, index=False)
    done = pyama("fit", path, "--model", "linear_onset")
    assert "times 0 to 17400 h, every 600 h (the table names no unit" in done.stdout
    assert "span 17400 h, which is more than 3 weeks" in done.stderr
    assert "--time-unit s" in done.stderr
    done = pyama("fit", path, "--model", "linear_onset", "--time-unit", "s")
    assert "times 0 to 4.83 h, every 10 min\n" in done.stdout
    assert "Warning" not in done.stderr
    table = pd.read_csv(tmp_path / "t_s_fitted_linear_onset.csv", comment="#")
    assert table["t0"].tolist() == pytest.approx([1, 1], abs=0.01)
    for options in (["--time-unit", "furlong"], ["--frame-interval", "10"]):
        done = pyama("fit", path, *options)
        assert done.exit_code == 2
    figure = tmp_path / "traces.svg"
    assert pyama("plot", "traces", path, "-o", figure, "--time-unit", "s").exit_code == 0
    frames = tmp_path / "frames.csv"
    numbered = pd.read_csv(path).assign(frame=lambda t: t.pop("time") // 600)
    numbered.to_csv(frames, index=False)
    done = pyama("fit", frames, "--model", "linear_onset")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--frame-interval 10" in done.stderr
    done = pyama("fit", frames, "--model", "linear_onset", "--frame-interval", "10")
    assert "times 0 to 4.83 h, every 10 min\n" in done.stdout
    done = pyama("plot", "traces", frames, "-o", figure, "--frame-interval", "10")
    assert done.exit_code == 0


@pytest.mark.parametrize("options", [["--time-unit", "s"], ["--frame-interval", "10"]])
def test_other_times_than_those_of_the_recording_are_refused(pyama, folder, merged, options):
    for path in (merged[0], next(folder.glob("fov_000/*_traces.csv"))):
        done = pyama("fit", path, *options)
        assert done.exit_code == 2
        assert f"in min. Leave out {options[0]}." in done.stderr
        assert pyama("fit", path, "--model", "constant", "--time-unit", "min").exit_code == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "nonsense"], "Unknown model 'nonsense'. Available: constant"),
        (["--fix", "km"], "--fix km: write NAME=VALUE"),
        (["--fix", "km=1", "--fix", "km=2"], "km=1 and km=2: give km once"),
        (["--bound", "km=0:2"], "km of maturation is fixed"),
        (["--free", "km, nonsense"], "free names nonsense, which"),
        (["--fix", "km=x"], "km=x: 'x' is not a number"),
        (["--bound", "km=1"], "--bound km=1: write NAME=LOW:HIGH"),
        (["--fix", "km=-1"], "km is fixed at -1; expected a number from 0 to 30"),
        (["--free", "nonsense"], "free names nonsense, which maturation does not have"),
        (["--column", "nonsense"], "No column 'nonsense'. Choose with --column: area_ch_0"),
    ],
)
def test_wrong_options_of_a_fit_are_wrong_usage(pyama, merged, options, message):
    done = pyama("fit", merged[0], *options)
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_missing_table_fails(pyama, tmp_path):
    done = pyama("fit", tmp_path / "nothing.csv")
    assert done.exit_code == 1
    assert "cannot be read as a table: it does not exist; check the path" in done.stderr


FIGURES = [
    ("traces", "merged", ["--column", "area_ch_0", "--width", 100]),
    ("fits", "one", []),
    ("parameters", "fitted", ["--names", "t0,r_squared"]),
    ("parameters", "fitted", []),
    ("scatter", "fitted", ["--x", "t0", "--y", "ktl"]),
    ("samples", "fitted", ["--name", "ktl"]),
]


@pytest.mark.parametrize(("name", "files", "options"), FIGURES)
def test_every_figure_is_drawn(pyama, merged, fitted, tmp_path, name, files, options):
    inputs = {"merged": merged, "fitted": fitted, "one": fitted[:1]}[files]
    path = tmp_path / "figure.svg"
    done = pyama("plot", name, *inputs, "-o", path, *options)
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(path)
    assert "<svg" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "a.jpg", "--name", "ktl"], "figures are written as .png, .svg, .pdf"),
        (["-o", "a.png", "--name", "x"], "no column 'x' of numbers. There are: fov, cell"),
    ],
)
def test_wrong_options_of_a_figure_are_wrong_usage(pyama, fitted, arguments, message):
    done = pyama("plot", "samples", *fitted, *arguments)
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_report_is_written(pyama, fitted, tmp_path):
    folder = fitted[0].parent
    done = pyama("report", folder, "--output", tmp_path / "r.html")
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(tmp_path / "r.html")
    assert "Fits: maturation" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_a_report_without_the_tables_that_were_named_fails(pyama, folder, tmp_path):
    done = pyama("report", folder, "--tables", tmp_path / "nothing", "-o", tmp_path / "r.html")
    assert done.exit_code == 2
    assert "nothing does not exist. Check the path." in done.stderr
    assert not (tmp_path / "r.html").exists()


def test_a_report_on_another_folder_fails(pyama, tmp_path):
    done = pyama("report", tmp_path)
    assert done.exit_code == 1
    assert "is not an output folder of pyama" in done.stderr
