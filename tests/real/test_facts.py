"""What `pyama info` says of real files is what the makers' own libraries find in them."""

import json
from pathlib import Path

import nd2
import numpy as np
import pandas as pd
import pytest
import tifffile
from pylibCZIrw import czi
from typer.testing import CliRunner

from pyama.cli.app import app

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(
    not (DATA / "nd2").is_dir(), reason=f"needs the real data in {DATA}"
)


def names(folder, pattern):
    return sorted(path.name for path in (DATA / folder).glob(pattern))


@pytest.fixture
def info():
    def read(path):
        done = CliRunner().invoke(app, ["info", str(path), "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return read


def check_pixel(found, expected_um):
    if expected_um:
        assert found["pixel_size_um"] == pytest.approx(expected_um, rel=1e-6)
    else:
        assert found["pixel_size_um"] is None
        assert any("size of a pixel" in text for text in found["problems"])


def check_times(found, seconds, within_s=1e-3):
    """Compare times since the first frame; without any, the times must be called a default."""
    if len(seconds) == 0 and found["n_frames"] > 1:
        assert found["time_source"].startswith("default")
        assert any("time stamps" in text for text in found["problems"])
    elif found["n_frames"] > 1:
        expected = (np.asarray(seconds) - seconds[0]) / 60
        np.testing.assert_allclose(found["minutes"], expected, atol=within_s / 60)


@pytest.mark.parametrize("name", names("nd2", "*.nd2"))
def test_facts_of_nd2(info, name):
    found = info(DATA / "nd2" / name)
    with nd2.ND2File(DATA / "nd2" / name) as file:
        sizes, channels = file.sizes, file.metadata.channels
        pixel = file.voxel_size().x
        n_z = sizes.get("Z", 1)
        frames = range(0, sizes.get("T", 1) * n_z, n_z)
        stamps = [
            file.frame_metadata(i).channels[0].time.relativeTimeMs / 1000 for i in frames
        ]
    assert found["n_frames"] == sizes.get("T", 1)
    assert found["n_fovs"] == sizes.get("P", 1)
    assert found["n_z"] == n_z
    assert found["shapes"] == [[sizes["Y"], sizes["X"]]]
    assert found["channel_names"] == [channel.channel.name for channel in channels]
    check_pixel(found, pixel)
    check_times(found, stamps)


@pytest.mark.parametrize("name", names("czi", "*.czi"))
def test_facts_of_czi(info, name):
    path = DATA / "czi" / name
    found = info(path)
    with czi.open_czi(str(path)) as file:
        extents = {axis: end - start for axis, (start, end) in file.total_bounding_box.items()}
        scenes = file.scenes_bounding_rectangle
        image = file.metadata["ImageDocument"]["Metadata"]["Information"]["Image"]
        scaling = file.metadata["ImageDocument"]["Metadata"].get("Scaling") or {}
    assert found["n_frames"] == extents["T"] == int(image.get("SizeT", 1))
    assert found["n_z"] == extents["Z"] == int(image.get("SizeZ", 1))
    assert len(found["channel_names"]) == extents["C"] == int(image.get("SizeC", 1))
    assert found["n_fovs"] == max(1, len(scenes))
    if scenes:
        assert found["shapes"] == [[box.h, box.w] for box in scenes.values()]
    distances = (scaling.get("Items") or {}).get("Distance", [])
    metres = {entry["@Id"]: float(entry["Value"]) for entry in distances}
    check_pixel(found, metres.get("X", 0) * 1e6)
    # Time stamps and the XML differ by a tenth of a second.
    check_times(found, _seconds_in_xml(image.get("Dimensions", {}), extents["T"]), 0.2)


def _seconds_in_xml(dimensions, n_frames):
    """Return the times in the XML, which are rounded to milliseconds."""
    positions = ((dimensions or {}).get("T") or {}).get("Positions") or {}
    if "List" in positions:
        return [float(text) for text in positions["List"]["Offsets"].split()]
    if "Interval" in positions:
        return [float(positions["Interval"]["Increment"]) * t for t in range(n_frames)]
    return []


@pytest.mark.filterwarnings("ignore:AttachmentDirectory segment not found")
@pytest.mark.parametrize("name", names("czi", "*.czi"))
def test_times_of_czi_are_those_of_the_attachment(info, name):
    czifile = pytest.importorskip("czifile")
    found = info(DATA / "czi" / name)
    with czifile.CziFile(str(DATA / "czi" / name)) as file:
        attachments = {part.attachment_entry.name: part for part in file.attachments()}
        stamps = attachments["TimeStamps"].data() if "TimeStamps" in attachments else None
    if stamps is not None and found["n_frames"] > 1:
        assert found["time_source"] == "time stamps of the file"
        np.testing.assert_allclose(found["minutes"], (stamps - stamps[0]) / 60, atol=1e-9)


TIFFS = {
    "t_as_z.ome.tif": (1, 6, None, None),
    "unit_um.ome.tif": (6, 1, 0.65, 300.0),
}
"""Frames, z planes, µm per px and seconds per frame, as their OME-XML says."""


@pytest.mark.parametrize("name", names("tiff", "*.tif"))
def test_facts_of_ome_tiff(info, name):
    n_frames, n_z, pixel, interval = TIFFS[name]
    found = info(DATA / "tiff" / name)
    with tifffile.TiffFile(DATA / "tiff" / name) as file:
        series = file.series[0]
        sizes = dict(zip(series.axes, series.shape, strict=True))
        text = file.ome_metadata
    assert found["n_frames"] == sizes.get("T", 1) == n_frames
    assert found["n_z"] == sizes.get("Z", 1) == n_z
    assert found["shapes"] == [[sizes["Y"], sizes["X"]]]
    assert (f'PhysicalSizeX="{pixel}"' in text) is (pixel is not None)
    check_pixel(found, pixel)
    check_times(found, [] if interval is None else [interval * t for t in range(n_frames)])
    if n_z > 1:
        assert any("if these are the frames of a time lapse" in p for p in found["problems"])


def test_tables_of_the_older_program_give_the_same_onset_in_any_unit(tmp_path):
    onsets = {}
    for name in ("merged_minutes", "merged_hours"):
        path = DATA / "older_pyama" / f"{name}.csv"
        done = CliRunner().invoke(app, ["fit", str(path), "-o", str(tmp_path)])
        assert done.exit_code == 0, done.output
        assert "h is assumed" not in done.output
        fits = pd.read_csv(tmp_path / f"{name}_fitted_maturation.csv", comment="#")
        onsets[name] = fits["t0"].to_numpy()
        other = "h" if name == "merged_minutes" else "min"
        done = CliRunner().invoke(app, ["fit", str(path), "--time-unit", other])
        assert done.exit_code == 2
        assert f"but in {other} according to --time-unit" in done.output
    np.testing.assert_allclose(onsets["merged_minutes"], [0.5, 0.6, 0.7] * 2, atol=1e-3)
    np.testing.assert_allclose(onsets["merged_minutes"], onsets["merged_hours"], atol=1e-4)


def test_the_unit_of_time_of_zeiss_is_a_second_whatever_is_displayed(info):
    # Its XML shows the interval of 60 s in "min".
    found = info(DATA / "czi/CellDivision_T3_Z5_CH2_X240_Y170.czi")
    assert found["time"] == "a frame every 60 s, 120 s in all; time stamps of the file"


def test_a_second_frame_that_came_after_90_seconds(info):
    found = info(DATA / "czi/LLS7_small.czi")
    assert found["minutes"] == [0, pytest.approx(90.038 / 60)]
    assert found["time_source"] == "offsets in the XML of the file"
    assert found["problems"] == []
