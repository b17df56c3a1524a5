"""Names of folders, groups and files are those of the reference, one to one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyama import layout

NUMBERS = st.integers(0, 10**6)
NAMES = st.text(st.characters(exclude_characters="/\\\x00"), min_size=1)


def test_names_are_those_of_the_reference():
    assert layout.fov_dir(0) == "fov_000"
    assert layout.fov_dir(1234) == "fov_1234"
    assert layout.phase(0) == "pc_ch_0"
    assert layout.fluorescence(1) == "fl_ch_1"
    assert layout.labeled(0) == "seg_labeled_ch_0"
    assert layout.tracked(0) == "seg_tracked_ch_0"
    assert layout.background(1) == "fl_background_ch_1"
    assert layout.column("intensity_total", 1) == "intensity_total_ch_1"
    assert layout.traces_file("movie", 0) == "movie_fov_000_traces.csv"
    assert layout.inspected_file("movie", 7) == "movie_fov_007_traces_inspected.csv"
    assert (layout.CONFIG_FILE, layout.IMAGES) == ("processing_config.yaml", "images.zarr")
    assert (layout.CELLS, layout.CELLS_METADATA) == ("cells.zarr", "metadata")
    assert (layout.FULL, layout.PREVIEW) == ("0", "1")
    assert ",".join(layout.BASE_COLUMNS) == (
        "fov,cell,frame,good,position_x,position_y,bbox_x0,bbox_y0,bbox_x1,bbox_y1"
    )


@given(NUMBERS)
def test_a_folder_names_its_fov(fov):
    assert layout.parse_fov(layout.fov_dir(fov)) == fov


@given(NUMBERS)
def test_a_group_names_its_kind_and_channel(channel):
    for kind, name in {
        "pc": layout.phase,
        "fl": layout.fluorescence,
        "seg_labeled": layout.labeled,
        "seg_tracked": layout.tracked,
        "fl_background": layout.background,
        "fl_flat": layout.flat_field,
        "fl_dark": layout.dark_frame,
    }.items():
        assert layout.parse_group(name(channel)) == (kind, channel)
        assert layout.is_labels(name(channel)) == kind.startswith("seg_")
        assert layout.is_light(name(channel)) == (kind in {"fl_flat", "fl_dark"})


@given(NAMES, NUMBERS)
def test_a_table_names_its_recording_and_fov(basename, fov):
    assert layout.parse_traces(layout.traces_file(basename, fov)) == (basename, fov, False)
    assert layout.parse_traces(layout.inspected_file(basename, fov)) == (basename, fov, True)


@pytest.mark.parametrize(
    "name",
    ["fov_00", "fov_0000", "fov_-01", "fov_001 ", "fov_\u0661\u0662\u0663", "x", "Fov_001"],
)
def test_other_folders_are_none(name):
    assert layout.parse_fov(name) is None


@pytest.mark.parametrize(
    "name", ["pc_ch_", "pc_ch_01", "pc_ch_-1", "pc_ch_\u0663", "OME", "labels", "pc_ch_1/0"]
)
def test_other_groups_are_none(name):
    assert layout.parse_group(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "_fov_000_traces.csv",
        "a_fov_00_traces.csv",
        "a_fov_0000_traces.csv",
        "a_fov_000_traces.csv.bak",
        "a_fov_000_traces_old.csv",
        "a_merged.csv",
    ],
)
def test_other_files_are_none(name):
    assert layout.parse_traces(name) is None


BASENAMES = [
    ("movie.nd2", "movie"),
    ("movie.ome.tif", "movie"),
    ("movie.OME.TIFF", "movie"),
    ("movie.tif", "movie"),
    ("a.b.czi", "a.b"),
    ("movie", "movie"),
    (".hidden", ".hidden"),
    (".ome.tif", ".ome"),
    ("2024-01-01 x.nd2", "2024-01-01 x"),
]


@pytest.mark.parametrize(("name", "basename"), BASENAMES)
def test_the_basename_is_the_file_name_without_its_suffix(name, basename):
    assert layout.basename(name) == basename


@given(NAMES)
def test_a_basename_is_never_empty(name):
    assert layout.basename(name)
    assert name.startswith(layout.basename(name))


@pytest.mark.parametrize("fov", [0, 999, 1234])
def test_shifts_are_told_from_traces(fov):
    name = layout.shifts_file("a_fov_001_traces", fov)
    assert layout.is_shifts(name)
    assert layout.parse_traces(name) is None
    assert not layout.is_shifts(layout.traces_file("a_shifts", fov))
    assert not layout.is_shifts(f"_fov_{fov:03d}_shifts.csv.tmp")
