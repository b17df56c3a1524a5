"""Other programs open what is written, with the right units and scale."""

import warnings
import xml.etree.ElementTree as ET

import numpy as np
import ome_types
import ome_zarr_models
import pytest
import zarr
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader
from ome_zarr_models import v05

from pyama.store import (
    CellList,
    CellPreviewsOutput,
    CellsOutput,
    Crop,
    FovStore,
    PreviewOutput,
    Recipe,
    RootOutput,
    Scale,
    Series,
    StackOutput,
    crop_spec,
)
from results import made_once

RECIPE = Recipe("copying", 1)
T, H, W = 3, 40, 52
SCALE = Scale(seconds=600.0, micrometers=0.65)
RNG = np.random.default_rng(3)
STACKS = {
    "pc_ch_0": RNG.integers(0, 60_000, (T, H, W), dtype=np.uint16),
    "fl_ch_1": RNG.integers(0, 60_000, (T, H, W), dtype=np.uint16),
    "seg_labeled_ch_0": RNG.integers(0, 9, (T, H, W), dtype=np.uint16),
    "seg_tracked_ch_0": RNG.integers(0, 70_000, (T, H, W), dtype=np.uint32),
    "fl_background_ch_1": RNG.random((T, H, W), dtype=np.float32),
}
NAMES = {"pc_ch_0": 'Phase <10x> & "dry"', "fl_ch_1": "GFP\x01 \u00b5"}
LABELS = ("seg_labeled_ch_0", "seg_tracked_ch_0")


def write_fov(folder, scale=SCALE):
    path = FovStore(folder, 0).path
    series = [Series(group, NAMES[group], (T, H, W), "uint16") for group in NAMES]
    with RootOutput(path, series, scale).writing(RECIPE, {}):
        pass
    for group, stack in STACKS.items():
        dtype = "float32" if stack.dtype == np.float32 else "uint16"
        title = NAMES.get(group, group)
        output = StackOutput(path, group, stack.shape, dtype, title=title, scale=scale)
        preview = PreviewOutput(path, group, (T, H // 2, W // 2), {"low": 0, "high": 1})
        notes = {} if group in LABELS else {"low": 100.0, "high": 2000.0}
        with (
            output.writing(RECIPE, notes) as write,
            preview.writing(RECIPE, {}) as write_small,
        ):
            for frame in stack:
                write(frame)
                write_small(frame[::2, ::2].astype(np.uint8))
    write_cells(path)
    return path


def write_cells(path):
    boxes = np.tile(np.array([0, 0, 4, 5], np.int32), (2, T, 1))
    cell_list = CellList(np.array([2, 7], np.int32), boxes, np.ones((2, T), np.bool_))
    with CellsOutput(path, ["pc_ch_0"]).writing(RECIPE, {}) as write:
        write(cell_list)
        for cell in (2, 7):
            block = np.full((T, 4, 5), cell / 65536, np.float32)
            meaning = {"pyama": {"divisor": 65536}}
            write(Crop("pc_ch_0", cell, crop_spec(block.shape, "float32"), [block], meaning))
    with CellPreviewsOutput(path).writing(RECIPE, {}) as write:
        for cell in (2, 7):
            block = np.full((T, 2, 2), cell, np.uint8)
            write(Crop("pc_ch_0", cell, crop_spec(block.shape, "uint8"), [block], {}))


@pytest.fixture(scope="module")
def fov(tmp_path_factory):
    return write_fov(tmp_path_factory.mktemp("run"))


@pytest.fixture
def images(fov):
    return fov / "images.zarr"


@pytest.mark.parametrize("group", STACKS)
def test_every_group_is_a_valid_ome_zarr_image(images, group):
    kind = v05.ImageLabel if group in LABELS else v05.Image
    model = ome_zarr_models.open_ome_zarr(zarr.open_group(images / group, mode="r"))
    assert type(model) is kind
    (multiscale,) = model.ome_attributes.multiscales
    assert [(axis.name, axis.type, axis.unit) for axis in multiscale.axes] == [
        ("t", "time", "second"),
        ("y", "space", "micrometer"),
        ("x", "space", "micrometer"),
    ]
    (level,) = multiscale.datasets
    assert level.path == "0"
    assert level.coordinateTransformations[0].scale == [600.0, 0.65, 0.65]
    assert multiscale.name == NAMES.get(group, group)


def test_labels_name_the_image_they_were_found_in(images):
    for group in LABELS:
        attributes = zarr.open_group(images / group, mode="r").attrs
        source = attributes["ome"]["image-label"]["source"]["image"]
        assert (images / group / source).resolve() == (images / "pc_ch_0").resolve()


def test_the_root_is_valid_and_opens_with_its_images(images):
    model = ome_zarr_models.open_ome_zarr(zarr.open_group(images, mode="r"))
    assert type(model) is v05.Image
    found = model.ome_attributes.multiscales
    assert [entry.name for entry in found] == [NAMES[group] for group in NAMES]
    assert [entry.datasets[0].path for entry in found] == [f"{group}/0" for group in NAMES]
    for entry in found:
        assert entry.datasets[0].coordinateTransformations[0].scale == [600.0, 0.65, 0.65]
    (node,) = Reader(parse_url(str(images)))()
    np.testing.assert_array_equal(np.asarray(node.data[0]), STACKS["pc_ch_0"])
    assert node.metadata["name"] == NAMES["pc_ch_0"]


def parsed_xml(images):
    return ome_types.from_xml((images / "OME/METADATA.ome.xml").read_text(encoding="utf-8"))


def test_the_root_lists_the_raw_channels_in_order(images):
    root = zarr.open_group(images, mode="r")
    assert v05.BioFormats2Raw.from_zarr(root).attributes.ome.bioformats2raw_layout == 3
    series = zarr.open_group(images / "OME", mode="r").attrs["ome"]["series"]
    assert series == list(NAMES)
    xml = parsed_xml(images)
    assert [image.name for image in xml.images] == ['Phase <10x> & "dry"', "GFP \u00b5"]
    for image, group in zip(xml.images, series, strict=True):
        pixels = image.pixels
        assert image.id == f"Image:{group}"
        assert (pixels.size_t, pixels.size_y, pixels.size_x) == (T, H, W)
        assert (pixels.physical_size_x, pixels.physical_size_x_unit.value) == (0.65, "\u00b5m")
        assert (pixels.time_increment, pixels.time_increment_unit.value) == (600.0, "s")
        assert pixels.type.value == "uint16"


@pytest.mark.parametrize("level", [0.0, 65_535.0], ids=["black", "saturated"])
def test_a_flat_stack_opens_in_napari(viewer, tmp_path, level):
    output = StackOutput(FovStore(tmp_path, 0).path, "fl_ch_1", (1, 4, 4), "uint16")
    with output.writing(RECIPE, {"low": level, "high": level}) as write:
        write(np.full((4, 4), level, np.uint16))
    (layer,) = open_in(viewer, tmp_path / "fov_000/images.zarr/fl_ch_1")
    assert layer.contrast_limits == [level, level + 1]
    ome_zarr_models.open_ome_zarr(
        zarr.open_group(tmp_path / "fov_000/images.zarr/fl_ch_1", mode="r")
    )


@pytest.mark.parametrize("group", STACKS)
def test_ome_zarr_py_reads_every_stack(images, group):
    nodes = {node.metadata["name"]: node for node in Reader(parse_url(str(images / group)))()}
    node = nodes[NAMES.get(group, group)]
    np.testing.assert_array_equal(np.asarray(node.data[0]), STACKS[group])
    assert node.metadata["coordinateTransformations"] == [
        [{"type": "scale", "scale": [600.0, 0.65, 0.65]}]
    ]


def test_previews_are_no_pyramid_levels_but_described(images):
    for group in STACKS:
        attributes = zarr.open_group(images / group, mode="r").attrs
        assert attributes["pyama"]["preview"] == {
            "path": "1",
            "downsampling": 2,
            "dtype": "uint8",
        }
        level = zarr.open_array(images / group / "1", mode="r")
        assert (level.shape, level.dtype) == ((T, H // 2, W // 2), np.uint8)
        np.testing.assert_array_equal(level[:], STACKS[group][:, ::2, ::2].astype(np.uint8))


def test_cells_are_plain_zarr_groups(fov):
    cells = zarr.open_group(fov / "cells.zarr", mode="r")
    assert cells["metadata/cell_ids"][:].tolist() == [2, 7]
    assert cells["metadata/bboxes"].shape == (2, T, 4)
    assert cells["metadata/valid_frames"].dtype == np.bool_
    assert sorted(cells["pc_ch_0"].group_keys()) == ["2", "7"]
    crop = cells["pc_ch_0/7/0"]
    assert (crop[:] * crop.attrs["pyama"]["divisor"] == 7).all()
    assert cells["pc_ch_0/7/1"].dtype == np.uint8


@pytest.mark.parametrize(
    "sizes", [(None, None), (0.0, -1.0), (float("nan"), float("inf"))], ids=str
)
def test_an_unknown_scale_has_no_unit(tmp_path, sizes):
    images = write_fov(tmp_path, Scale(*sizes)) / "images.zarr"
    model = ome_zarr_models.open_ome_zarr(zarr.open_group(images / "pc_ch_0", mode="r"))
    (multiscale,) = model.ome_attributes.multiscales
    assert [axis.unit for axis in multiscale.axes] == [None, None, None]
    assert multiscale.datasets[0].coordinateTransformations[0].scale == [1.0, 1.0, 1.0]
    pixels = parsed_xml(images).images[0].pixels
    assert (pixels.physical_size_x, pixels.time_increment) == (None, None)


@pytest.mark.parametrize("group", ["pc_ch_0", "seg_tracked_ch_0"])
def test_the_stacks_of_a_run_have_the_scale_of_their_recording(group):
    path = FovStore(made_once(), 0).path / "images.zarr" / group
    model = ome_zarr_models.open_ome_zarr(zarr.open_group(path, mode="r"))
    (multiscale,) = model.ome_attributes.multiscales
    seconds_and_um = multiscale.datasets[0].coordinateTransformations[0].scale
    assert seconds_and_um == [600.0, 0.65, 0.65], "a frame every 10 minutes"


def test_the_xml_is_parsed_by_a_plain_parser(images):
    root = ET.parse(images / "OME/METADATA.ome.xml").getroot()  # noqa: S314 (our own file)
    assert [image.attrib["ID"] for image in root] == ["Image:pc_ch_0", "Image:fl_ch_1"]


@pytest.fixture
def viewer():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from napari.components import ViewerModel
    return ViewerModel()


def open_in(viewer, path):
    """Open a path as `napari path --plugin napari-ome-zarr` does, without a window."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from napari_ome_zarr._reader import napari_get_reader
    for data, metadata, kind in napari_get_reader(str(path))(str(path)):
        add = viewer.add_labels if kind == "labels" else viewer.add_image
        add(data[0] if kind == "labels" else data, **metadata)
    return viewer.layers


def test_napari_opens_a_field_of_view_in_one_go(viewer, images):
    layers = open_in(viewer, images)
    assert [layer.name for layer in layers] == [f"{NAMES[g]}: {g}" for g in NAMES]
    for layer, group in zip(layers, NAMES, strict=True):
        assert layer.scale.tolist() == [600.0, 0.65, 0.65]
        assert [str(unit) for unit in layer.units] == ["second", "micrometer", "micrometer"]
        assert layer.axis_labels == ("t", "y", "x")
        assert layer.contrast_limits == [100, 2000]
        np.testing.assert_array_equal(np.asarray(layer.data), STACKS[group])


@pytest.mark.parametrize("group", STACKS)
def test_napari_opens_every_group(viewer, tmp_path, group):
    images = write_fov(tmp_path) / "images.zarr"  # the reader may leave a file of its own
    (layer,) = open_in(viewer, images / group)
    assert type(layer).__name__ == ("Labels" if group in LABELS else "Image")
    assert layer.scale.tolist() == [600.0, 0.65, 0.65]
    assert [str(unit) for unit in layer.units] == ["second", "micrometer", "micrometer"]
    np.testing.assert_array_equal(np.asarray(layer.data), STACKS[group])
    store = FovStore(tmp_path, 0)
    assert not any(store.damages(name, thorough=True) for name in store.mark_names())
