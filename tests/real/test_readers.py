"""Real microscope files: what is in them was found with the makers' own libraries."""

from dataclasses import dataclass
from pathlib import Path

import nd2
import numpy as np
import pytest
from pylibCZIrw import czi

from pyama.errors import ReaderError
from pyama.readers import open_reader
from pyama.store import NotRecorded

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(
    not (DATA / "nd2").is_dir(), reason=f"needs the real data in {DATA}"
)


@dataclass(frozen=True)
class Case:
    file: str
    shapes: tuple[tuple[int, int], ...]
    n_frames: int
    n_z: int
    channels: tuple[str, ...]
    dtype: str
    pixel_size_um: float | None
    duration_min: float | None = None  # None: no stamps, or one frame
    positions: tuple[str, ...] = ()


CASES = [
    Case(
        "nd2/cluster.nd2",
        ((31, 38),),
        3,
        10,
        ("5-FAM/pH 9.0", "FM 4-64/2% CHAPS"),
        "uint16",
        0.167809,
        (21741 - 445) / 60000,
    ),
    Case(
        "nd2/example-cerevisiae.nd2",
        ((256, 256),),
        1,
        1,
        ("DIC", "FITC BP"),
        "uint16",
        0.108333,
    ),
    Case(
        "nd2/example-multichannel.nd2",
        ((256, 256),),
        1,
        1,
        ("Mono", "DAPI", "FITC BP", "TRITC BP"),
        "uint16",
        0.323390,
    ),
    Case(
        "nd2/example-timelapse.nd2",
        ((64, 64),),
        53,
        1,
        ("GFP 488 nm",),
        "uint16",
        0.325,
        0.4335,
    ),
    Case("czi/10x10.czi", ((10, 10),), 1, 1, ("C1",), "uint8", 0.1),
    Case("czi/CH1_16bit.czi", ((408, 406),), 1, 1, ("C0",), "uint16", None),
    Case(
        "czi/CellDivision_T3_Z5_CH2_X240_Y170.czi",
        ((170, 240),),
        3,
        5,
        ("LED555", "LED470"),
        "uint16",
        0.0905767,
        2.0,
    ),
    Case("czi/DAPI_GFP.czi", ((640, 640),), 1, 1, ("DAPI", "GFP"), "uint8", None),
    Case(
        "czi/S3_1Pos_2Mosaic_T2Z3_CH2_sm.czi",
        ((122, 295), (64, 64), (237, 352)),
        2,
        3,
        ("DAPI", "EGFP"),
        "uint16",
        1.6,
        33.412 / 60,  # AcquisitionTime of the first tiles
        ("TR1", "P1", "TR2"),
    ),
    Case(
        "czi/WellD6-7_S2.czi",
        ((440, 544), (440, 544)),
        1,
        1,
        ("AF488",),
        "uint16",
        0.1,
        None,
        ("D6", "D7"),
    ),
    Case("czi/s_1_t_1_c_1_z_1.czi", ((325, 475),), 1, 1, ("Bright",), "uint16", 1.083333),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.file)
def test_facts(case):
    with open_reader(DATA / case.file) as reader:
        known = reader.metadata
    assert known.shapes == case.shapes
    assert known.n_frames == case.n_frames
    assert known.n_z == case.n_z
    assert known.channel_names == case.channels
    assert known.dtype == case.dtype
    assert known.position_names == case.positions
    assert known.missing == ()
    if case.pixel_size_um is None:
        assert known.pixel_size_um is None
    else:
        assert known.pixel_size_um == pytest.approx(case.pixel_size_um, rel=1e-4)
    if case.duration_min is not None:
        for times in known.times_min:
            assert times[0] == 0
            assert times[-1] == pytest.approx(case.duration_min, rel=0.02)


def nd2_planes(path):
    with nd2.ND2File(path) as file:
        sizes = {axis: file.sizes.get(axis, 1) for axis in "TZC"}
        images = file.asarray().reshape(*sizes.values(), *file.asarray().shape[-2:])
    return {(0, *place): images[place] for place in np.ndindex(*sizes.values())}


def czi_planes(path):
    with czi.open_czi(str(path)) as file:
        box = file.total_bounding_box
        scenes = sorted(file.scenes_bounding_rectangle) or [None]
        return {
            (p, t, z, c): file.read(plane={"T": t, "Z": z, "C": c}, scene=scene)[..., 0].copy()
            for p, scene in enumerate(scenes)
            for t, z, c in np.ndindex(*(box[axis][1] for axis in "TZC"))
        }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.file)
def test_pixels_are_those_of_the_makers_library(case):
    path = DATA / case.file
    planes = nd2_planes(path) if case.file.startswith("nd2") else czi_planes(path)
    assert len(planes) == len(case.shapes) * case.n_frames * case.n_z * len(case.channels)
    assert any(image.any() for image in planes.values())
    for z in range(case.n_z):
        with open_reader(path, z) as reader:
            for (p, t, plane_z, c), image in planes.items():
                if plane_z == z:
                    found = reader.read(p, t, [c])[0]
                    np.testing.assert_array_equal(found, image)
                    assert found.shape == case.shapes[p]


def test_a_recording_that_was_stopped_early_says_so():
    with open_reader(DATA / "nd2/example-timelapse.nd2") as reader:
        assert reader.metadata.problems == (
            "120 frames were planned, 53 are stored: the recording was probably "
            "stopped early.",
        )


ODD = [
    ("empty.czi", "is empty"),
    ("empty.nd2", "is empty"),
    ("garbage.czi", "is of an unknown kind"),
    ("git_lfs_pointer.nd2", "git lfs pull"),
    ("truncated.czi", "lie beyond its end"),
    ("truncated_half.nd2", "is not at its end"),
]


@pytest.mark.parametrize(("file", "message"), ODD)
def test_odd_files_are_refused_in_one_line(file, message):
    with pytest.raises(ReaderError, match=message) as caught:
        open_reader(DATA / "odd" / file)
    assert "\n" not in str(caught.value)


def test_every_odd_file_is_in_the_table():
    assert {path.name for path in (DATA / "odd").iterdir()} == {file for file, _ in ODD}


@pytest.mark.parametrize(
    "file", ["nd2/cluster.nd2", "czi/CellDivision_T3_Z5_CH2_X240_Y170.czi"]
)
def test_a_real_file_cut_off_anywhere_is_refused(file, tmp_path):
    content = (DATA / file).read_bytes()
    path = tmp_path / "cut"
    for keep in range(
        1, len(content) - 9000, len(content) // 25
    ):  # the last bytes are padding
        path.write_bytes(content[:keep])
        with pytest.raises(ReaderError):
            open_reader(path)


def test_the_gaps_of_a_real_mosaic_are_its_black_pixels():
    with open_reader(DATA / "czi" / "S3_1Pos_2Mosaic_T2Z3_CH2_sm.czi") as reader:
        known = reader.metadata
        gaps = [NotRecorded.known_to(known, fov, 0) for fov in range(known.n_fovs)]
        assert [bool(lost) for lost in gaps] == [False, False, True]
        image = reader.read(2, 1, [0])[0]
    np.testing.assert_array_equal(gaps[2].mask(1, image.shape), image == 0)
