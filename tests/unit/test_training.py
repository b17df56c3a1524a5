"""What the segmentation network is taught, and how its training goes."""

import json

import numpy as np
import pytest

from pyama.algorithms.segmenters.network_input import WIDTH, network_input
from pyama.processing.external.onnx_network import SHIPPED, load_network
from pyama.testing.phase_contrast import draw_field
from pyama.training.targets import nearest, targets

FRAME, LABELS = draw_field("dense", (150, 170), 25, np.random.default_rng(1))


def test_targets_are_cells_their_borders_and_the_relative_distance_from_the_edge():
    labels = np.zeros((60, 80), np.uint16)
    labels[10:50, 10:40], labels[10:50, 40:70] = 7, 300
    inside, border, distance = targets(labels, labels.shape)
    assert np.array_equal(inside, labels > 0)
    assert border[30, 36:44].tolist() == [0, 0, 1, 1, 1, 1, 0, 0]
    assert not border[:, :38].any()
    for number in (7, 300):
        assert distance[labels == number].max() == 1
    assert not distance[:, [10, 39, 40, 69]].any()
    assert not distance[labels == 0].any()


@pytest.mark.parametrize("shape", [(30, 40), (60, 80), (120, 150), (1, 1)])
def test_targets_have_the_shape_of_the_input(shape):
    labels = np.zeros((60, 80), np.uint16)
    labels[10:50, 10:70] = 1
    assert targets(labels, shape).shape == (3, *shape)
    assert nearest(labels, shape).mean() == pytest.approx(labels.mean(), abs=0.6)
    assert not targets(np.zeros_like(labels), shape).any()


@pytest.fixture
def training():
    pytest.importorskip("torch", reason="training needs the extra `train`")
    from pyama.training import augmentation, loop, network, patches

    return augmentation, loop, network, patches


def test_patches_show_frames_and_their_targets_alike(training):
    _, _, _, patches = training
    one = patches.LabelledFrame(FRAME, LABELS, 25.0)
    drawn = patches.DrawnFrames(lambda rng: one, share=0.5, kept=2, renewed=1)
    made = patches.Patches([one], 64, np.random.default_rng(0), drawn)
    x, y = made.batch(30)
    assert x.shape == (30, 1, 64, 64)
    assert y.shape == (30, 3, 64, 64)
    seen = network_input(FRAME, 25.0)
    truth = targets(LABELS, seen.shape)[2]
    likeness = np.corrcoef(x.ravel(), y[:, 2].ravel())[0, 1]
    assert likeness == pytest.approx(np.corrcoef(seen.ravel(), truth.ravel())[0, 1], abs=0.12)
    assert patches.median_width(LABELS) == pytest.approx(25, rel=0.3)


def test_variations_are_finite_and_leave_empty_patches_empty(training):
    augmentation, _, _, patches = training
    rng = np.random.default_rng(3)
    made = patches.Patches([patches.LabelledFrame(FRAME, LABELS)], 64, rng)
    x, y = made.batch(100)
    varied, shown = augmentation.vary(x, y, rng)
    assert varied.isfinite().all()
    assert varied.abs().max() <= 12
    empty = (shown == 0).all(dim=(1, 2, 3)) & (y != 0).any(dim=3).any(dim=2).any(dim=1)
    assert 1 <= empty.sum() <= 20
    assert ((shown == y) | (shown == 0)).all()  # walls cover cells
    assert (shown[~empty] == y[~empty]).float().mean() > 0.95


def test_the_same_seed_gives_the_same_weights_and_a_file_that_says_how(training, tmp_path):
    _, loop, network, patches = training
    files, losses = [], []
    for i in range(2):
        rng = np.random.default_rng(3)
        made = patches.Patches([patches.LabelledFrame(FRAME, LABELS)], 32, rng)
        loop.torch.manual_seed(1)
        weights = loop.train(
            network.Network(),
            made,
            loop.TrainingSettings(steps=4, batch=2),
            lambda progress: losses.append(progress.loss),
        )
        path = tmp_path / f"{i}.pt"
        network.save_weights(weights, path)
        files.append(network.load_weights(path))
    assert all((files[0][name] == files[1][name]).all() for name in files[0])
    assert losses[:4] == losses[4:]
    onnx = pytest.importorskip("onnx", reason="training needs the extra `train`")
    trained = network.Network()
    trained.load_state_dict(files[0])
    network.export_onnx(trained, tmp_path / "it.onnx", {"seed": 1})
    assert (tmp_path / "it.onnx").stat().st_size < 3_000_000
    found = {p.key: p.value for p in onnx.load(str(tmp_path / "it.onnx")).metadata_props}
    assert found["pyama.format"] == "1"
    assert float(found["pyama.width"]) == WIDTH
    assert json.loads(found["pyama.card"]) == {"seed": 1}


@pytest.fixture
def fine_tuning(training):
    pytest.importorskip("onnx", reason="training needs the extra `train`")
    from pyama.training import fine_tuning

    return fine_tuning


def test_a_model_file_is_trained_further(fine_tuning, tmp_path, monkeypatch):
    from pyama.training.annotated_frame import annotated

    network = fine_tuning.network_from(SHIPPED).eval()
    seen = network_input(FRAME[:144, :160], 25.0)
    outputs = (
        network(fine_tuning.torch.from_numpy(seen[None, None])).sigmoid()[0].detach().numpy()
    )
    assert np.allclose(outputs, load_network(SHIPPED).run(seen), atol=1e-4)
    monkeypatch.setattr(fine_tuning, "DRAWN", None)
    frames = [annotated(f"{i}.tif", FRAME, LABELS.astype(np.int64), "") for i in range(2)]
    lesson = fine_tuning.prepare(frames)
    assert lesson.notes == []
    reached = fine_tuning.fine_tune(lesson, tmp_path / "my.onnx", 1, lambda _: None, steps=2)
    assert reached.is_written
    assert reached.after.f1 >= reached.before.f1 > 0.5
    made = load_network(tmp_path / "my.onnx")
    assert made.card["held_out"] == ["1.tif"]
    assert made.card["diameter"] == round(lesson.diameter, 1)
    assert made.card["from"] != made.digest
    assert [p.name for p in tmp_path.iterdir()] == ["my.onnx"]


def test_ctrl_c_keeps_what_was_learned_and_a_worse_network_is_not_written(
    fine_tuning, tmp_path, monkeypatch
):
    from pyama.training.annotated_frame import annotated

    def stop(progress):
        raise KeyboardInterrupt

    monkeypatch.setattr(fine_tuning, "DRAWN", None)
    one = annotated("a", FRAME, np.where(LABELS % 3 == 0, LABELS, 0).astype(np.int64), "")
    assert "where nothing is labelled, beside" in fine_tuning.prepare([one] * 3).notes[0]
    lesson = fine_tuning.prepare([annotated("a", FRAME, LABELS.astype(np.int64), "")])
    reached = fine_tuning.fine_tune(lesson, tmp_path / "my.onnx", 1, stop)
    assert reached.is_stopped
    assert reached.is_written == (reached.after.f1 >= reached.before.f1)
    monkeypatch.setattr(fine_tuning, "LEARNING_RATE", 5.0)
    worse = fine_tuning.fine_tune(lesson, tmp_path / "b.onnx", 1, lambda _: None, steps=3)
    assert not worse.is_written
    assert not (tmp_path / "b.onnx").exists()
