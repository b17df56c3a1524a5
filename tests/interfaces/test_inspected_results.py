"""What people have made is kept: inspected results, and folders of earlier commits."""

import re
import zipfile
from pathlib import Path

import pytest

import pyama as package
from pyama.errors import InspectedError
from pyama.processing.steps import STEPS
from pyama.processing.verify import verify
from pyama.processing.workflow.run import (
    TrackingService,
    process,
    run_batch,
    run_single_worker,
    run_workflow,
)
from pyama.traces.corrections import MarkCell
from pyama.traces.inspection import Inspection
from small_movie import contents, make_config

OLD = Path(__file__).parents[1] / "data" / "finished.zip"
OPTIONS = ["--pc", 0, "--fl", 1, "--set", "min_frames=2", "--set", "border_margin=2", "-j", 1]
ORDER = {
    "file": "movie.nd2",
    "output": "results",
    "channels": {"pc": {"channel": 0}, "fl": [{"channel": 1}]},
    "params": {"min_frames": 2, "border_margin": 2, "n_workers": 1},
}
CHANGE = ["--set", "min_iou=0.3"]
CHANGED = ORDER | {"params": ORDER["params"] | {"min_iou": 0.3}}


@pytest.fixture
def old(tmp_path):
    """A finished folder with an inspection, as an earlier commit wrote it."""
    with zipfile.ZipFile(OLD) as packed:
        packed.extractall(tmp_path)
    return tmp_path


@pytest.fixture
def root(old):
    return old


def typed(pyama, old, *options):
    return pyama("run", old / "movie.nd2", "-o", old / "results", *OPTIONS, *options)


def test_a_folder_of_an_earlier_commit_is_readable(old):
    results = old / "results"
    assert not verify(results).damages
    state = Inspection(results, 0).state()
    assert [entry.action for entry in state.entries] == [MarkCell(cell=1, good=False)]
    assert not state.set_aside
    inspected = results / "fov_000" / "movie_fov_000_traces_inspected.csv"
    table = package.load_traces(inspected)
    assert set(table.loc[~table["good"], "cell"]) == {1}
    assert {"area_ch_0", "intensity_total_ch_1"} <= set(table)
    store = package.FovStore(results, 0)
    assert store.stack("seg_tracked_ch_0")[0].any()
    assert store.cells().crop("fl_ch_1", 1).any()


def test_a_folder_of_an_earlier_commit_is_finished_or_made_by_another_version(pyama, old):
    done = pyama("plan", old / "movie.nd2", "-o", old / "results", *OPTIONS)
    if "Everything is finished" not in done.stdout:
        versions = [f"{step.name} has a new version" for step in STEPS]
        assert any(version in done.stdout for version in versions), done.stdout
        assert "changed" not in re.sub("|".join(versions), "", done.stdout)


def test_both_front_ends_ask_before_they_replace_inspected_results(pyama, client, old):
    before = contents(old / "results")
    done = typed(pyama, old, *CHANGE)
    sent = client.post("/api/runs", json=CHANGED)
    assert (done.exit_code, sent.status_code) == (2, 428)
    message = sent.json()["detail"]
    said, _, question = message.rpartition("\n\n")
    assert said in done.stderr.replace(f"{old}/", "")
    assert question == "Replace the inspected results?"
    assert "FOV 0 has been inspected" in message
    assert re.search("FOV 0: .*tracking, .*cropping, extraction, caching", message)
    assert "--redo" in message
    plan = client.post("/api/runs/plan", json=CHANGED).json()
    (fact,) = plan["inspected"]
    assert fact == plan["replaced"][0] == "FOV 0: 1 trace, 1 inspection with 1 entry"
    assert sum("trace" in text for text in plan["replaced"]) == 1, "each FOV is named once"
    assert f"\n  {fact}\n" in message
    assert plan["question"].endswith(question)
    assert plan["question"].removesuffix(question).strip() in message
    assert contents(old / "results") == before
    assert client.get("/api/runs").json() == []


def test_inspected_results_are_replaced_if_that_is_allowed(pyama, old):
    assert typed(pyama, old, "--set", "background_weight=0.5").exit_code == 2
    done = typed(pyama, old, "--set", "background_weight=0.5", "--redo")
    assert done.exit_code == 0
    line = re.compile("Note: These results are made again: FOV 0: .*extraction")
    assert line.search(done.stderr)
    assert line.search((old / "results/run.log").read_text(encoding="utf-8"))
    assert (old / "results/fov_000/movie_fov_000_traces_inspection.jsonl").exists()
    # The inspection is carried over, so that the next change is asked about as well.
    again = "--set", "background_weight=0.4"
    assert typed(pyama, old, *again).exit_code == 2
    assert typed(pyama, old, *again, "--redo").exit_code == 0
    plan = pyama("plan", old / "movie.nd2", "-o", old / "results", *OPTIONS, *again)
    assert "Everything is finished" in plan.stdout
    state = Inspection(old / "results", 0).state()
    assert [entry.action for entry in state.entries] == [MarkCell(cell=1, good=False)]


def test_the_page_replaces_inspected_results_if_that_is_allowed(client, old):
    answer = client.post("/api/runs", json=CHANGED | {"redo": True})
    assert answer.status_code == 201
    assert "--redo" in answer.json()["command"]


def asked_from_python(folder, step, **facts):
    """Replace results by one of the functions of the reference."""
    with package.open_reader(folder / "movie.nd2") as reader:
        metadata = reader.metadata
    config = make_config(min_iou=0.3)
    match step:
        case "process":
            return process(folder / "movie.nd2", config, folder / "results", **facts)
        case "run_workflow":
            return run_workflow(folder / "movie.nd2", config, folder / "results", **facts)
        case "run_batch":
            return run_batch([0], config, 1, metadata, folder / "results", **facts)
        case "service":
            results = folder / "results"
            return TrackingService().process_all_fovs(metadata, config, results, 0, 0, **facts)


@pytest.mark.parametrize("step", ["process", "run_workflow", "run_batch", "service"])
def test_scripts_are_refused_with_the_same_sentence(pyama, old, step):
    typed(pyama, old, "--redo")  # makes again what has a new version
    before = contents(old / "results")
    said = typed(pyama, old, *CHANGE).stderr
    with pytest.raises(InspectedError, match="FOV 0 has been inspected") as refused:
        asked_from_python(old, step)
    expected = said.partition("FOV 0: ")[0] if step == "service" else said
    assert str(refused.value).startswith(expected.removeprefix("Error: ").rstrip()), expected
    assert contents(old / "results") == before


def test_a_worker_replaces_no_inspected_results(pyama, old):
    typed(pyama, old, "--redo")
    before = contents(old / "results")
    with package.open_reader(old / "movie.nd2") as reader:
        metadata = reader.metadata
    config, results = make_config(min_iou=0.3), old / "results"
    _, done, failed, message = run_single_worker([0], metadata, config, results)
    assert (done, failed) == (0, 1)
    assert "FOV 0 has been inspected" in message
    assert contents(results) == before
    assert run_single_worker([0], metadata, config, results, redo=True)[1:3] == (1, 0)


def test_scripts_replace_inspected_results_with_redo(old):
    assert asked_from_python(old, "process", redo=True).succeeded
    assert asked_from_python(old, "process").succeeded  # nothing is left to do
    state = Inspection(old / "results", 0).state()
    assert [entry.action for entry in state.entries] == [MarkCell(cell=1, good=False)]


def test_only_what_was_read_is_replaced(client, old):
    (fact,) = client.post("/api/runs/plan", json=CHANGED).json()["inspected"]
    inspection = Inspection(old / "results", 0)
    for correct in (
        lambda: inspection.add(MarkCell(cell=1, good=True), "me"),
        lambda: inspection.undo("me"),
    ):
        correct()
        before = contents(old / "results")
        refused = client.post("/api/runs", json=CHANGED | {"confirmed": [fact]})
        assert refused.status_code == 428
        assert contents(old / "results") == before
        (now,) = client.post("/api/runs/plan", json=CHANGED).json()["inspected"]
        assert now in refused.json()["detail"]
        assert now != fact
        fact = now
    assert fact == "FOV 0: 1 trace, 1 inspection with 2 entries, 1 of them undone"
    started = client.post("/api/runs", json=CHANGED | {"confirmed": [fact]})
    assert started.status_code == 201
    assert "--redo" in started.json()["command"]


def test_overwriting_inspected_results_is_asked_as_well(pyama, old):
    done = typed(pyama, old, "--overwrite")
    assert done.exit_code == 2
    assert "FOV 0 has been inspected" in done.stderr
    assert "everything in FOV 0 (--overwrite)" in done.stderr


def test_what_changes_no_traces_is_not_asked(pyama, old):
    results = old / "results"
    typed(pyama, old, "--redo")  # makes again what has a new version
    done = typed(pyama, old, "--set", "n_workers=2")
    assert done.exit_code == 0
    (results / "fov_000/.marks/pc_ch_0.1.json").write_text("{}")
    plan = pyama("plan", old / "movie.nd2", "-o", results, *OPTIONS).stdout
    assert "caching: runs, its mark is damaged" in plan
    assert typed(pyama, old).exit_code == 0
