"""Whoever calls the steps gets the same folder: services, workers, batches and whole runs."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from pyama import load_traces
from pyama.analysis.fitting.fit_files import fit_file
from pyama.analysis.merge import write_merged
from pyama.analysis.report import write_report
from pyama.errors import ConfigError, PluginError
from pyama.processing.record import is_intact, read_record
from pyama.processing.step_reports import FovStepReport, Status, StepReports
from pyama.processing.verify import verify
from pyama.processing.workflow import run as workflow
from pyama.processing.workflow.recording import record_steps
from pyama.processing.workflow.run import process, run_batch, run_single_worker
from pyama.readers import open_reader
from pyama.registry import Registry
from pyama.runs.request import check_run
from pyama.store import read_run
from pyama.testing.nd2_writer import write_nd2
from small_movie import MOVIE, StopAfter, contents, make_config, n_cells

SERVICES = (
    workflow.SegmentationService,
    workflow.TrackingService,
    workflow.BackgroundEstimationService,
    workflow.CroppingService,
    workflow.ExtractionService,
    workflow.CachingService,
)


@pytest.fixture(scope="module")
def metadata(tmp_path_factory):
    path = tmp_path_factory.mktemp("recording") / "movie.nd2"
    write_nd2(path, MOVIE[:2, :2, None], channel_names=["Phase", "GFP"])
    with open_reader(path) as reader:
        return reader.metadata


def by_services(metadata, config, folder):
    for service in (workflow.CopyingService, *SERVICES):
        service().process_all_fovs(metadata, config, folder, 0, 1)


def by_workers(metadata, config, folder):
    workflow.CopyingService().process_all_fovs(metadata, config, folder, 0, 1)
    for fov in (0, 1):
        assert run_single_worker([fov], metadata, config, folder)[3] == "Completed"
    workflow.CachingService().process_all_fovs(metadata, config, folder, 0, 1)


def by_batch(metadata, config, folder):
    assert not run_batch([0, 1], config, 2, metadata, folder).failed_fovs()


def status_of(folder):
    return json.loads((folder / "run.json").read_text())["status"]


@pytest.mark.parametrize("entry", [by_services, by_workers, by_batch])
def test_every_command_works_on_the_folder_of_every_entry(metadata, tmp_path, entry):
    config, folder = make_config(), tmp_path / "results"
    entry(metadata, config, folder)
    assert process(metadata.path, config, tmp_path / "whole").succeeded
    assert contents(folder) == contents(tmp_path / "whole")
    assert verify(folder).is_intact
    assert status_of(folder) == "finished"
    assert read_record(folder).metadata == metadata
    table = write_merged(folder, {"all": "0-1"})["all"][0]
    assert len(fit_file(table, "constant", "area_ch_0").table) == n_cells(0, 1)
    assert "Fields of view" in write_report(folder).read_text(encoding="utf-8")
    entries = config.model_dump(mode="json")
    prepared = check_run(metadata.path, folder, entries)
    assert prepared.metadata.identity == metadata.identity


@pytest.mark.parametrize("entry", [by_services, by_workers, by_batch])
def test_every_entry_takes_selected_frames(metadata, tmp_path, entry):
    config, folder = make_config(min_frames=1, frames=[1]), tmp_path / "results"
    entry(metadata, config, folder)
    with open_reader(metadata.path, frames="1") as reader:
        assert process(reader, config, tmp_path / "whole").succeeded
        selected = reader.metadata
        with pytest.raises(
            ConfigError, match=r"only frames 1 are at hand, but frames = 'all'"
        ):
            process(reader, make_config(), tmp_path / "other")
    assert contents(folder) == contents(tmp_path / "whole")
    assert read_record(folder).metadata == selected
    assert selected.recorded_frames == (1,)
    assert load_traces(folder / "fov_001/movie_fov_001_traces.csv")["time"].nunique() == 1
    with pytest.raises(ConfigError, match=r"Frame 2 does not exist. The recording has 2"):
        workflow.CopyingService().process_all_fovs(
            metadata, make_config(frames="2-"), tmp_path / "none", 0, 1
        )


def test_copy_only_is_skipped_by_every_entry(metadata, tmp_path):
    config = make_config(copy_only=True, registration="phase_correlation")
    assert run_batch([0], config, 1, metadata, tmp_path).failed_fovs() == []
    assert run_single_worker([0], metadata, config, tmp_path)[1:] == (1, 0, "Completed")
    for service in SERVICES:
        report = service().process_all_fovs(metadata, config, tmp_path, 0, 0)
        assert {entry.status for entry in report} <= {Status.SKIPPED}
    assert verify(tmp_path).is_intact
    assert status_of(tmp_path) == "finished"


def test_a_step_that_was_not_called_leaves_the_folder_unfinished(metadata, tmp_path):
    config = make_config()
    workflow.CopyingService().process_all_fovs(metadata, config, tmp_path, 0, 1)
    assert status_of(tmp_path) == "unfinished"
    assert run_single_worker([0], metadata, config, tmp_path)[1] == 1
    assert status_of(tmp_path) == "unfinished"
    run_single_worker([1], metadata, config, tmp_path)
    assert status_of(tmp_path) == "finished"


def test_the_status_is_that_of_all_fields_of_view(metadata, tmp_path):
    config = make_config()
    (tmp_path / "fov_001").mkdir()
    (tmp_path / "fov_001" / "images.zarr").write_text("in the way")
    assert process(metadata.path, config, tmp_path, [1]).status == "failed"
    assert process(metadata.path, config, tmp_path, [0]).status == "finished"
    assert status_of(tmp_path) == "failed"
    (tmp_path / "fov_001" / "images.zarr").unlink()
    process(metadata.path, config, tmp_path, [1], cancel_event=StopAfter(6))
    assert status_of(tmp_path) == "cancelled"
    process(metadata.path, config, tmp_path, [0])
    assert status_of(tmp_path) == "cancelled"
    process(metadata.path, config, tmp_path, [1])
    assert status_of(tmp_path) == "finished"


def test_a_step_that_no_longer_applies_does_not_count(metadata, tmp_path):
    config = make_config(registration="phase_correlation")
    process(metadata.path, config, tmp_path, [0])
    path = tmp_path / "run.json"
    assert "registration" in json.loads(path.read_text())["fovs"]["0"]
    process(metadata.path, make_config(), tmp_path, [0])
    assert "registration" not in json.loads(path.read_text())["fovs"]["0"]


def test_no_entry_mixes_two_recordings(metadata, tmp_path):
    config = make_config()
    workflow.CopyingService().process_all_fovs(metadata, config, tmp_path, 0, 0)
    other = metadata.replace(identity="other")
    before = contents(tmp_path)
    with pytest.raises(ConfigError, match="belongs to another recording"):
        run_batch([0], config, 1, other, tmp_path)
    with pytest.raises(ConfigError, match="belongs to another recording"):
        workflow.SegmentationService().process_all_fovs(other, config, tmp_path, 0, 0)
    result = run_single_worker([0], other, config, tmp_path)
    assert (result[1:3], "belongs to another recording" in result[3]) == ((0, 1), True)
    assert contents(tmp_path) == before


def test_a_built_in_part_is_replaced_only_on_purpose():
    def mine(image, mask, context):
        return 1.0

    from pyama.algorithms.features import PHASE_FEATURES

    registry = Registry("feature", PHASE_FEATURES.arguments)
    registry.data |= PHASE_FEATURES.data
    with pytest.raises(PluginError, match=r"'area' is built in\. Choose another name; to"):
        registry["area"] = mine
    registry["area"] = registry["area"]
    registry.replace("area", mine)
    assert registry["area"] is mine
    registry["area"] = lambda image, mask, context: 2.0


def test_the_status_is_that_of_all_fields_of_view_that_were_begun(metadata, tmp_path):
    config = make_config()
    assert process(metadata.path, config, tmp_path, [0]).succeeded
    assert status_of(tmp_path) == "finished"
    event = StopAfter(30)
    assert process(metadata.path, config, tmp_path, [1], cancel_event=event).cancelled
    assert process(metadata.path, config, tmp_path, [0]).succeeded
    assert status_of(tmp_path) == "cancelled"
    (tmp_path / "run.json").unlink()  # as if the second run had been killed
    assert process(metadata.path, config, tmp_path, [0]).succeeded
    assert status_of(tmp_path) == "unfinished"
    assert process(metadata.path, config, tmp_path, [1]).succeeded
    assert status_of(tmp_path) == "finished"


def test_nothing_of_forty_runs_that_end_at_the_same_moment_is_lost(metadata, tmp_path):
    config, n, started = make_config(), 40, datetime.now(UTC)
    barrier = threading.Barrier(n)

    def end(fov):
        report = StepReports((FovStepReport("copying", fov, Status.DONE, f"by {fov}"),))
        barrier.wait()
        record_steps(tmp_path, metadata, config, report, started)

    with ThreadPoolExecutor(n) as threads:
        list(threads.map(end, range(n)))
    fovs = read_run(tmp_path)["fovs"]
    found = {int(fov): steps["copying"]["message"] for fov, steps in fovs.items()}
    assert found == {fov: f"by {fov}" for fov in range(n)}
    assert read_record(tmp_path).config == config
    assert is_intact(tmp_path / "processing_config.yaml")
    assert len(list(tmp_path.iterdir())) == 2, "and no temporary file"
