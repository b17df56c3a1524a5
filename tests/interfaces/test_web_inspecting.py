"""What is said about cells over HTTP is saved, and seen by everybody."""

import errno
import json
from urllib.request import Request, urlopen

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from pyama import layout
from pyama.processing.workflow.run import process
from pyama.traces.digests import inspected_digest
from pyama.traces.inspection import Inspection
from pyama.traces.trace_files import traces_of, unused_inspections
from pyama.web.application import create_app
from results import results_in
from servers import serving
from small_movie import MOVIE, contents, make_config, recording_of

HERE = "/api/fovs/0/inspection"


@pytest.fixture
def folder(tmp_path):
    return results_in(tmp_path)


@pytest.fixture
def client(folder):
    app = create_app(folder, "secret")
    headers = {"Authorization": "Bearer secret"}
    return TestClient(app, base_url="http://localhost", headers=headers)


def act(client, by="me", **action):
    return client.post(HERE, json={"by": by, "action": action})


def bad_cells(tracks):
    return [track["cell"] for track in tracks["tracks"] if track["bad"]]


def test_a_click_is_saved_at_once_and_undone(client, folder):
    before = contents(folder)
    assert bad_cells(act(client, kind="mark", cell=2, good=False).json()) == [2]
    assert bad_cells(client.get("/api/fovs/0/tracks").json()) == [2]
    table = pd.read_csv(traces_of(folder, 0))
    assert not table.loc[table["cell"] == 2, "good"].any()
    assert bad_cells(client.post(f"{HERE}/undo", json={"by": "me"}).json()) == []
    assert bad_cells(client.post(f"{HERE}/redo", json={"by": "me"}).json()) == [2]
    client.app.state.inspected_tables.write_all()
    after = contents(folder)
    written = {name for name in after if after[name] != before.get(name)}
    assert written == {
        "fov_000/movie_fov_000_traces_inspected.csv",
        "fov_000/movie_fov_000_traces_inspection.jsonl",
    }
    assert client.get("/api/dataset").json()["fovs"][0]["inspected"]


def test_the_list_of_fields_counts_the_cells_that_an_inspection_left(client):
    count = client.get("/api/dataset").json()["fovs"][0]["traces"]
    act(client, kind="delete", cell=2)
    assert client.get("/api/dataset").json()["fovs"][0]["traces"] == count - 1
    client.post(f"{HERE}/undo", json={"by": "me"})
    assert client.get("/api/dataset").json()["fovs"][0]["traces"] == count


def test_a_click_that_arrives_again_changes_nothing(client, folder):
    shown = client.get("/api/fovs/0/tracks").json()["digest"]
    clicks = [
        (HERE, {"action": {"kind": "mark", "cell": 2, "good": False}}, [2]),
        (HERE, {"action": {"kind": "mark", "cell": 3, "good": False}}, [2, 3]),
        (f"{HERE}/undo", {}, [2]),
        (f"{HERE}/redo", {}, [2, 3]),
    ]
    for number, (address, body, bad) in enumerate(clicks):
        sent = {"by": "me", "id": f"{number:032x}", "traces": shown, **body}
        for _ in range(2):
            assert bad_cells(client.post(address, json=sent).json()) == bad
    for number, (address, body, _) in enumerate(clicks):
        sent = {"by": "me", "id": f"{number:032x}", "traces": shown, **body}
        assert bad_cells(client.post(address, json=sent).json()) == [2, 3]
    log = Inspection(folder, 0).log.read_text()
    assert [log.count(f"{number:032x}") for number in (0, 2, 3)] == [1, 1, 1]


@pytest.mark.parametrize("address", [HERE, f"{HERE}/undo", f"{HERE}/redo"])
def test_a_click_on_other_traces_than_those_shown_is_refused(client, folder, address):
    act(client, kind="mark", cell=2, good=False)
    before = Inspection(folder, 0).log.read_bytes()
    body = {"by": "me", "traces": "0" * 64}
    if address == HERE:
        body["action"] = {"kind": "mark", "cell": 1, "good": False}
    answer = client.post(address, json=body)
    assert answer.status_code == 422
    assert "made these traces again" in answer.json()["detail"]
    assert Inspection(folder, 0).log.read_bytes() == before


def test_bad_from_a_frame_on_is_told_as_a_range(client):
    found = act(client, kind="mark", cell=1, good=False, frame=4).json()
    assert found["tracks"][0]["bad"] == [[4, 5]]


def test_a_corrected_track_is_told_with_its_labels_and_its_history(client):
    act(client, kind="cut", cell=1, frame=3)
    found = act(client, kind="join", cell=5, other=1)
    assert found.status_code == 200
    track = next(track for track in found.json()["tracks"] if track["cell"] == 5)
    assert track["segments"] == [[1, 0, 5]]
    assert [entry["text"] for entry in found.json()["log"]] == [
        "cut 1 at frame 3 (new: 5)",
        "join 1 to 5",
    ]
    act(client, kind="swap", cell=2, other=3, frame=2)
    found = act(client, kind="delete", cell=4).json()
    assert [track["segments"] for track in found["tracks"]] == [
        [[2, 0, 1], [3, 2, 5]],
        [[3, 0, 1], [2, 2, 5]],
        [[1, 0, 5]],
    ]
    values = client.get("/api/fovs/0/traces/area_ch_0").json()["traces"]
    assert [trace["cell"] for trace in values] == [2, 3, 5]


def test_a_preview_shows_before_and_after(client):
    wish = {"action": {"kind": "cut", "cell": 1, "frame": 2}, "column": "area_ch_0"}
    effect = client.post(f"{HERE}/preview", json=wish).json()
    assert [(trace["cell"], trace["frames"]) for trace in effect["before"]] == [
        (1, [0, 1, 2, 3, 4, 5])
    ]
    assert [(trace["cell"], trace["frames"]) for trace in effect["after"]] == [
        (1, [0, 1]),
        (5, [2, 3, 4, 5]),
    ]
    nothing = {"kind": "mark", "cell": 1, "good": True}
    effect = client.post(f"{HERE}/preview", json=wish | {"action": nothing}).json()
    assert effect == {"before": [], "after": []}
    bad = {"kind": "mark", "cell": 2, "good": False}
    effect = client.post(f"{HERE}/preview", json=wish | {"action": bad}).json()
    assert [trace["cell"] for trace in effect["before"]] == [2]
    assert effect["after"] == effect["before"]


WRONG = [
    ({"by": "me", "action": {"kind": "join", "cell": 1, "other": 2}}, "both present"),
    ({"by": "me", "action": {"kind": "mark", "cell": 99, "good": False}}, "no cell 99"),
    ({"by": "me", "action": {"kind": "mark", "cell": 1, "good": 2}}, "good"),
    ({"by": "me", "action": {"kind": "burn", "cell": 1}}, "kind"),
    ({"by": "", "action": {"kind": "delete", "cell": 1}}, "by"),
    ({"by": "me"}, "action"),
    ([], "body"),
]


@pytest.mark.parametrize(("body", "told"), WRONG)
def test_a_wrong_click_is_refused_and_writes_nothing(client, folder, body, told):
    before = contents(folder)
    answer = client.post(HERE, json=body)
    assert answer.status_code == 422
    assert told in answer.text
    assert contents(folder) == before


def test_the_table_equals_the_log_when_the_server_has_stopped(client, folder):
    inspection = Inspection(folder, 0)
    with client:
        for cell in (1, 2, 3):
            act(client, kind="mark", cell=cell, good=False)
    assert inspection.inspected.read_text() == inspection.state().table.text()


def test_the_table_is_written_while_nobody_reads_it(client, folder):
    inspection = Inspection(folder, 0)
    act(client, kind="mark", cell=1, good=False)
    (timer,) = client.app.state.inspected_tables._timers.values()
    timer.join()
    assert inspection.inspected.read_text() == inspection.state().table.text()


def test_the_next_command_writes_the_table_of_a_server_that_was_killed(folder, pyama):
    address, headers = "/api/fovs/0/inspection", {"Content-Type": "application/json"}
    body = {"by": "me", "action": {"kind": "mark", "cell": 1, "good": False}}
    with serving(folder) as (server, port, token):
        request = Request(
            f"http://127.0.0.1:{port}{address}",
            json.dumps(body).encode(),
            headers | {"Authorization": f"Bearer {token}"},
        )
        assert json.load(urlopen(request))["log"]  # noqa: S310
        server.kill()
    samples = folder / "samples.yaml"
    samples.write_text("samples: [{name: s, fovs: [0]}]")
    assert pyama("merge", folder, "--samples", samples).exit_code == 0
    assert 1 not in set(pd.read_csv(folder / "s_merged.csv", comment="#")["cell"])
    inspection = Inspection(folder, 0)
    assert inspection.inspected.read_text() == inspection.state().table.text()


def test_a_full_disk_is_said_and_nothing_is_half_written(client, folder, monkeypatch):
    def fill(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = contents(folder)
    for name in ("pyama.traces.inspection.append_record", "pyama.web.trace_routes._tracks"):
        with monkeypatch.context() as patch:
            patch.setattr(name, fill)
            answer = act(client, kind="mark", cell=2, good=False)
        assert (answer.status_code, str(folder) in answer.text) == (409, False)
        assert "No space left on device" in answer.json()["detail"]
        if "append" in name:
            assert contents(folder) == before


def test_an_inspection_of_other_traces_is_named_in_the_same_words(client, folder):
    assert act(client, kind="mark", cell=2, good=False).json()["set_aside"] == []
    traces = folder / "fov_000/movie_fov_000_traces.csv"
    lines = traces.read_text(encoding="utf-8").splitlines(keepends=True)
    traces.write_text("".join(lines[:-1]), encoding="utf-8")
    (said,) = client.get("/api/fovs/0/tracks").json()["set_aside"]
    assert said == unused_inspections(folder)[0].replace(f"{folder}/", "")
    assert "was made on the traces of an earlier run and is not used" in said
    earlier = folder / "fov_000" / layout.EARLIER
    earlier.mkdir()
    digest = inspected_digest(Inspection(folder, 0).log)
    for facts, is_carried in (
        ({"traces": digest}, True),
        ({"traces": "0"}, False),
        ([], False),
    ):
        (earlier / layout.EARLIER_FACTS).write_text(json.dumps(facts), encoding="utf-8")
        tracks = client.get("/api/fovs/0/tracks").json()
        assert tracks["is_carried"] == is_carried
        assert ("carries the corrections over when" in tracks["set_aside"][0]) == is_carried


@pytest.fixture
def narrow(tmp_path):
    """Results whose margin leaves only cell 3 of field of view 0."""
    folder = results_in(tmp_path)
    config = make_config(border_margin=28)
    assert process(recording_of(MOVIE[:2]), config, folder, [0]).succeeded
    headers = {"Authorization": "Bearer secret"}
    return TestClient(
        create_app(folder, "secret"), base_url="http://localhost", headers=headers
    )


def test_a_cell_without_a_trace_tells_why_and_is_kept(narrow):
    found = narrow.get("/api/fovs/0/tracks").json()
    assert [(cell["cell"], cell["first"], cell["n"]) for cell in found["left_out"]] == [
        (1, 0, 6),
        (2, 0, 6),
        (4, 0, 6),
    ]
    assert {c["group"] for c in found["left_out"]} == {"too close to the edge (border_margin)"}
    address = "/api/fovs/0/left_out/{}/intensity_total_ch_1"
    told = narrow.get(address.format(1)).json()
    assert told["why"] == (
        "Cell 1 comes within 25 px of the edge, and border_margin is 28 px."
    )
    assert narrow.get(address.format(3)).status_code == 404
    assert narrow.get("/api/fovs/0/left_out/1/nothing").status_code == 404
    preview = {"action": {"kind": "keep", "cell": 1}, "column": "intensity_total_ch_1"}
    effect = narrow.post(f"{HERE}/preview", json=preview).json()
    assert (effect["before"], effect["after"]) == ([], [told["trace"]])
    other = act(narrow, kind="keep", cell=1, left_out="0" * 64)
    assert other.status_code == 422
    assert "cell 1 is not kept: it may be another one" in other.json()["detail"]
    known = found["left_out_digest"]
    kept = act(narrow, kind="keep", cell=1, left_out=known).json()
    assert [track["cell"] for track in kept["tracks"]] == [1, 3]
    assert [cell["cell"] for cell in kept["left_out"]] == [2, 4]
    assert [entry["text"] for entry in kept["log"]] == ["keep cell 1, which had no trace"]
    assert kept["version"] != found["version"]
    values = narrow.get("/api/fovs/0/traces/intensity_total_ch_1").json()["traces"]
    assert values[0] == told["trace"]
    again = act(narrow, kind="keep", cell=1)
    assert (again.status_code, "has a trace already" in again.text) == (422, True)
    act(narrow, kind="delete", cell=3)
    told = narrow.get(address.format(3)).json()["why"]
    assert told == "Cell 3 was deleted in the inspection, in frame 0 to 5."
    for _ in range(2):
        undone = narrow.post(f"{HERE}/undo", json={"by": "me"}).json()
    assert [cell["cell"] for cell in undone["left_out"]] == [1, 2, 4]
