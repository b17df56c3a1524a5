"""Files of the OME-TIFF writer, read by tifffile."""

from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile

from pyama.errors import ArrayError
from pyama.testing.ometiff_writer import write_ome_tiff

OME = "{http://www.openmicroscopy.org/Schemas/OME/2016-06}"


def draw(*shape, dtype=np.uint16, seed=1):
    high = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(1, high, shape, dtype, endpoint=True)


def read(path):
    with tifffile.TiffFile(path) as tif:
        return [(series.axes, series.asarray()) for series in tif.series]


def n_pages(path):
    with tifffile.TiffFile(path) as tif:
        return len(tif.pages)


def description(path):
    with tifffile.TiffFile(path) as tif:
        return ElementTree.fromstring(tif.ome_metadata)  # noqa: S314 (written by the test)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "recording.ome.tif"


@pytest.mark.parametrize("one_file_per_scene", [False, True])
@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_plane_is_read_back(path, dtype, compress, one_file_per_scene):
    scenes = [draw(2, 3, 2, 11, 13, dtype=dtype), draw(2, 3, 2, 9, 20, dtype=dtype, seed=2)]
    files = write_ome_tiff(
        path, scenes, one_file_per_scene=one_file_per_scene, compress=compress
    )
    names = ["recording_s0.ome.tif", "recording_s1.ome.tif"]
    assert [f.name for f in files] == (names if one_file_per_scene else ["recording.ome.tif"])
    for file in files:  # each of them describes the whole recording
        found = read(file)
        assert [axes for axes, _ in found] == ["TZCYX", "TZCYX"]
        for (_, images), scene in zip(found, scenes, strict=True):
            assert images.dtype == dtype
            np.testing.assert_array_equal(images, scene)


def test_names_pixel_size_and_times_are_read_back(path):
    times = [[0, 1500.5], [500, 2000]]
    write_ome_tiff(
        path,
        draw(2, 2, 1, 2, 5, 6),
        channel_names=["Phase", "GFP µ"],
        position_names=["A1", "B2"],
        pixel_size_um=0.325,
        times_ms=times,
    )
    root = description(path)
    assert [image.get("Name") for image in root.iter(f"{OME}Image")] == ["A1", "B2"]
    for p, pixels in enumerate(root.iter(f"{OME}Pixels")):
        assert [c.get("Name") for c in pixels.iter(f"{OME}Channel")] == ["Phase", "GFP µ"]
        assert (pixels.get("PhysicalSizeX"), pixels.get("PhysicalSizeY")) == ("0.325", "0.325")
        for plane in pixels.iter(f"{OME}Plane"):
            seconds = times[p][int(plane.get("TheT"))] / 1000
            assert float(plane.get("DeltaT")) == seconds


def test_a_file_without_times_has_none(path):
    write_ome_tiff(path, draw(1, 2, 1, 1, 5, 6), with_times=False)
    assert not [p for p in description(path).iter(f"{OME}Plane") if p.get("DeltaT")]


@pytest.mark.parametrize("one_file_per_scene", [False, True])
def test_a_missing_plane_is_declared_and_not_stored(path, one_file_per_scene):
    images = draw(2, 2, 1, 2, 5, 6)
    files = write_ome_tiff(
        path, images, missing={(1, 0, 0, 1)}, one_file_per_scene=one_file_per_scene
    )
    assert sum(map(n_pages, files)) == 7
    assert len(list(description(files[0]).iter(f"{OME}TiffData"))) == 7
    expected = images.copy()
    expected[1, 0, 0, 1] = 0
    found = [scene.reshape(images.shape[1:]) for _, scene in read(files[0])]
    np.testing.assert_array_equal(found, expected)


def test_a_plane_outside_the_images_is_refused(path):
    with pytest.raises(ArrayError, match=r"missing contains \(0, 2, 0, 0\), but the images"):
        write_ome_tiff(path, draw(1, 2, 1, 1, 5, 6), missing={(0, 2, 0, 0)})
    assert not path.exists()
