"""Folders of images and labels that the segmentation network is taught."""

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile

from pyama.cli import train_command
from pyama.errors import ConfigError
from pyama.training.annotated_frame import annotated, median_diameter, split
from pyama.training.found_cells import score_frames, unlabelled_objects
from pyama.training.labelled_folder import find_pairs, read_folder

IMAGE = np.arange(40 * 60, dtype=np.uint16).reshape(40, 60)
LABELS = np.zeros((40, 60), np.int32)
LABELS[4:12, 4:14], LABELS[4:12, 14:24], LABELS[20:30, 30:40] = 3, 9, 100_000


def save(path, pixels):
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".png":
        iio.imwrite(path, pixels)
    elif pixels.shape[2:] == (3,):
        tifffile.imwrite(path, pixels, photometric="rgb")
    else:
        tifffile.imwrite(path, pixels, photometric="minisblack")


@pytest.mark.parametrize(
    ("image", "labels"),
    [
        ("a.tif", "a_labels.tif"),
        ("a.TIFF", "A_mask.png"),
        ("a_img.png", "a_cp_masks.png"),
        ("set08_raw.tif", "set08_instances_ids.png"),
        ("a.b.tif", "a.b.seg.tif"),
        ("a_fov_000.ome.tif", "a_fov_000_labels.ome.tif"),
        ("images/a.tif", "masks/a.tif"),
        ("a.tif", "labels/a_labels.tif"),
        ("phase.tif", "seg_labeled.tif"),
    ],
)
def test_images_and_labels_are_paired_by_their_names(tmp_path, image, labels):
    save(tmp_path / image, IMAGE)
    save(tmp_path / labels, LABELS.clip(0, 200).astype(np.uint8))
    assert find_pairs(tmp_path) == ([(tmp_path / image, tmp_path / labels)], [])
    (frame,), _ = read_folder(tmp_path)
    assert frame.n_cells == 3


def test_files_without_a_partner_are_named(tmp_path):
    for name in ("a.tif", "a_labels.tif", "b.tif", "c_mask.tif"):
        save(tmp_path / name, IMAGE)
    _, notes = find_pairs(tmp_path)
    assert notes == [
        "Not used, for want of labels: b.tif.",
        "Not used, for want of an image: c_mask.tif.",
    ]
    (tmp_path / "a.tif").unlink()
    (tmp_path / "a.jpg").touch()
    with pytest.raises(
        ConfigError, match=r"has labels\. Found 1 image \(b\.tif\), 2 label"
    ) as e:
        find_pairs(tmp_path)
    assert "a.jpg, which are not read. Expected TIFF or PNG files in pairs" in str(e.value)
    save(tmp_path / "a_masks.tif", IMAGE)
    with pytest.raises(ConfigError, match=r"a_labels\.tif and a_masks\.tif could both be"):
        find_pairs(tmp_path)


def test_of_a_stack_the_frames_with_labels_are_read(tmp_path):
    save(tmp_path / "frames.tif", np.stack([IMAGE + t for t in range(4)]))
    save(tmp_path / "frames_labels.tif", np.stack([LABELS * (t > 1) for t in range(4)]))
    frames, notes = read_folder(tmp_path)
    assert [f.name for f in frames] == ["frames.tif, frame 2", "frames.tif, frame 3"]
    assert frames[1].frame[0, 0] == IMAGE[0, 0] + 3
    assert notes == ["frames_labels.tif: 2 of 4 frames have no labels."]


@pytest.mark.parametrize(
    ("image", "labels", "told"),
    [
        (IMAGE, LABELS * 0, "are empty .a_labels.tif.: all their pixels are 0"),
        (IMAGE, LABELS[:30], r"a_labels.tif has 60 x 30 px, but a.tif 60 x 40\. Use labels"),
        (IMAGE, np.stack([LABELS] * 2), "a_labels.tif has 2 frames, but a.tif 1"),
        (IMAGE, LABELS / 2, "a_labels.tif has pixels of the type float64; expected labels"),
        (IMAGE, -LABELS, "a_labels.tif has the number -100000; expected labels"),
        (IMAGE, np.stack([LABELS] * 3, 2).astype(np.uint8), r"shape .40, 60, 3.; expected"),
        (np.stack([IMAGE] * 3, 2), LABELS, r"a.tif has the shape .40, 60, 3.; expected"),
        (IMAGE / 7, LABELS, "a.tif has pixels of the type float64; expected whole numbers"),
    ],
)
def test_files_that_cannot_be_meant_are_refused(tmp_path, image, labels, told):
    save(tmp_path / "a.tif", image)
    save(tmp_path / "a_labels.tif", labels)
    with pytest.raises(ConfigError, match=told):
        read_folder(tmp_path)


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_damaged_files_and_other_folders_are_refused(tmp_path, name):
    save(tmp_path / "a_labels.tif", LABELS)
    (tmp_path / name).write_bytes(b"no image")
    with pytest.raises(ConfigError, match=r"a\.\w+ cannot be read: .*TIFF or PNG"):
        read_folder(tmp_path)
    with pytest.raises(ConfigError, match="There is no folder"):
        read_folder(tmp_path / "absent")


def test_every_connected_part_is_a_cell_and_crumbs_are_none():
    labels = LABELS.astype(np.int64)
    labels[30:36, 4:14], labels[38, 50] = 3, 9
    one = annotated("a", IMAGE, labels, "b")
    assert sorted(one.areas) == [60, 80, 80, 100]
    assert one.labels.shape == (40, 46)  # the rectangle and half of a width
    mask = annotated("a", IMAGE, (labels > 0).astype(np.int64), "b")
    assert sorted(mask.areas) == [60, 100, 160]


def test_a_background_with_a_number_is_refused():
    labels = np.where(LABELS == 0, 1, 0).astype(np.int64)
    for i in range(5):
        labels[5 + 7 * i, 50:56] = i + 2
    with pytest.raises(ConfigError, match=r"In b one object covers most .* 0 for the"):
        annotated("a", IMAGE, labels, "b")


def test_the_last_frames_or_a_half_are_held_out():
    rows, columns = np.indices((100, 300)) // 20
    labels = (1 + rows * 15 + columns) * (np.indices((100, 300)) % 20 > 3).all(0)
    one = annotated("a", np.zeros((100, 300), np.uint16), labels, "b")
    (first,), (second,) = split([one])
    assert first.n_cells + second.n_cells in (one.n_cells, one.n_cells + 5)
    assert first.frame.shape == first.labels.shape
    assert second.name == "second half of a"
    shown, held_out = split([one] * 11)
    assert (len(shown), len(held_out)) == (9, 2)
    assert median_diameter([one]) == pytest.approx(2 * 16 / np.pi**0.5)
    with pytest.raises(ConfigError, match="Only 3 cells labelled in 1 frame;"):
        median_diameter([annotated("a", IMAGE, LABELS.astype(np.int64), "b")])


def test_found_cells_are_compared_with_marked_ones():
    found = LABELS.copy()
    found[found == 9] = 3
    found[30:38, 2:10] = 1
    scores = score_frames([LABELS % 97, LABELS % 97], [LABELS % 97, found % 97])
    assert (scores.n_marked, scores.n_found, scores.n_same) == (6, 6, 4)
    assert scores.f1 == pytest.approx(4 / 6)
    assert unlabelled_objects(LABELS % 97, found % 97) == 1


def test_the_command_names_the_extra_and_does_not_overwrite(tmp_path, monkeypatch):
    monkeypatch.setattr(train_command, "NEEDED", ("numpy", "a_package_of_nobody"))
    with pytest.raises(ConfigError, match=r"not installed: a_package_of_nobody\..*\[train\]"):
        train_command.train(tmp_path, tmp_path / "a.onnx", 1)
    monkeypatch.setattr(train_command, "NEEDED", ())
    (tmp_path / "a.onnx").touch()
    for name, told in [("a.onnx", "exists"), ("a.pt", "end in"), ("b/a.onnx", "no folder")]:
        with pytest.raises(ConfigError, match=told):
            train_command.train(tmp_path, tmp_path / name, 1)
