"""What the viewer reads: the right values, and nothing is written."""

import io
import os
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from pyama.errors import ArrayError
from pyama.pictures.outlines import polygons
from pyama.processing.workflow import process
from pyama.store import FovStore
from pyama.web.application import STATIC, create_app
from results import made_once, results_in
from small_movie import (
    BACKGROUND,
    HEIGHT,
    MOVIE,
    N_FRAMES,
    SHAPE,
    WIDTH,
    contents,
    make_config,
    n_cells,
    recording_of,
    times_of,
)

TOKEN = "secret"  # noqa: S105
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def client_of(root):
    return TestClient(create_app(root, TOKEN), base_url="http://localhost", headers=BEARER)


@pytest.fixture(scope="module")
def folder():
    return made_once()


@pytest.fixture(scope="module")
def client(folder):
    return client_of(folder)


def test_a_dataset_is_told_with_its_fields_of_view(client):
    assert client.get("/api/datasets").json() == ["."]
    found = client.get("/api/dataset").json()
    assert found["recording"] == "movie"
    assert found["channels"] == ["Phase", "GFP"]
    assert (found["pc"], found["fl"], found["pixel_size_um"]) == (0, [1], 0.65)
    assert [(entry["fov"], entry["traces"]) for entry in found["fovs"]] == [
        (fov, n_cells(fov)) for fov in (0, 1)
    ]


def test_the_number_of_cells_is_that_of_the_table(tmp_path):
    process(recording_of(MOVIE[:1, :2]), make_config(border_margin=70), tmp_path)
    table = pd.read_csv(tmp_path / "fov_000/movie_fov_000_traces.csv")
    (entry,) = client_of(tmp_path).get("/api/dataset").json()["fovs"]
    assert entry["traces"] == table["cell"].nunique() == 0


def test_results_below_the_root_are_found(folder):
    with client_of(folder.parent) as client:
        assert client.get("/api/datasets").json() == ["results"]
        assert client.get("/api/dataset?dir=results").json()["dir"] == "results"


def test_a_field_of_view_is_told_with_its_stacks(client):
    found = client.get("/api/fovs/1").json()
    assert found["shape"] == [N_FRAMES, *SHAPE]
    assert found["times_min"] == times_of(2, N_FRAMES)[1].tolist()
    groups = {group["group"]: group for group in found["groups"]}
    assert set(groups) == {
        *("pc_ch_0", "fl_ch_1", "fl_background_ch_1"),
        *("seg_labeled_ch_0", "seg_tracked_ch_0"),
    }
    assert groups["pc_ch_0"]["levels"].keys() == {"0", "1"}
    assert groups["pc_ch_0"]["low"] < groups["pc_ch_0"]["high"]


def test_every_field_of_view_has_its_own_times(tmp_path):
    recording = recording_of(MOVIE[:2, :2], times=[[0.0, 10.0], [3.0, 15.0]])
    process(recording, make_config(copy_only=True), tmp_path)
    with client_of(tmp_path) as client:
        found = [client.get(f"/api/fovs/{fov}").json() for fov in (0, 1)]
    assert [each["times_min"] for each in found] == [[0, 10], [3, 15]]
    for each, minutes in zip(found, (10, 12), strict=True):
        assert f"{minutes} min" in each["time"]


def test_black_and_white_are_sent_in_counts(client, folder):
    groups = {group["group"]: group for group in client.get("/api/fovs/1").json()["groups"]}
    stored = np.array(list(FovStore(folder, 1).stack("fl_ch_1")))
    low, high = np.percentile(stored, [1, 99])
    shown = groups["fl_ch_1"]
    assert (shown["low"], shown["high"]) == pytest.approx((low, high))
    labels = groups["seg_tracked_ch_0"]
    assert (labels["low"], labels["high"], labels["contrast"]) == (None, None, None)


def test_one_contrast_is_sent_for_all_fields_of_view(client, folder):
    contrasts = client.get("/api/dataset").json()["contrasts"]
    assert set(contrasts) == {"pc_ch_0", "fl_ch_1", "fl_background_ch_1"}
    stored = [np.array(list(FovStore(folder, fov).stack("fl_ch_1"))) for fov in (0, 1)]
    ends = np.percentile(stored, [1, 99], axis=(1, 2, 3))
    shown = contrasts["fl_ch_1"]
    low, high = shown["low"], shown["high"]
    assert (low, high) == pytest.approx((ends[0].min(), ends[1].max()))
    assert (shown["least"], shown["most"]) == (max(0, 2 * low - high), 2 * high - low)


@pytest.mark.parametrize(("level", "tolerance"), [("0", 0), ("1", 0.01)])
def test_the_contrast_of_one_frame_is_sent_in_counts(client, folder, level, tolerance):
    found = client.get(f"/api/fovs/1/frames/fl_background_ch_1/2/contrast?level={level}")
    frame = FovStore(folder, 1).stack("fl_background_ch_1")[2]
    expected = np.percentile(frame, [1, 99])
    assert list(found.json().values()) == pytest.approx(expected, rel=tolerance or 1e-6)
    rough = client.get(f"/api/fovs/1/frames/pc_ch_0/2/contrast?level={level}").json()
    assert rough["low"] < rough["high"]


def test_without_previews_full_frames_have_a_contrast_all_the_same(tmp_path):
    folder = results_in(tmp_path)
    for mark in folder.glob("fov_*/.marks/*.1.json"):
        mark.unlink()
    with client_of(folder) as client:
        groups = client.get("/api/fovs/0").json()["groups"]
        group = next(group for group in groups if group["group"] == "pc_ch_0")
        contrast = client.get("/api/dataset").json()["contrasts"]["pc_ch_0"]
    assert list(group["levels"]) == ["0"]
    assert 0 < group["low"] < group["high"]
    assert contrast["least"] < contrast["low"] < contrast["high"] < contrast["most"]


def test_a_full_frame_is_reduced_to_the_size_of_its_preview(client, folder):
    stored = FovStore(folder, 1).stack("fl_ch_1")[3].astype(int)
    query = "/api/fovs/1/frames/fl_ch_1/3?level=0&reduced=true"
    answer = client.get(query)
    assert answer.headers["X-Dtype"] == "uint16"
    found = np.frombuffer(answer.content, np.uint16).reshape(HEIGHT // 2, WIDTH // 2)
    squares = stored.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).sum(axis=(1, 3))
    np.testing.assert_array_equal(found, (squares + 2) // 4)
    preview = client.get("/api/fovs/1/frames/fl_ch_1/3?level=1")
    assert client.get(f"{preview.url}&reduced=true").content == preview.content
    jpeg = client.get(f"{query}&format=jpeg&low=0&high={found.max()}").content
    drawn = np.asarray(Image.open(io.BytesIO(jpeg)))
    assert drawn.shape == found.shape
    assert drawn.mean() == pytest.approx(255 * found.mean() / found.max(), abs=2)


@pytest.mark.parametrize("level", ["0", "1"])
@pytest.mark.parametrize("group", ["pc_ch_0", "fl_background_ch_1", "seg_tracked_ch_0"])
def test_a_raw_frame_is_what_is_stored(client, folder, group, level):
    answer = client.get(f"/api/fovs/1/frames/{group}/3?level={level}")
    stored = FovStore(folder, 1).stack(group, level)[3]
    shape = int(answer.headers["X-Height"]), int(answer.headers["X-Width"])
    pixels = np.frombuffer(answer.content, answer.headers["X-Dtype"]).reshape(shape)
    np.testing.assert_array_equal(pixels, stored)


@pytest.mark.parametrize(("form", "most"), [("png", 0), ("jpeg", 60)])
def test_a_picture_shows_what_is_stored(client, folder, form, most):
    answer = client.get(f"/api/fovs/0/frames/pc_ch_0/2?format={form}")
    stored = FovStore(folder, 0).stack("pc_ch_0", "1")[2].astype(int)
    assert (
        np.abs(np.asarray(Image.open(io.BytesIO(answer.content)), int) - stored).max() <= most
    )


def test_a_full_frame_becomes_a_picture(client, folder):
    stored = FovStore(folder, 0).stack("pc_ch_0")[0]
    for group, form in [
        ("pc_ch_0", "png"),
        ("pc_ch_0", "jpeg"),
        ("fl_background_ch_1", "png"),
    ]:
        answer = client.get(f"/api/fovs/0/frames/{group}/0?level=0&format={form}")
        image = np.asarray(Image.open(io.BytesIO(answer.content)))
        assert image.shape == stored.shape
        if (group, form) == ("pc_ch_0", "png"):
            np.testing.assert_array_equal(image, stored)


MISSING = [
    ("/api/fovs/9", 404),
    ("/api/fovs/-1", 422),
    ("/api/fovs/0/frames/pc_ch_0/6", 404),
    ("/api/fovs/0/frames/pc_ch_7/0", 404),
    ("/api/fovs/0/frames/cells/0", 404),
    ("/api/fovs/0/frames/pc_ch_0/6/contrast", 404),
    ("/api/fovs/0/frames/pc_ch_0/0?level=2", 422),
    ("/api/fovs/0/outlines/5/0", 404),
    ("/api/fovs/0/outlines/0/6", 404),
    ("/api/fovs/0/traces/nothing", 404),
    ("/api/fovs/0/traces/good", 404),
    ("/api/dataset?dir=nowhere", 404),
    ("/api/fovs/0/cells/99/parts/1", 404),
    ("/api/fovs/0/cells/1/parts/0", 404),
    ("/api/nothing", 404),
    ("/static/nothing.js", 404),
]


@pytest.mark.parametrize(("address", "status"), MISSING)
def test_what_is_not_there_is_told(client, folder, address, status):
    answer = client.get(address)
    assert answer.status_code == status
    assert str(folder) not in answer.text


def test_outlines_enclose_the_pixels_of_each_cell(client, folder):
    found = client.get("/api/fovs/0/outlines/0/2").json()
    labels = FovStore(folder, 0).stack("seg_tracked_ch_0")[2]
    areas = {int(label): abs(sum(map(area_of, rings))) for label, rings in found.items()}
    assert areas == {
        int(label): int((labels == label).sum()) for label in np.unique(labels) if label
    }


def area_of(ring):
    x, y = np.array(ring, float).reshape(-1, 2).T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def test_a_browser_keeps_only_what_has_a_version(client):
    for address in (
        "/api/fovs/0/outlines/0/2?spacing=0",
        "/api/fovs/0/frames/pc_ch_0/2?level=1",
    ):
        once, kept = (client.get(address + version) for version in ("", "&version=a1"))
        assert once.headers["cache-control"] == "no-store"
        assert "immutable" in kept.headers["cache-control"]


def test_outlines_before_tracking_are_those_of_single_frames(client, folder):
    found = client.get("/api/fovs/1/outlines/0/2?kind=labeled").json()
    labels = FovStore(folder, 1).stack("seg_labeled_ch_0")[2]
    assert found == {str(label): rings for label, rings in polygons(labels).items()}


def test_outlines_of_cells_that_are_made_again_are_shown(tmp_path):
    recording = recording_of(MOVIE[:1, :2])
    with client_of(tmp_path) as client:
        for largest, n in ((None, 4), (60, 0)):
            process(recording, make_config(max_object_size=largest), tmp_path)
            assert len(client.get("/api/fovs/0/outlines/0/1").json()) == n


@given(
    npst.arrays(
        np.uint16, npst.array_shapes(min_dims=2, max_dims=2), elements=st.integers(0, 3)
    )
)
def test_outlines_of_any_labels_have_their_area_and_their_edges(labels):
    found = polygons(labels)
    assert set(found) == set(np.unique(labels).tolist()) - {0}
    for label, rings in found.items():
        mask = np.pad(labels == label, 1)
        assert sum(map(area_of, rings)) == mask.sum()
        edges = sum(np.count_nonzero(np.diff(mask.astype(int), axis=axis)) for axis in (0, 1))
        lengths = 0
        for ring in rings:
            corners = np.array(ring).reshape(-1, 2)
            steps = np.abs(corners - np.roll(corners, -1, axis=0))
            assert (steps.min(axis=1) == 0).all()
            lengths += int(steps.sum())
        assert lengths == edges


def test_spaced_outlines_are_shorter_and_nearly_as_large(folder):
    labels = FovStore(folder, 0).stack("seg_tracked_ch_0")[0]
    exact, spaced = polygons(labels), polygons(labels, 4)
    for label in exact:
        assert len(spaced[label][0]) < 0.7 * len(exact[label][0])
        assert area_of(spaced[label][0]) == pytest.approx(area_of(exact[label][0]), rel=0.05)
        corners = set(zip(*[iter(exact[label][0])] * 2, strict=True))
        assert set(zip(*[iter(spaced[label][0])] * 2, strict=True)) <= corners
    one_pixel = np.eye(1, dtype=np.uint16)
    assert polygons(one_pixel, 64) == polygons(one_pixel)


def test_outlines_need_one_frame():
    assert polygons(np.zeros((0, 0), np.uint16)) == {}
    with pytest.raises(ArrayError, match="polygons"):
        polygons(np.zeros(3, np.uint16))


def test_traces_are_those_of_the_file(client, folder):
    table = pd.read_csv(folder / "fov_000" / "movie_fov_000_traces.csv")
    tracks = client.get("/api/fovs/0/tracks").json()
    assert [track["cell"] for track in tracks["tracks"]] == sorted(set(table["cell"]))
    assert {entry["name"]: entry["unit"] for entry in tracks["columns"]} == {
        "area_ch_0": "px²",
        "aspect_ratio_ch_0": "",
        "intensity_total_ch_1": "counts",
        "intensity_mean_ch_1": "counts",
    }
    known = {entry["name"] for entry in tracks["columns"] if "mask" in entry["meaning"]}
    assert known == {"area_ch_0", "intensity_total_ch_1", "intensity_mean_ch_1"}
    found = client.get("/api/fovs/0/traces/intensity_mean_ch_1").json()
    assert found["unit"] == "counts"
    for trace in found["traces"]:
        own = table[table["cell"] == trace["cell"]]
        assert trace["frames"] == own["frame"].tolist()
        np.testing.assert_allclose(trace["values"], own["intensity_mean_ch_1"], rtol=1e-15)


def test_the_parts_of_an_intensity_add_up_to_the_trace(client, folder):
    table = pd.read_csv(folder / "fov_001" / "movie_fov_001_traces.csv")
    found = client.get("/api/fovs/1/cells/3/parts/1").json()
    own = table[table["cell"] == 3]
    assert found["frames"] == own["frame"].tolist()
    np.testing.assert_allclose(found["corrected"], own["intensity_total_ch_1"])
    difference = np.subtract(found["raw"], found["background"])
    np.testing.assert_allclose(difference, found["corrected"])
    np.testing.assert_allclose(
        np.divide(found["background"], own["area_ch_0"]), BACKGROUND, rtol=0.02
    )


def test_the_parts_are_corrected_for_uneven_light_like_the_trace(tmp_path):
    folder = tmp_path / "results"
    params = {"flat_field": "estimate", "dark_frame": 100, "background_weight": 0.5}
    assert process(recording_of(MOVIE[:1]), make_config(**params), folder).succeeded
    with client_of(folder) as client:
        found = client.get("/api/fovs/0/cells/3/parts/1").json()
        groups = client.get("/api/fovs/0").json()["groups"]
    own = pd.read_csv(folder / "fov_000" / "movie_fov_000_traces.csv").query("cell == 3")
    np.testing.assert_allclose(found["corrected"], own["intensity_total_ch_1"])
    assert not [entry for entry in groups if entry["kind"] in {"fl_flat", "fl_dark"}]


def test_reading_changes_no_file(tmp_path):
    folder = results_in(tmp_path)
    before = contents(folder)
    with client_of(folder) as client:
        for address, _ in MISSING:
            client.get(address)
        for address in (
            "",
            "/frames/fl_ch_1/0",
            "/outlines/0/0",
            "/tracks",
            "/traces/area_ch_0",
        ):
            assert client.get(f"/api/fovs/0{address}").status_code == 200
        wish = {"action": {"kind": "delete", "cell": 1}, "column": "area_ch_0"}
        assert client.post("/api/fovs/0/inspection/preview", json=wish).status_code == 200
    assert contents(folder) == before


@pytest.mark.parametrize("level", ["0", "1"])
def test_a_stack_that_somebody_has_deleted_hides_no_other(tmp_path, level):
    folder = results_in(tmp_path)
    shutil.rmtree(folder / f"fov_000/images.zarr/fl_ch_1/{level}")
    found = client_of(folder).get("/api/fovs/0").json()
    levels = {group["group"]: list(group["levels"]) for group in found["groups"]}
    assert levels["pc_ch_0"] == ["0", "1"]
    assert levels["fl_ch_1"] == ["1" if level == "0" else "0"]
    (text,) = found["damaged"]
    assert text.startswith(f"fov_000/images.zarr/fl_ch_1/{level}/zarr.json cannot be read")


def test_a_damaged_chunk_is_an_error_and_not_a_black_frame(tmp_path):
    folder = results_in(tmp_path)
    chunk = folder / "fov_000/images.zarr/pc_ch_0/1/c.0.0.0"
    chunk.write_bytes(chunk.read_bytes()[:-9])
    answer = client_of(folder).get("/api/fovs/0/frames/pc_ch_0/0")
    assert answer.status_code == 409
    assert "is damaged" in answer.json()["detail"]
    assert str(tmp_path) not in answer.text


def test_frames_of_which_nothing_was_recorded_are_named(tmp_path):
    images = MOVIE[:1].copy()
    images[0, [1, 3], 1] = 0
    process(recording_of(images), make_config(copy_only=True), tmp_path)
    groups = client_of(tmp_path).get("/api/fovs/0").json()["groups"]
    lost = {group["group"]: group["not_recorded"] for group in groups}
    assert lost == {"pc_ch_0": [], "fl_ch_1": [1, 3]}


def test_a_preview_that_is_made_again_is_shown(tmp_path):
    folder = results_in(tmp_path)
    client = client_of(folder)
    before = client.get("/api/fovs/0").json()["groups"]
    mark = folder / "fov_000/.marks/pc_ch_0.1.json"
    mark.unlink()
    assert client.get("/api/fovs/0/frames/pc_ch_0/0").status_code == 404
    after = client.get("/api/fovs/0").json()["groups"]
    assert [group["levels"] for group in after] != [group["levels"] for group in before]


def test_a_mark_of_the_same_size_belongs_to_another_stack(tmp_path):
    folder = results_in(tmp_path)
    client = client_of(folder)
    before = client.get("/api/fovs/0").json()["groups"]
    mark = folder / "fov_000/.marks/pc_ch_0.1.json"
    os.utime(mark, ns=(0, mark.stat().st_mtime_ns + 1_000_000_000))
    for old, new in zip(before, client.get("/api/fovs/0").json()["groups"], strict=True):
        assert (old["levels"] != new["levels"]) is (old["group"] == "pc_ch_0")


def test_the_page_asks_for_the_modules_of_its_start_at_once(client):
    # Each of them is imported by another: one after the other, they would come late.
    page = client.get("/").text
    modules, unread = set(), {"main.js"}
    while unread:
        text = (STATIC / unread.pop()).read_text(encoding="utf-8")
        imported = set(re.findall(r' from "\./(\w+\.js)"', text))
        unread |= imported - modules
        modules |= imported
    assert len(modules) > 10
    assert set(re.findall(r'modulepreload" href="/static/(\w+\.js)"', page)) == modules
