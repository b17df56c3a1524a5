"""Commands and the page say which labels a person has corrected."""

import json

import numpy as np
import pytest
from fastapi.testclient import TestClient

from pyama.analysis.result_notes import folder_remarks
from pyama.processing.workflow.run import process
from pyama.store import FovStore
from pyama.traces.corrected_labels import save_corrected_labels, withdraw_corrected_labels
from pyama.web.application import create_app
from results import results_in
from small_movie import MOVIE, make_config, recording_of

NOT_USED = (
    "Labels of FOV 0 were corrected after the results were made. Run again with the same "
    "arguments to use them."
)


@pytest.fixture
def folder(tmp_path):
    return results_in(tmp_path)


def correct(folder, frame=2):
    labels = FovStore(folder, 0).stack("seg_labeled_ch_0")[frame]
    return save_corrected_labels(
        folder, 0, {frame: np.where(labels == 1, 0, labels)}, by="Ana"
    )


def details(folder):
    headers = {"Authorization": "Bearer secret"}
    app = create_app(folder, "secret")
    with TestClient(app, base_url="http://localhost", headers=headers) as client:
        return client.get("/api/fovs/0").json()


def test_the_page_says_which_frames_were_corrected_and_whether_they_are_used(folder):
    found = details(folder)
    assert (found["corrections"], found["corrected"]) == ("", {})
    correct(folder)
    found = details(folder)
    assert found["corrections"] == (
        "Labels were corrected by hand in frame 2, not in the results yet."
    )
    assert list(found["corrected"]) == ["2"]
    assert found["corrected"]["2"].startswith("labels corrected by Ana, 20")
    assert found["corrected"]["2"].endswith(", not in the results yet")
    assert process(recording_of(MOVIE[:2]), make_config(), folder).succeeded
    found = details(folder)
    assert found["corrections"] == "Labels were corrected by hand in frame 2."
    assert "yet" not in found["corrected"]["2"]


def test_all_commands_say_that_corrections_are_not_used_yet(folder):
    assert folder_remarks(folder) == []
    correct(folder)
    assert folder_remarks(folder) == [NOT_USED]
    assert process(recording_of(MOVIE[:2]), make_config(), folder).succeeded
    assert folder_remarks(folder) == [], (
        "a correction of one field of view is no other setting"
    )
    withdraw_corrected_labels(folder, 0, [2])
    assert folder_remarks(folder) == [NOT_USED]


def test_damaged_corrections_are_a_remark(folder):
    correct(folder)
    (folder / "fov_000/seg_corrected_ch_0.zarr/zarr.json").write_text("{")
    (text,) = folder_remarks(folder)
    assert text.startswith("Corrected labels cannot be read: ")
    assert text.endswith("its frames are segmented again then.")


def test_a_time_of_another_program_is_shown_as_it_is(folder):
    correct(folder)
    path = folder / "fov_000/seg_corrected_ch_0.zarr/zarr.json"
    document = json.loads(path.read_text())
    document["attributes"]["pyama"]["corrections"][0]["at"] = "yesterday"
    path.write_text(json.dumps(document))
    assert "by Ana, yesterday" in details(folder)["corrected"]["2"]
