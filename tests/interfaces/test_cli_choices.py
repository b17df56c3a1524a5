"""What users type for fields of view, channels and parameters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyama.cli.terminal import make_printable
from pyama.errors import ConfigError
from pyama.fov_ranges import fovs_text, parse_fovs
from pyama.runs.channels import channel_kind, find_channel, propose_channels
from pyama.runs.settings import apply_settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0-3,7", [0, 1, 2, 3, 7]),
        ("0,5", [0, 5]),
        ("4", [4]),
        (" 1 - 2 , 0 ", [1, 2, 0]),
        ("3,1-3,3", [3, 1, 2]),
    ],
)
def test_fovs_are_lists_and_inclusive_ranges(text, expected):
    assert parse_fovs(text, 8) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not a field of view"),
        ("a", "'a' is not a field of view.*such as 0-3,7"),
        ("1,,2", "'' is not a field of view"),
        ("-1", "'-1' is not a field of view"),
        ("1:3", "'1:3' is not"),
        ("1.5", "'1.5' is not"),
        ("3-0", "'3-0' is in descending order. Write 0-3"),
        ("0-8", "FOV 8 does not exist. The recording has 8, numbered 0 to 7"),
        ("0-99999999999", "FOV 99999999999 does not exist"),
    ],
)
def test_a_wrong_list_of_fovs_says_what_is_expected(text, message):
    with pytest.raises(ConfigError, match=message):
        parse_fovs(text, 8)


@given(st.sets(st.integers(0, 300), min_size=1))
def test_fovs_survive_being_written_and_read(fovs):
    assert parse_fovs(fovs_text(fovs), 301) == sorted(fovs)


def test_no_fovs_have_a_name_too():
    assert fovs_text([]) == "none"


PHASE = ["Phase", "PhC", "PH", "Ph2", "BF", "Brightfield", "Bright Field", "DIC", "TL",
         "TL DIC", "trans", "Transmitted", "T-PMT", "phase contrast 10x", "PC",
         "Bright", "DIA", "TD", "ESID", "Hellfeld", "Ph1", "PhL", "DIC N2", "Trans", "T PMT",
         "PhaseContrast", "TL Halogen Lamp", "Durchlicht"]  # fmt: skip
FLUORESCENCE = ["GFP", "EGFP", "RFP", "YFP", "mCherry", "FITC", "FITC BP", "DAPI", "Cy5",
                "TRITC", "Alexa 488", "AF488", "tdTomato", "Hoechst 33342", "LED470",
                "5-FAM/pH 9.0", "561nm", "Texas Red", "TxRed", "mNeonGreen",
                "640", "Ex 488", "Fluo-4", "SiR-DNA", "Calcium indicator", "pHrodo Red",
                "Phalloidin", "iRFP", "Cy 5", "JF646", "Transferrin-488"]  # fmt: skip
NEITHER = ["", "Camera 1", "C0", "Mono", "Ch1-T2", "Green", "TL GFP", "12345", "Medic",
           "Indicator", "predicted", "radical", "Lambda", "Optical", "Metaphase", "Family",
           "Graph", "Halogen", "Det PMT", "Widefield"]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, "pc") for name in PHASE]
    + [(name, "fl") for name in FLUORESCENCE]
    + [(name, None) for name in NEITHER],
)
def test_names_tell_the_kind_of_channel(name, kind):
    assert channel_kind(name) == kind


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Phase", "GFP", "RFP"], (0, [1, 2])),
        (["DAPI", "BF"], (1, [0])),
        (["GFP", "TD"], (1, [0])),
        (["GFP", "Dia"], (1, [0])),
        (["GFP", "TL"], (1, [0])),
        (["DAPI", "ESID"], (1, [0])),
        (["GFP", "PC"], (1, [0])),
        (["Calcium indicator", "Brightfield"], (1, [0])),
        (["Calcium indicator", "Camera 2"], None),
        (["Phase"], (0, [])),
        (["Phase", "BF", "GFP"], None),
        (["GFP", "RFP"], None),
        (["Phase", "Camera 2"], None),
        ([], None),
    ],
)
def test_channels_are_proposed_only_without_doubt(names, expected):
    assert propose_channels(names) == expected


NAMES = ["Phase", "GFP 488", "GFP long", "2", "éGFP"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("phase", 0), ("PHASE ", 0), ("gfp 488", 1), ("long", 2), ("488", 1), ("4", 4),
     ("ÉGFP", 4)],
)  # fmt: skip
def test_a_channel_is_found_by_index_name_or_part_of_it(text, expected):
    assert find_channel(text, NAMES, "--fl") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gfp", r"--fl gfp means 3 channels(.|\n)*1  GFP 488"),
        ("2", r"--fl 2 means 2 channels"),
        ("5", r"--fl 5 is not a channel(.|\n)*0  Phase"),
        ("", r"is not a channel"),
        ("rfp", r"--fl rfp is not a channel"),
    ],
)
def test_a_channel_that_is_not_clear_lists_what_there_is(text, message):
    with pytest.raises(ConfigError, match=message):
        find_channel(text, NAMES, "--fl")


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("min_iou=0.3", {"min_iou": 0.3}),
        ("params.min_frames=5", {"min_frames": 5}),
        ("max_object_size=null", {"max_object_size": None}),
        ("z=max", {"z": "max"}),
        ("segmentation_method = watershed", {"segmentation_method": "watershed"}),
        ("time_mapping={0: 0, 1: 12.5}", {"time_mapping": {0: 0, 1: 12.5}}),
        ("features={phase: [area]}", {"features": {"phase": ["area"]}}),
    ],
)
def test_a_setting_is_a_yaml_value(setting, expected):
    assert apply_settings({}, [setting]) == {"params": expected}


def test_settings_of_one_method_are_collected():
    typed = ["kalman.max_step=3", "kalman.acceleration=2", "kalman.max_step=4"]
    plugins = {"kalman": {"max_step": 7, "acceleration": 5}}
    entries = {"params": {"plugins": plugins}}
    changed = apply_settings(entries, [typed[0], typed[2]])["params"]["plugins"]
    assert changed == {"kalman": {"max_step": 4, "acceleration": 5}}
    assert apply_settings({}, typed[:2])["params"]["plugins"] == {
        "kalman": {"max_step": 3, "acceleration": 2}
    }


def test_settings_override_the_file_and_leave_the_rest():
    entries = {"channels": {"pc": 1}, "params": {"min_iou": 0.2, "min_frames": 9}}
    changed = apply_settings(entries, ["min_iou=0.3", "min_iou=0.4"])
    assert changed == {"channels": {"pc": 1}, "params": {"min_iou": 0.4, "min_frames": 9}}
    assert entries["params"]["min_iou"] == 0.2


def test_all_wrong_settings_are_named_at_once():
    settings = ["min_iuo=0.3", "min_frames=-1", "border_margin", "min_size=[1", "min_iou=2"]
    with pytest.raises(ConfigError) as caught:
        apply_settings({}, settings)
    for expected in (
        "min_iuo: no such parameter; did you mean min_iou",
        "min_frames = -1: expected at least 0",
        "border_margin: write NAME=VALUE",
        "'[1' is not a YAML value",
        "min_iou = 2: expected at most 1",
    ):
        assert expected in str(caught.value)


def test_text_from_files_cannot_command_the_terminal():
    assert make_printable("a\x1b[31m\x07\r\nb µ") == "a\ufffd[31m\ufffd\ufffd\nb µ"
