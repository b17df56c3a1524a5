"""Other people's trackers and segmenters, and label images from elsewhere."""

import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import tifffile
import zarr
from pydantic import ValidationError

from pyama.algorithms.contracts import ImageIndex
from pyama.errors import ConfigError, StoreError
from pyama.processing.external import btrack, cellpose, label_images, laptrack, linking
from pyama.processing.external.btrack import BtrackParams
from pyama.processing.external.cellpose import CellposeParams
from pyama.processing.external.label_images import LabelParams
from pyama.processing.external.laptrack import LapTrackParams
from pyama.processing.methods import TRACKERS
from pyama.processing.recipes import recipes
from pyama.processing.workflow import process
from pyama.testing.checks import check_tracker
from small_movie import MOVIE, cell_mask, make_config, recording_of

SHAPE = (40, 60)


def disk(number, y, x, radius=6):
    yy, xx = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.where((yy - y) ** 2 + (xx - x) ** 2 <= radius**2, number, 0).astype(np.uint16)


def moving(n=6):
    """Two cells that swap their labels in every frame."""
    return [
        disk(1 + t % 2, 12, 12 + 3 * t) + disk(2 - t % 2, 30, 45 - 3 * t) for t in range(n)
    ]


def numbers(frames):
    return [(int(f[12, 12 + 3 * t]), int(f[30, 45 - 3 * t])) for t, f in enumerate(frames)]


@pytest.fixture
def laptrack_installed():
    pytest.importorskip("laptrack", reason="laptrack is not installed")


def test_laptrack_keeps_the_contract(laptrack_installed):
    check_tracker(TRACKERS["laptrack"], "laptrack")


def test_laptrack_keeps_numbers(laptrack_installed):
    assert numbers(laptrack.track(moving(), LapTrackParams())) == [(1, 2)] * 6


@pytest.mark.parametrize("max_gap", [0, 1])
def test_laptrack_closes_a_gap_if_it_may_be(laptrack_installed, max_gap):
    frames = moving(7)
    frames[3] = np.where(disk(1, 12, 21) > 0, 0, frames[3]).astype(np.uint16)
    found = numbers(laptrack.track(frames, LapTrackParams(max_gap=max_gap)))
    assert found[3:] == [(0, 2)] + [(1 if max_gap else 3, 2)] * 3


def test_the_version_of_laptrack_is_part_of_what_a_result_depends_on(laptrack_installed):
    assert TRACKERS["laptrack"].identity(LapTrackParams(), 0).startswith("laptrack 0.")


@pytest.mark.parametrize("name", ["laptrack", "btrack"])
def test_a_tracker_that_is_not_installed_says_how_to_install_it(name, monkeypatch):
    btrack._check_library.cache_clear()
    monkeypatch.setattr(linking, "version", _not_installed)
    for module in (name, f"{name}.btypes", f"{name}.models"):
        monkeypatch.setitem(sys.modules, module, None)
    params = TRACKERS[name].parameters()
    message = rf"needs the package {name}.*pip install 'pyama-traces\[{name}\]'"
    with pytest.raises(ConfigError, match=message):
        TRACKERS[name].identity(params, 0)
    with pytest.raises(ConfigError, match=message):
        list(TRACKERS[name](moving(), params))


def _not_installed(package):
    raise PackageNotFoundError(package)


class FakeTracker:
    """Links objects in the order in which they were given, like btrack by reference."""

    def __init__(self, verbose):
        self.links = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def configure(self, settings):
        assert settings["motion_model"].A.shape == (6, 6)
        assert settings["motion_model"].max_lost >= 1
        assert settings["max_search_radius"] > 0

    def append(self, objects):
        self.objects = objects

    def track(self, step_size):
        # The first chain runs through every frame, with a dummy; the second skips a frame.
        by_frame = {}
        for entry in self.objects:
            by_frame.setdefault(entry["t"], []).append(entry["ID"])
        upper = [self._nearest(ids, 12) for ids in by_frame.values()]
        lower = [self._nearest(ids, 30) for ids in by_frame.values()]
        self.refs = [[*upper[:2], -1, *upper[2:]], [*lower[:2], *lower[3:]]]

    def _nearest(self, ids, y):
        return min(ids, key=lambda i: abs(self.objects[i]["y"] - y))


@pytest.fixture
def fake_btrack(monkeypatch):
    module = ModuleType("btrack")
    module.BayesianTracker = FakeTracker
    kinds = ModuleType("btrack.btypes")
    kinds.PyTrackObject = SimpleNamespace(from_dict=dict)
    models = ModuleType("btrack.models")
    models.MotionModel = SimpleNamespace
    for name, found in (
        ("btrack", module),
        ("btrack.btypes", kinds),
        ("btrack.models", models),
    ):
        monkeypatch.setitem(sys.modules, name, found)
    btrack._check_library.cache_clear()
    return module


def test_chains_of_btrack_become_numbers(fake_btrack):
    found = numbers(btrack.track(moving(), BtrackParams()))
    assert found == [(1, 2)] * 2 + [(1, 3)] + [(1, 4)] * 3
    found = numbers(btrack.track(moving(), BtrackParams(max_gap=1)))
    assert found == [(1, 2)] * 2 + [(1, 3)] + [(1, 2)] * 3


def test_no_cells_need_no_btrack():
    empty = [np.zeros(SHAPE, np.uint16)] * 2
    assert not any(frame.any() for frame in btrack.track(empty, BtrackParams()))


def test_a_btrack_that_does_not_load_says_so_before_any_work(fake_btrack, monkeypatch):
    def broken(verbose):
        raise Exception  # noqa: TRY002 (that is what it does)

    fake_btrack.BayesianTracker = broken
    with pytest.raises(
        ConfigError, match=r"cannot be loaded on this machine.*kalman or laptrack"
    ):
        TRACKERS["btrack"].identity(BtrackParams(), 0)


@pytest.fixture
def real_btrack():
    """The library itself; its wheels do not load on every system, and ours then says so."""
    pytest.importorskip("btrack", reason="btrack is not installed")
    btrack._check_library.cache_clear()
    try:
        btrack._check_library()
    except ConfigError as error:
        pytest.skip(str(error))


def test_btrack_keeps_the_contract(real_btrack):
    check_tracker(TRACKERS["btrack"], "btrack")


def test_btrack_keeps_numbers_without_a_word(real_btrack, capfd):
    assert numbers(btrack.track(moving(), BtrackParams())) == [(1, 2)] * 6
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("max_gap", [0, 1])
def test_btrack_closes_a_gap_if_it_may_be(real_btrack, max_gap):
    frames = moving(7)
    frames[3] = np.where(disk(1, 12, 21) > 0, 0, frames[3]).astype(np.uint16)
    found = numbers(btrack.track(frames, BtrackParams(max_gap=max_gap)))
    assert found[3:] == [(0, 2)] + [(1 if max_gap else 3, 2)] * 3


@pytest.mark.parametrize("name", ["laptrack", "btrack"])
def test_several_workers_find_the_tracks_of_one(request, name, tmp_path):
    request.getfixturevalue("real_btrack" if name == "btrack" else "laptrack_installed")
    found = []
    for n in (1, 3):
        config = make_config(tracking_method=name, n_workers=n)
        report = process(recording_of(MOVIE), config, tmp_path / str(n))
        assert report.succeeded, report.failures
        tables = sorted((tmp_path / str(n)).rglob("*_traces.csv"))
        found.append([table.read_text() for table in tables])
        assert len(tables) == len(MOVIE)
    assert found[0] == found[1]
    assert found[0][0].count("\n") > MOVIE.shape[1]


LABELS = np.stack(moving())


def _as_pages(folder):
    tifffile.imwrite(folder / "all.tif", LABELS)
    return folder / "all.tif"


def _as_files(folder):
    for t, frame in enumerate(LABELS):
        tifffile.imwrite(folder / f"mask{t + 1:03d}.tif", frame)
    return folder / "mask{frame:03d}.tif"


def _as_folder(folder):
    for t, frame in enumerate(LABELS):
        tifffile.imwrite(folder / f"t{t + 7}.tif", frame)  # t7 ... t12: order of numbers
    (folder / "notes.txt").write_text(folder.name)  # is none of the images
    return folder


def _as_array(folder):
    zarr.save_array(folder / "labels.zarr", LABELS, zarr_format=2)
    return folder / "labels.zarr"


def _as_ome_zarr(folder):
    group = zarr.open_group(folder / "labels.zarr", mode="w")
    group.create_array("0", data=LABELS[:, None, None])
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"datasets": [{"path": "0"}]}]}
    return folder / "labels.zarr"


FORMS = [_as_pages, _as_files, _as_folder, _as_array, _as_ome_zarr]


def _params(folder, form):
    return LabelParams(path=str(form(folder)), first_frame=int(form is _as_files))


@pytest.mark.parametrize("form", FORMS)
def test_labels_are_read_frame_by_frame(tmp_path, form):
    params = _params(tmp_path, form)
    for t in (5, 0, 3):
        frame = np.zeros(SHAPE, np.uint16)
        found = label_images.segment(frame, params, ImageIndex(0, t))
        np.testing.assert_array_equal(found, LABELS[t])


@pytest.mark.parametrize("n", [1, 3, 4])
def test_few_frames_are_no_colours(tmp_path, n):
    options = {"photometric": "rgb", "planarconfig": "separate"} if n > 1 else {}
    tifffile.imwrite(tmp_path / "few.tif", LABELS[:n], **options)
    params = LabelParams(path=str(tmp_path / "few.tif"))
    frame = np.zeros(SHAPE, np.uint16)
    for t in range(n):
        found = label_images.segment(frame, params, ImageIndex(0, t))
        np.testing.assert_array_equal(found, LABELS[t])
    with pytest.raises(ConfigError, match=f"contains {n} label images, so that frame {n} has"):
        label_images.segment(frame, params, ImageIndex(0, n))


@pytest.mark.parametrize("form", FORMS)
def test_a_frame_too_many_is_an_error(tmp_path, form):
    params = _params(tmp_path, form)
    with pytest.raises(
        ConfigError, match=r"contains 6 label images, so that frame 6|is missing"
    ):
        label_images.segment(np.zeros(SHAPE, np.uint16), params, ImageIndex(0, 6))


@pytest.mark.parametrize("form", FORMS)
def test_the_identity_follows_the_content_and_not_the_place(tmp_path, form):
    found = []
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        params = _params(tmp_path / name, form)
        if name == "c":
            files = sorted((tmp_path / name).rglob("*"))
            file = next(f for f in files if f.is_file() and f.suffix != ".txt")
            file.write_bytes(file.read_bytes()[:-1] + b"!")
        found.append(label_images.identity(params, 0))
    assert found[0] == found[1] != found[2]


def test_fields_of_view_have_their_own_files(tmp_path):
    for fov in (0, 1):
        tifffile.imwrite(tmp_path / f"fov{fov}.tif", LABELS + np.uint16(fov))
    params = LabelParams(path=str(tmp_path / "fov{fov}.tif"))
    found = label_images.segment(np.zeros(SHAPE, np.uint16), params, ImageIndex(1, 2))
    np.testing.assert_array_equal(found, LABELS[2] + 1)
    assert label_images.identity(params, 0) != label_images.identity(params, 1)
    own = {"labels": {"path": params.path}}
    config = make_config(segmentation_method="labels", plugins=own)
    for fov in (0, 1):
        recipe = recipes(recording_of(MOVIE).metadata, config, fov)["seg_labeled_ch_0/0"]
        assert recipe.params["identity"] == label_images.identity(params, fov)
    with pytest.raises(
        ConfigError, match=r"no label images of FOV 2 at .*plugins\.labels\.path"
    ):
        label_images.identity(params, 2)


def test_labels_of_another_size_are_refused(tmp_path):
    params = LabelParams(path=str(_as_pages(tmp_path)))
    with pytest.raises(ConfigError, match=r"\(40, 60\), but the recording \(20, 30\)"):
        label_images.segment(np.zeros((20, 30), np.uint16), params)


@pytest.mark.parametrize("content", [b"", b"II*\0", b"no image at all"])
def test_a_damaged_label_image_is_named(tmp_path, content):
    (tmp_path / "odd.tif").write_bytes(content)
    with pytest.raises((StoreError, ConfigError), match=r"odd\.tif"):
        label_images.segment(
            np.zeros(SHAPE, np.uint16), LabelParams(path=str(tmp_path / "odd.tif"))
        )


def test_a_zarr_folder_without_an_image_is_named(tmp_path):
    zarr.open_group(tmp_path / "odd.zarr", mode="w")
    with pytest.raises(StoreError, match=r"neither a Zarr array nor an OME-Zarr image"):
        label_images.segment(
            np.zeros(SHAPE, np.uint16), LabelParams(path=str(tmp_path / "odd.zarr"))
        )


def test_a_zarr_array_with_two_long_axes_is_named(tmp_path):
    zarr.save_array(tmp_path / "odd.zarr", np.zeros((2, 3, *SHAPE), np.uint16))
    with pytest.raises(StoreError, match=r"\(2, 3, 40, 60\); expected \(T, H, W\)"):
        label_images.segment(
            np.zeros(SHAPE, np.uint16), LabelParams(path=str(tmp_path / "odd.zarr"))
        )


@pytest.mark.parametrize(
    "path", ["a{t}.tif", "a{}.tif", "a{frame.tif", "a{frame:x9z}.tif", ""]
)
def test_wrong_places_in_a_path_are_refused(path):
    with pytest.raises(ValidationError):
        LabelParams(path=path)


def test_a_run_with_labels_from_elsewhere(tmp_path):
    labels = np.stack([_numbered(cell_mask(t)) for t in range(MOVIE.shape[1])])
    tifffile.imwrite(tmp_path / "masks.tif", labels)
    config = make_config(
        segmentation_method="labels", plugins={"labels": {"path": str(tmp_path / "masks.tif")}}
    )
    report = process(recording_of(MOVIE[:1]), config, tmp_path / "out")
    assert report.succeeded, report.failures
    lines = next((tmp_path / "out").rglob("*_traces.csv")).read_text().splitlines()
    area = lines[0].split(",").index("area_ch_0")
    assert {line.split(",")[area] for line in lines[1:]} == {str(int((labels[0] == 1).sum()))}


def test_a_run_without_the_label_images_does_not_begin(tmp_path):
    config = make_config(
        segmentation_method="labels",
        plugins={"labels": {"path": str(tmp_path / "absent.tif")}},
    )
    with pytest.raises(ConfigError, match="There are no label images of FOV 0"):
        process(recording_of(MOVIE[:1]), config, tmp_path / "out")
    with pytest.raises(ConfigError, match=r"plugins\.labels\.path: a value is missing"):
        process(
            recording_of(MOVIE[:1]),
            make_config(segmentation_method="labels"),
            tmp_path / "out",
        )
    assert not (tmp_path / "out").exists()


def _numbered(mask):
    from pyama.algorithms.kernels.labels import label

    return label(mask)


class FakeNetwork:
    """Takes what is bright for cells; counts how often it was made."""

    made = 0

    def __init__(self, gpu, pretrained_model, use_bfloat16):
        assert use_bfloat16 == gpu
        type(self).made += 1
        if b"other" in Path(pretrained_model).read_bytes():
            raise RuntimeError("size mismatch")
        self.net = SimpleNamespace(state_dict=lambda: {"encoder": 0, "out": 0})

    def eval(self, image, diameter, flow_threshold, cellprob_threshold):
        assert image.dtype == np.float32
        return (image > image.mean()).astype(np.uint16), None, None


@pytest.fixture
def fake_cellpose(monkeypatch, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tiny").write_bytes(b"weights")
    models = ModuleType("cellpose.models")
    models.CellposeModel, models.MODEL_DIR = FakeNetwork, tmp_path / "models"
    torch = ModuleType("torch")

    def load(path, map_location, weights_only):
        assert weights_only
        if b"code" in path.read_bytes():
            raise ValueError("Weights only load failed")
        return {"encoder": 0} if b"half" in path.read_bytes() else {"encoder": 0, "out": 0}

    torch.load = load
    switch = SimpleNamespace(disable=lambda: None)
    torch.sparse = SimpleNamespace(check_sparse_tensor_invariants=switch)
    monkeypatch.setitem(sys.modules, "cellpose", ModuleType("cellpose"))
    monkeypatch.setitem(sys.modules, "cellpose.models", models)
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setattr(cellpose, "version", lambda package: "4.0")
    cellpose._network.cache_clear()
    FakeNetwork.made = 0
    yield tmp_path / "models"
    cellpose._network.cache_clear()


FRAME = np.random.default_rng(0).integers(0, 2000, SHAPE).astype(np.uint16)


@pytest.mark.parametrize("by_path", [False, True])
def test_cellpose_is_loaded_once_by_name_or_path(fake_cellpose, by_path):
    params = CellposeParams(model=str(fake_cellpose / "tiny") if by_path else "tiny")
    for _ in range(2):
        found = cellpose.segment(FRAME, params)
    np.testing.assert_array_equal(found, (FRAME.mean() < FRAME).astype(np.uint16))
    assert FakeNetwork.made == 1


def test_a_flat_frame_needs_no_network(fake_cellpose):
    found = cellpose.segment(np.full(SHAPE, 9, np.uint16), CellposeParams(model="tiny"))
    assert not found.any()
    assert FakeNetwork.made == 0


def test_weights_are_part_of_what_a_result_depends_on(fake_cellpose):
    first = cellpose.identity(CellposeParams(model="tiny"), 0)
    (fake_cellpose / "tuned").write_bytes(b"other weights")
    assert first.startswith("cellpose 4.0, weights ")
    assert cellpose.identity(CellposeParams(model="tuned"), 0) != first


def test_missing_weights_are_named_with_the_remedy(fake_cellpose):
    with pytest.raises(
        ConfigError, match=r"'cpsam' are not on this machine.*or copy the file"
    ):
        cellpose.segment(FRAME, CellposeParams())


def test_a_file_that_holds_more_than_weights_is_refused(fake_cellpose):
    (fake_cellpose / "evil").write_bytes(b"code")
    with pytest.raises(
        ConfigError, match="or contains other objects too: ValueError: Weights"
    ):
        cellpose.segment(FRAME, CellposeParams(model="evil"))
    assert FakeNetwork.made == 0


def test_weights_for_another_network_are_named(fake_cellpose):
    (fake_cellpose / "other").write_bytes(b"other")
    with pytest.raises(ConfigError, match=r"cannot use .*other: RuntimeError: size mismatch"):
        cellpose.segment(FRAME, CellposeParams(model="other"))


def test_weights_of_a_part_of_the_network_are_refused(fake_cellpose):
    (fake_cellpose / "part").write_bytes(b"half of the weights")
    with pytest.raises(
        ConfigError, match=r"cannot use .*part: .*out and 0 other weights are missing"
    ):
        cellpose.segment(FRAME, CellposeParams(model="part"))


def test_without_cellpose_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "cellpose.models", None)
    with pytest.raises(ConfigError, match=r"pip install 'pyama-traces\[cellpose\]'"):
        cellpose.segment(FRAME, CellposeParams())
    with pytest.raises(ConfigError, match=r"pip install 'pyama-traces\[cellpose\]'"):
        cellpose.identity(CellposeParams(), 0)
