"""Recordings of many TIFF files: what names mean is proposed, and confirmed by `axes`."""

import json

import numpy as np
import pytest
import tifffile

from pyama.errors import ConfigError, ReaderError
from pyama.readers import open_reader
from pyama.readers.pattern_proposal import propose_pattern

H, W = 5, 8


def draw(*shape):
    return np.random.default_rng(3).integers(1, 65536, (*shape, H, W), np.uint16)


def write(folder, name, image, **more):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    tifffile.imwrite(path, image, **{"metadata": None, **more})


PROPOSALS = [
    ("xy{p}t{t}.tif", ["xy01t01.tif", "xy01t02.tif", "xy02t01.tif"]),
    ("img_{t}_{c}.tif", ["img_000_0.tif", "img_001_0.tif", "img_000_1.tif"]),
    ("a_w{c}_s{p}_t{t}.TIF", ["a_w1Ph_s1_t1.TIF", "a_w2GFP_s2_t1.TIF", "a_w1Ph_s1_t2.TIF"]),
    (
        "{p}/img_{t}_{c}_{z}.tif",
        ["Pos0/img_000000000_Ph_000.tif", "Pos1/img_000000000_YFP 2_000.tif"],
    ),
    ("{p}/frame{t}.tif", ["pos1/frame001.tif", "pos1/frame002.tif", "pos2/frame001.tif"]),
    ("e_{c}_{t}.tif", ["e_Phase_001.tif", "e_GFP_001.tif", "e_Phase_002.tif"]),
    ("{t}.tif", ["0001.tif", "0002.tif"]),
    (None, ["day1.tif", "control.tif"]),
    (None, ["t1t1.tif", "t2t2.tif", "t1t2.tif"]),
    (None, ["one.tif"]),
]


@pytest.mark.parametrize(("pattern", "names"), PROPOSALS)
def test_a_pattern_is_proposed(pattern, names):
    assert propose_pattern(names) == pattern


def test_a_folder_is_read_as_confirmed(tmp_path):
    images = draw(2, 5, 2)
    for p, t, c in np.ndindex(2, 5, 2):
        if (p, t, c) != (1, 3, 1):
            name = f"xy{p + 9:d}_{['Phase', 'GFP'][c]}_t{5 * t:03d}.tif"
            more = {"byteorder": ">", "compression": "zlib"}
            write(tmp_path, name, images[p, t, c], **more)
    (tmp_path / "notes.txt").write_text("")
    write(tmp_path, "overview.tif", images[0, 0, 0])
    with pytest.raises(ReaderError, match=r"5 frames \(xy9_GFP_t000.tif to xy9_"):
        open_reader(tmp_path)
    with open_reader(tmp_path, axes="proposed") as reader:
        assert "confirm it: --set 'axes=xy{p}_{c}_t{t}.tif'" in reader.metadata.question
        assert "without 1 other file" in reader.metadata.question
        proposed = reader.metadata
    with open_reader(tmp_path, axes="xy{p}_{c}_t{t}.tif") as reader:
        known = reader.metadata
        assert known == proposed.replace(question="")
        assert known.position_names == ("9", "10")
        assert known.channel_names == ("GFP", "Phase")
        assert known.missing_frames(1, 0) == {3}
        for p, t in np.ndindex(2, 5):
            gfp, phase = reader.read(p, t, [0, 1])
            np.testing.assert_array_equal(phase, images[p, t, 0])
            np.testing.assert_array_equal(gfp, 0 if (p, t) == (1, 3) else images[p, t, 1])
    write(tmp_path, "xy9_GFP_t000.tif", images[1, 3, 1], byteorder=">", compression="zlib")
    with open_reader(tmp_path, axes="xy{p}_{c}_t{t}.tif") as reader:
        assert reader.metadata.identity != known.identity


def test_stacks_in_folders_of_positions(tmp_path):
    images = draw(2, 4, 2)
    for p in range(2):
        write(tmp_path, f"Pos{p}/stack.tif", images[p].reshape(-1, H, W))
    with pytest.raises(ReaderError, match=r"Add their axes to the pattern, after a colon"):
        open_reader(tmp_path, axes="Pos{p}/stack.tif")
    with open_reader(tmp_path, axes="Pos{p}/stack.tif:t,c=2") as reader:
        for p, t in np.ndindex(2, 4):
            np.testing.assert_array_equal(reader.read(p, t, [0, 1]), images[p, t])
    with pytest.raises(ReaderError, match="both give the axis p"):
        open_reader(tmp_path, axes="Pos{p}/stack.tif:t,p=2")


def test_imagej_stacks_of_positions_of_different_length(tmp_path):
    images = draw(2, 4)
    metadata = {"axes": "TYX", "finterval": 120}
    for p, n in enumerate((4, 3)):
        write(tmp_path, f"s{p}.tif", images[p, :n], imagej=True, metadata=metadata)
    with open_reader(tmp_path, axes="s{p}.tif") as reader:
        assert reader.metadata.missing_frames(1, 0) == {3}
        assert reader.metadata.times_min[0] == (0, 2, 4, 6)
        np.testing.assert_array_equal(reader.read(1, 2, [0])[0], images[1, 2])


@pytest.mark.parametrize(
    ("axes", "error", "message"),
    [
        ("img_{t}.tif", ReaderError, r"has no file named img_\{t\}.tif; there is 'xy1t1.tif"),
        ("xy{p}*.tif", ReaderError, "xy1t1.tif and xy1t2.tif are the same frame"),
        ("xy{t}t{t}.tif", ConfigError, "is no pattern of files"),
        ("t,c=2", ConfigError, "is no pattern of files"),
    ],
)
def test_patterns_that_do_not_fit_are_refused(tmp_path, axes, error, message):
    for name in ("xy1t1.tif", "xy1t2.tif"):
        write(tmp_path, name, draw())
    with pytest.raises(error, match=message):
        open_reader(tmp_path, axes=axes)


def test_names_without_order_are_refused(tmp_path):
    for name in ("control.tif", "treated.tif", "day 1.tif"):
        write(tmp_path, name, draw())
    with pytest.raises(ReaderError, match=r"names do not say which.*--set 'axes=PATTERN'"):
        open_reader(tmp_path)


def test_a_single_image_names_the_folder_of_its_series(tmp_path):
    for t in range(3):
        write(tmp_path, f"t{t}.tif", draw())
    with open_reader(tmp_path / "t1.tif") as reader:
        assert any("There are 2 files of similar names" in p for p in reader.metadata.problems)


def micro_manager(folder, images, names):
    """Write images and their description as Micro-Manager 1.4 does."""
    entries = {"Summary": {"ChNames": names, "PixelSize_um": 0.65, "Interval_ms": 1000}}
    for t, c in np.ndindex(images.shape[:2]):
        name = f"img_{t:09d}_{names[c]}_000.tif"
        write(folder, name, images[t, c])
        entries[f"FrameKey-{t}-{c}-0"] = {
            "Frame": t,
            "ChannelIndex": c,
            "Slice": 0,
            "FileName": name,
            "ElapsedTime-ms": 60000 * t + c,
            "Channel": names[c],
        }
    return entries


def test_folders_of_micro_manager_describe_themselves(tmp_path):
    images = draw(2, 3, 2)
    for p in range(2):
        folder = tmp_path / f"Pos{p}"
        entries = micro_manager(folder, images[p], ["Phase", "GFP 2"])
        text = json.dumps(entries)
        (folder / "metadata.txt").write_text(text[:-1] if p else text)  # one was stopped
    (tmp_path / "Pos1/img_000000002_Phase_000.tif").unlink()
    with open_reader(tmp_path) as reader:
        known = reader.metadata
        assert known.question == ""
        assert known.channel_names == ("Phase", "GFP 2")
        assert known.position_names == ("Pos0", "Pos1")
        assert known.pixel_size_um == 0.65
        np.testing.assert_allclose(known.times_min[0], [0, 1, 2])
        assert known.missing_frames(1, 0) == {2}
        np.testing.assert_array_equal(reader.read(1, 1, [0, 1]), images[1, 1])
    with open_reader(tmp_path / "Pos1") as reader:
        np.testing.assert_array_equal(reader.read(0, 1, [1])[0], images[1, 1, 1])


def test_files_of_scenes_are_one_recording(tmp_path):
    images = draw(3, 2, 2)
    for p in range(3):
        metadata = {"axes": "TCYX", "Channel": {"Name": ["Phase", "GFP"]}}
        write(tmp_path, f"a_scene{p}.ome.tiff", images[p], ome=True, metadata=metadata)
    with open_reader(tmp_path / "a_scene1.ome.tiff") as reader:
        known = reader.metadata
        assert known.n_fovs == 3
        assert known.channel_names == ("Phase", "GFP")
        assert any("Read as one recording" in text for text in known.problems)
        for p, t in np.ndindex(3, 2):
            np.testing.assert_array_equal(reader.read(p, t, [0, 1]), images[p, t])


def test_a_companion_file_opens_its_images(tmp_path):
    images = draw(2)
    write(tmp_path, "a.ome.tif", images[0])
    write(tmp_path, "b.ome.tif", images[1])
    blocks = "".join(
        f'<TiffData FirstT="{t}" IFD="0" PlaneCount="1"><UUID FileName="{name}.ome.tif">u{t}'
        "</UUID></TiffData>"
        for t, name in enumerate("ab")
    )
    sizes = f'SizeX="{W}" SizeY="{H}" SizeZ="1" SizeC="1" SizeT="2" Type="uint16"'
    companion = tmp_path / "set.companion.ome"
    companion.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><OME><Image><Pixels DimensionOrder="XYZCT" '
        f"{sizes}>{blocks}</Pixels></Image></OME>"
    )
    with open_reader(companion) as reader:
        for t in range(2):
            np.testing.assert_array_equal(reader.read(0, t, [0])[0], images[t])
