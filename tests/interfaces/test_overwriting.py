"""What `--overwrite` removes, and what it and other runs keep."""

import json
from pathlib import Path
from shutil import copytree
from types import SimpleNamespace

import pytest

from pyama.analysis.fitting.fit_files import fit_file
from pyama.analysis.merge import write_merged
from pyama.errors import ConfigError, InspectedError, ReaderError
from pyama.processing.verify import verify
from pyama.processing.workflow import overwriting
from pyama.processing.workflow.run import process
from pyama.traces.corrections import MarkCell
from pyama.traces.inspection import Inspection
from small_movie import MOVIE, contents, make_config, recording_of

OPTIONS = ["--set", "min_frames=2", "--set", "border_margin=2", "-j", 1]


@pytest.fixture
def folder(short_experiment, tmp_path):
    return copytree(short_experiment, tmp_path / "experiment")


def typed(pyama, folder, *options, name="movie.nd2"):
    return pyama("run", folder / name, "-o", folder / "results", *OPTIONS, *options)


def test_only_the_fields_of_view_of_the_run_are_removed(pyama, folder):
    results = folder / "results"
    tables = {
        name: write_merged(results, {name: fovs}, tidy=True)[name]
        for name, fovs in (("a", [0]), ("b", [1]), ("both", "0-1"))
    }
    fits = {
        name: fit_file(paths[0], "constant", "area_ch_0").paths
        for name, paths in tables.items()
    }
    own = fit_file(results / "fov_000/movie_fov_000_traces.csv", "constant", "area_ch_0").paths
    copies = {name: paths[0].with_suffix(".parquet") for name, paths in tables.items()}
    copies |= {
        f"fits of {name}": paths[0].with_suffix(".parquet") for name, paths in fits.items()
    }
    for path in copies.values():
        path.write_bytes(b"old")
    (results / "report.html").write_text("old")
    (results / "notes.csv").write_text("mine")
    before = contents(results / "fov_001")
    run = json.loads((results / "run.json").read_text())["fovs"]["1"]
    done = typed(pyama, folder, "--overwrite", "--fovs", "0", "--set", "min_iou=0.2")
    assert done.exit_code == 0, done.output
    assert "Note: The results of FOV 0 are removed first." in done.stderr
    assert "Removed the results of FOV 0." in done.stdout
    assert contents(results / "fov_001") == before
    assert json.loads((results / "run.json").read_text())["fovs"]["1"] == run
    away = [
        *tables["a"],
        *fits["a"],
        *tables["both"],
        *fits["both"],
        *own,
        results / "report.html",
        *(path for name, path in copies.items() if not name.endswith("b")),
    ]
    assert not any(path.exists() for path in away)
    assert {path.name for path in (results / "superseded").iterdir()} == {p.name for p in away}
    stay = *tables["b"], *fits["b"], copies["b"], copies["fits of b"], results / "notes.csv"
    assert all(path.exists() for path in stay)
    assert all(path.name in done.stdout for path in away)
    assert verify(results).is_intact


def test_what_was_moved_before_is_not_replaced(folder):
    results = folder / "results"
    for content in ("first", "second"):
        (results / "report.html").write_text(content)
        process(folder / "movie.nd2", make_config(), results, [0], overwrite=True)
    assert (results / "superseded/report.html").read_text() == "first"
    assert (results / "superseded/report_2.html").read_text() == "second"


def test_two_recordings_are_not_mixed(folder):
    results = folder / "results"
    other = recording_of(MOVIE[:2, :3] + 1)
    Inspection(results, 1).add(MarkCell(cell=1, good=False), "ann")
    before = contents(results)
    with pytest.raises(InspectedError, match="FOV 1 has been inspected"):  # not of the run
        process(recording_of(MOVIE[:1, :3] + 1), make_config(), results, overwrite=True)
    with pytest.raises(ConfigError, match="FOV 1 of it would remain beside the new results"):
        process(other, make_config(), results, [0], overwrite=True)
    assert contents(results) == before
    assert process(other, make_config(), results, [0, 1], overwrite=True, redo=True).succeeded


@pytest.mark.parametrize("damage", ["damaged", None])
def test_a_folder_without_a_readable_record_can_be_overwritten(folder, damage):
    results = folder / "results"
    (results / "run.json").unlink()
    if damage is None:
        (results / "processing_config.yaml").unlink()
    else:
        (results / "processing_config.yaml").write_text(damage)
    with pytest.raises(ConfigError, match="FOV 1 of it would remain"):
        process(folder / "movie.nd2", make_config(), results, [0], overwrite=True)
    assert process(folder / "movie.nd2", make_config(), results, overwrite=True).succeeded


@pytest.mark.parametrize("options", [[], ["--overwrite"]])
def test_results_of_another_program_are_kept(pyama, folder, options):
    results = folder / "older"
    theirs = results / "fov_000/exp_fov_000_traces.csv"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")
    done = pyama("run", folder / "movie.nd2", "-o", results, *OPTIONS, *options)
    assert done.exit_code == 2
    assert "fov_000 holds files that this program has not written" in done.stderr
    assert theirs.read_text() == "theirs"
    assert [path.name for path in results.iterdir()] == ["fov_000"]


def test_a_recording_with_another_name_that_is_not_there_is_refused(pyama, folder):
    before = contents(folder / "results")
    for command in ("run", "plan"):
        done = pyama(command, folder / "mvoie.nd2", "-o", folder / "results", *OPTIONS)
        assert done.exit_code == 1
        assert "mvoie.nd2 does not exist" in done.stderr
        assert "under its own name, movie.nd2" in done.stderr
    assert contents(folder / "results") == before
    (folder / "movie.nd2").unlink()
    done = typed(pyama, folder, "--set", "min_iou=0.2")
    assert done.exit_code == 0
    assert "movie.nd2 does not exist: only what was copied" in done.stdout
    assert typed(pyama, folder, "--overwrite").exit_code == 1


@pytest.mark.parametrize("recorded", ["/data/movie.nd2", r"C:\data\movie.nd2", "movie.nd2"])
def test_the_name_of_a_recording_is_known_wherever_it_was_recorded(recorded):
    record = SimpleNamespace(metadata=SimpleNamespace(path=Path(recorded)))
    overwriting.refuse_unknown_name(Path("elsewhere/movie.nd2"), record)
    with pytest.raises(ReaderError, match=r"under its own name, movie\.nd2"):
        overwriting.refuse_unknown_name(Path("elsewhere/other.nd2"), record)


def test_a_recording_that_was_renamed_is_recognised(pyama, folder):
    (folder / "movie.nd2").rename(folder / "new.nd2")
    done = typed(pyama, folder, name="new.nd2")
    assert done.exit_code == 0
    done = typed(pyama, folder, "--overwrite", "--fovs", 0, name="new.nd2")
    assert done.exit_code == 0
    assert (folder / "results/fov_000/movie_fov_000_traces.csv").exists()


def test_a_run_that_began_a_moment_ago_is_not_another_program(folder, monkeypatch):
    """Its record is written between the two looks of this run, and its results after it."""
    results = folder / "results"
    for mark in results.glob("fov_*/.marks/*"):
        mark.unlink()
    for marks in results.glob("fov_*/.marks"):
        marks.rmdir()
    read, looks = overwriting.read_record, []

    def late(output_dir):
        looks.append(output_dir)
        return read(output_dir) if len(looks) > 1 else None

    monkeypatch.setattr(overwriting, "read_record", late)
    record = overwriting.earlier_record(results, overwrite=False)
    assert record is not None
    assert len(looks) == 2
