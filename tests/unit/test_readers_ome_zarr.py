"""OME-Zarr that other programs wrote, and pyama's own copies."""

import json

import numpy as np
import pytest
import zarr

from pyama.config import ProcessingConfig
from pyama.errors import ReaderError
from pyama.processing.workflow import process
from pyama.readers import open_reader
from pyama.readers.array import ArrayReader

H, W = 12, 16
LONG = {"t": 4, "c": 2, "z": 3, "y": H, "x": W}
UNITS = {"t": "minute", "y": "nanometer", "x": "nanometer"}
SCALE = {"t": 5.0, "c": 1.0, "z": 1.0, "y": 650.0, "x": 650.0}
CHANNELS = [{"label": name, "color": "FFFFFF"} for name in ("Phase", "GFP")]


def draw(*shape):
    return np.random.default_rng(5).integers(1, 65536, shape, np.uint16)


def describe(axes):
    """Return the description of an image."""
    types = {"t": "time", "c": "channel"}
    entries = [
        {"name": a, "type": types.get(a, "space")} | ({"unit": UNITS[a]} if a in UNITS else {})
        for a in axes
    ]
    transformations = [{"type": "scale", "scale": [SCALE[a] for a in axes]}]
    dataset = {"path": "0", "coordinateTransformations": transformations}
    multiscale = {"axes": entries, "datasets": [dataset], "name": "image"}
    return {"multiscales": [multiscale], "omero": {"channels": CHANNELS}}


def write(path, images, axes="tczyx", version=2, **more):
    """Write an image of the axes (t, c, z, y, x) with axes of another order."""
    order = ["tczyx".index(a) for a in axes]
    others = tuple(i for i in range(5) if i not in order)
    array = images.squeeze(others).transpose(np.argsort(np.argsort(order)))
    group = zarr.open_group(path, mode="w", zarr_format=version)
    described = describe(axes)
    group.attrs.update({"ome": {"version": "0.5", **described}} if version == 3 else described)
    chunks = tuple({"y": 5, "x": 7}.get(a, 1) for a in axes)
    group.create_array("0", data=array, chunks=chunks, **more)
    return path


def check(path, images, z="max"):
    """Compare all planes with images of the axes (t, c, z, y, x)."""
    with open_reader(path, z) as reader:
        assert reader.metadata.missing == reader.metadata.missing_pixels == ()
        for t, frame in enumerate(images):
            found = reader.read(0, t, range(frame.shape[0]))
            np.testing.assert_array_equal(found, frame.max(axis=1))
        return reader.metadata


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("axes", ["tczyx", "ctzyx", "tyxc", "tyx", "cyx", "txy"])
def test_axes_in_any_order(tmp_path, axes, version):
    shape = [n if a in axes else 1 for a, n in LONG.items()]
    images = draw(*shape)
    known = check(write(tmp_path / "a.ome.zarr", images, axes, version), images)
    assert known.basename == "a"
    assert known.pixel_size_um == pytest.approx(0.65)
    if "t" in axes:
        assert known.times_min == ((0, 5, 10, 15),)
    assert known.channel_names == (("Phase", "GFP") if "c" in axes else ("Phase",))


@pytest.mark.parametrize("dtype", [">u2", "u1"])
def test_other_types_of_pixels(tmp_path, dtype):
    images = draw(*LONG.values()).astype(dtype)
    path = write(tmp_path / "a.zarr", images, compressors=None)
    assert check(path, images).dtype == ("uint8" if dtype == "u1" else "uint16")


def test_chunks_that_were_not_written(tmp_path):
    images = draw(*LONG.values())
    path = write(
        tmp_path / "a.zarr", images, chunk_key_encoding={"name": "v2", "separator": "."}
    )
    identity = check(path, images).identity
    for chunk in path.glob("0/2.1.*"):
        chunk.unlink()
    (path / "0/1.0.1.0.0").unlink()
    with open_reader(path) as reader:
        known = reader.metadata
        assert known.missing_frames(0, 1) == {2}
        assert known.missing_frames(0, 0) == frozenset()
        (gap,) = known.missing_pixels
        assert (gap.channel, gap.frames, gap.boxes) == (0, (1,), ((0, 0, 5, 7),))
        assert known.identity != identity


def test_a_series_of_images(tmp_path):
    images = draw(3, *LONG.values())
    group = zarr.open_group(tmp_path, mode="w", zarr_format=2)
    group.attrs["bioformats2raw.layout"] = 3
    for i, image in enumerate(images):
        write(tmp_path / str(i), image[: 4 - i])
    with open_reader(tmp_path) as reader:
        assert reader.metadata.n_fovs == 3
        assert reader.metadata.missing_frames(2, 0) == {2, 3}
        found = reader.read(1, 2, [0, 1])
        np.testing.assert_array_equal(found, images[1, 2, :, 1])


def test_a_plate_names_its_wells_and_fields(tmp_path):
    images = draw(4, *LONG.values())
    plate = {"wells": [{"path": "A/1"}, {"path": "B/12"}], "version": "0.4"}
    zarr.open_group(tmp_path, mode="w", zarr_format=2).attrs["plate"] = plate
    for i, well in enumerate(("A/1", "B/12")):
        group = zarr.open_group(tmp_path / well, mode="w", zarr_format=2)
        group.attrs["well"] = {"images": [{"path": "0"}, {"path": "1"}]}
        for field in range(2):
            write(tmp_path / well / str(field), images[2 * i + field])
    with open_reader(tmp_path) as reader:
        assert reader.metadata.position_names == ("A1/0", "A1/1", "B12/0", "B12/1")
        np.testing.assert_array_equal(reader.read(3, 1, [1])[0], images[3, 1, 1, 1])
    with open_reader(tmp_path / "B/12") as reader:
        assert reader.metadata.n_fovs == 2


def test_the_copies_of_pyama(tmp_path):
    images = draw(2, 3, 2, 64, 64) // 4
    source = ArrayReader(
        images, ["Phase", "GFP"], 0.65, [0, 10, 20], recorded=[[1, 1], [1, 0], [1, 1]]
    )
    channels = {"pc": 0, "fl": [1]}
    params = {"copy_only": True, "n_workers": 1}
    process(source, ProcessingConfig(channels=channels, params=params), tmp_path, [1])
    with open_reader(tmp_path / "fov_001/images.zarr") as reader:
        known = reader.metadata
        assert known.channel_names == ("Phase", "GFP")
        assert known.position_names == ("fov_001",)
        assert known.times_min == ((0, 10, 20),)
        assert known.missing_frames(0, 1) == {1}
        np.testing.assert_array_equal(reader.read(0, 2, [0, 1]), images[1, 2])


def spoil(path, text):
    document = json.loads((path / ".zattrs").read_text())
    exec(text, {"d": document, "m": document.get("multiscales", [{}])[0]})  # noqa: S102
    (path / ".zattrs").write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("d.clear()", "is a Zarr group without OME-Zarr images"),
        ("m['datasets'][0]['path'] = '7'", "cannot be read"),
        ("m['axes'][0]['name'] = 'q'", "contains the axes q, c, z, y, x"),
        (
            "d['plate'] = {'wells': [{'path': '../a'}]}",
            "its description names the image '../a'",
        ),
        ("d['plate'] = {'wells': []}", "lists no images"),
        ("m['axes'].pop()", "cannot be read|contains the axes"),
    ],
)
def test_descriptions_that_do_not_fit_are_refused(tmp_path, text, message):
    path = write(tmp_path / "a.zarr", draw(*LONG.values()))
    spoil(path, text)
    with pytest.raises(ReaderError, match=message):
        open_reader(path)


def test_other_arrays_are_refused(tmp_path):
    path = write(tmp_path / "a.zarr", draw(*LONG.values()).astype(np.float32))
    with pytest.raises(ReaderError, match="contains float32 pixels; expected unsigned"):
        open_reader(path)
    with pytest.raises(ReaderError, match=r"is a Zarr array without.*the folder above it"):
        open_reader(path / "0")
    with pytest.raises(ReaderError, match=r"says itself which plane is which\. Remove axes"):
        open_reader(path, axes="t")


@pytest.mark.parametrize("name", ["FormatV04", "FormatV05"])
def test_images_of_the_program_ome_zarr(tmp_path, name):
    writer = pytest.importorskip("ome_zarr.writer", reason="ome-zarr is not installed")
    formats = pytest.importorskip("ome_zarr.format")
    images, form = draw(*LONG.values()), getattr(formats, name)()
    path = tmp_path / "a.ome.zarr"
    group = zarr.open_group(path, mode="w", zarr_format=form.zarr_format)
    writer.write_image(
        images,
        group,
        scale_factors=(2,),
        fmt=form,
        axes="tczyx",
        scale=SCALE,
        axes_units=UNITS,
    )
    known = check(path, images)
    assert known.pixel_size_um == pytest.approx(0.65)
    assert known.times_min == ((0, 5, 10, 15),)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_images_of_the_program_ngff_zarr(tmp_path, version):
    ngff_zarr = pytest.importorskip("ngff_zarr", reason="ngff-zarr is not installed")
    images, path = draw(*LONG.values()), tmp_path / "a.ome.zarr"
    image = ngff_zarr.to_ngff_image(
        images, dims=list("tczyx"), scale=SCALE, axes_units=UNITS, name="image"
    )
    scales = ngff_zarr.to_multiscales(image, scale_factors=[])
    ngff_zarr.to_ngff_zarr(str(path), scales, version=version)
    assert check(path, images).times_min == ((0, 5, 10, 15),)
