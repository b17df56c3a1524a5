"""Tables of different results are kept apart, and files of somebody else are kept."""

import pandas as pd
import pytest

from experiments import experiment
from pyama.analysis.fitting.fit_files import fit_file
from pyama.analysis.joined_tables import fitted_numbers, join_fits, join_traces
from pyama.analysis.merge import write_merged
from pyama.analysis.table_files import read_header
from pyama.errors import ConfigError

ONE = {"s": [0]}


@pytest.fixture
def folders(tmp_path):
    """Two experiments with the same sample, as two runs left them."""
    (tmp_path / "samples.yaml").write_text("samples: [{name: s, fovs: [0]}]")
    return [
        experiment(tmp_path / name, 1, basename=name, identity=name, path=f"{name}.nd2")
        for name in ("A", "B")
    ]


def merged(pyama, folders, tmp_path, *options):
    samples = tmp_path / "samples.yaml"
    done = [pyama("merge", folder, "--samples", samples, *options) for folder in folders]
    return [result.exit_code for result in done], done[-1].stderr


def test_fits_of_two_experiments_do_not_replace_each_other(pyama, folders, tmp_path):
    merged(pyama, folders, tmp_path)
    tables = [folder / "s_merged.csv" for folder in folders]
    done = pyama("fit", *tables, "--model", "constant", "-o", tmp_path / "fits")
    assert done.exit_code == 2
    assert all(str(table) in done.stderr for table in tables)
    assert "have the same name" in done.stderr
    assert not (tmp_path / "fits").exists()
    one_by_one = [
        pyama("fit", table, "--model", "constant", "-o", tmp_path / "fits") for table in tables
    ]
    assert [result.exit_code for result in one_by_one] == [0, 2]
    assert "is of another recording: it holds A, and this is B" in one_by_one[1].stderr
    fits = tmp_path / "fits/s_merged_fitted_constant.csv"
    assert read_header(fits)["recording"] == {"name": "A", "identity": "A"}
    assert pyama("fit", *tables, "--model", "constant").exit_code == 0
    assert pyama("fit", tables[0], tables[0], "--model", "constant").exit_code == 0


def test_merged_tables_of_two_experiments_do_not_replace_each_other(pyama, folders, tmp_path):
    options = "-o", tmp_path / "tables"
    codes, message = merged(pyama, folders, tmp_path, *options)
    assert codes == [0, 2]
    assert "is of another recording: it holds A, and this is B" in message
    assert "Nothing was written" in message
    assert read_header(tmp_path / "tables/s_merged.csv")["source"]["recording"] == "A"
    assert merged(pyama, folders[:1], tmp_path, *options)[0] == [0]


def test_two_results_of_one_recording_do_not_replace_each_other(tmp_path):
    folders = [experiment(tmp_path / name, 1) for name in ("strict", "loose")]
    write_merged(folders[0], ONE, tmp_path / "tables")
    with pytest.raises(ConfigError, match=r"was merged from .*strict\. Choose another folder"):
        write_merged(folders[1], ONE, tmp_path / "tables")
    folders[0].rename(tmp_path / "renamed")  # now it cannot be told apart
    write_merged(folders[1], ONE, tmp_path / "tables")


def test_nothing_is_written_if_one_of_several_tables_is_in_the_way(folders, tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/z_merged.csv").write_text("fov,cell,frame\n0,1,0\n")
    with pytest.raises(ConfigError, match=r"z_merged\.csv exists, and this command has not"):
        write_merged(experiment(tmp_path / "C", 2), {"a": [0], "z": [1]}, tmp_path / "tables")
    assert [path.name for path in (tmp_path / "tables").iterdir()] == ["z_merged.csv"]


@pytest.mark.parametrize("name", ["s_area_ch_0.csv", "s_merged.parquet", "s_merged.csv"])
def test_files_of_somebody_else_are_kept(folders, name):
    mine = folders[0] / name
    mine.write_text("time,fov,cell,value\n0,0,0,1\n")
    with pytest.raises(ConfigError, match="exists, and this command has not written it"):
        write_merged(folders[0], ONE, tidy=True)
    assert mine.read_text().endswith("0,0,0,1\n")


def test_fits_of_somebody_else_are_kept(folders):
    (path,) = write_merged(folders[0], ONE)["s"]
    mine = path.with_name("s_merged_fitted_constant.csv")
    mine.write_text("fov,cell,model_type,success,r_squared\n0,1,mine,True,1\n")
    with pytest.raises(ConfigError, match="exists, and this command has not written it"):
        fit_file(path, "constant")
    assert "mine" in mine.read_text()


def test_tidy_tables_follow_their_merged_table(folders):
    before = write_merged(folders[0], ONE, tidy=True)["s"]
    for path in before[1:]:
        path.write_text("old")
    assert write_merged(folders[0], ONE)["s"] == before
    assert all(path.read_text() != "old" for path in before)


def test_figures_keep_equal_samples_of_two_experiments_apart(pyama, folders, tmp_path):
    merged(pyama, folders, tmp_path)
    tables = [folder / "s_merged.csv" for folder in folders]
    traces = join_traces(tables)
    assert traces["sample"].unique().tolist() == ["s (A)", "s (B)"]
    assert traces.groupby(["sample", "fov", "cell"]).ngroups == 8
    fits = [fit_file(table, "constant").paths[0] for table in tables]
    table, _ = join_fits(fits)
    assert table.groupby("sample").size().to_dict() == {"s (A)": 4, "s (B)": 4}
    # Tables without any entries are told apart by their places.
    plain = [folder / "mine.csv" for folder in folders]
    for path in plain:
        pd.DataFrame({"cell": [1, 1], "time": [0, 1], "value": 2.0}).to_csv(path, index=False)
    assert join_traces(plain)["sample"].unique().tolist() == ["A/mine", "B/mine"]
    assert join_traces([*plain, plain[0]])["cell"].size == 4


def test_several_folders_are_merged_with_a_file(pyama, folders, tmp_path):
    done = pyama("merge", *folders, "--by-position-name")
    assert done.exit_code == 2
    assert "`pyama experiment init` with these folders writes one" in done.stderr
    one = [folders[0], folders[0] / ".." / "A"]
    assert pyama("merge", *one, "--samples", tmp_path / "samples.yaml").exit_code == 0


def test_several_folders_have_a_report_each(pyama, folders):
    done = pyama("report", *folders)
    assert done.exit_code == 2
    assert "2 folders were given; a report describes one recording" in done.stderr
    assert pyama("report", folders[0], folders[0] / ".." / "A").exit_code == 0


def test_a_table_given_twice_counts_once(pyama, folders):
    (table,) = write_merged(folders[0], ONE)["s"]
    again = folders[1] / ".." / "A" / table.name
    assert len(join_traces([table, again])) == len(join_traces([table]))
    done = pyama("fit", table, again, "--model", "constant", "-o", folders[0] / "fits")
    assert done.stdout.count("4 cells") == 1
    fits = folders[0] / "fits" / "s_merged_fitted_constant.csv"
    other = folders[1] / ".." / "A" / "fits" / fits.name
    assert len(join_fits([fits, other])[0]) == 4


def test_recordings_of_the_same_name_are_told_apart_by_their_folders(pyama, tmp_path):
    folders = [
        experiment(tmp_path / name, 1, identity=name, path=f"{name}/movie.nd2")
        for name in ("A", "B")
    ]
    tables = [write_merged(folder, ONE)["s"][0] for folder in folders]
    write_merged(folders[0], ONE, tmp_path / "tables")
    with pytest.raises(ConfigError) as caught:
        write_merged(folders[1], ONE, tmp_path / "tables")
    places = [folder.resolve() for folder in folders]
    assert f"it holds movie of {places[0]}, and this is movie of {places[1]}." in str(
        caught.value
    )
    fit_file(tables[0], "constant", destination=tmp_path / "fits")
    with pytest.raises(ConfigError, match=r"holds movie of .*A.*, and this is movie of .*B"):
        fit_file(tables[1], "constant", destination=tmp_path / "fits")


@pytest.mark.parametrize("command", ["run", "plan"])
def test_several_files_are_processed_one_by_one(pyama, tmp_path, command):
    done = pyama(command, "a.nd2", "b.nd2", "-o", tmp_path / "out")
    assert done.exit_code == 2
    assert "One recording is processed at a time" in " ".join(done.stderr.split())
    assert "unexpected argument b.nd2." in done.stderr


def test_messages_are_no_numbers_where_there_are_none():
    table = pd.DataFrame({"cell": [1, 2], "t0": [0.5, 0.7], "message": [float("nan")] * 2})
    assert fitted_numbers(table) == ["t0"]
