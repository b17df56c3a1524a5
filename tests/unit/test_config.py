"""A configuration is read, checked as a whole, and written so that it reads back equal."""

import json
import subprocess
import sys

import pytest
import yaml

from pyama.config import (
    METADATA_KEY,
    ONLY_IF_WRITTEN,
    Channel,
    Channels,
    ProcessingConfig,
    ProcessingParams,
    config_schema,
    default_workers,
    dump_config,
    load_config,
    parse_config,
)
from pyama.errors import ConfigError
from pyama.yaml_files import load_yaml

FORMS = [
    pytest.param({"pc": 0}, Channels(pc=0), id="a number"),
    pytest.param({"pc": {"channel": 0}}, Channels(pc=0), id="in full"),
    pytest.param(
        {"pc": [0, ["area"]]},
        Channels(pc=Channel(channel=0, features=("area",))),
        id="short with features",
    ),
    pytest.param(
        {"fl": [1, [2, []], {"channel": 3, "features": ["intensity_mean"]}]},
        Channels(
            fl=(
                Channel(channel=1),
                Channel(channel=2, features=()),
                Channel(channel=3, features=("intensity_mean",)),
            )
        ),
        id="every form in one list",
    ),
    pytest.param({"fl": []}, Channels(), id="no fluorescence"),
    pytest.param({"pc": None, "fl": [1]}, Channels(fl=[1]), id="no phase contrast"),
]


@pytest.mark.parametrize(("entries", "channels"), FORMS)
def test_channels_are_read_in_full_and_in_short(entries, channels):
    assert parse_config("x", {"channels": entries}).channels == channels
    assert Channels.model_validate(entries) == channels


def test_channels_know_their_ids():
    assert Channels(pc=3, fl=[1, 2]).ids == (3, 1, 2)
    assert Channels().ids == ()


def test_features_left_out_are_the_default_and_none_are_none():
    config = ProcessingConfig(channels=Channels(pc=0, fl=[1, (2, []), (3, ["intensity_max"])]))
    assert config.phase_features() == ("area", "aspect_ratio")
    assert config.fluorescence_features() == {
        1: ("intensity_total", "intensity_mean"),
        2: (),
        3: ("intensity_max",),
    }
    assert ProcessingConfig().phase_features() == ()
    assert ProcessingConfig(channels={"pc": [0, []]}).phase_features() == ()


WRONG = [
    pytest.param(
        {"channels": {"pc": 1, "fl": [1]}}, "channel 1 is listed twice", id="pc = fl"
    ),
    pytest.param({"channels": {"fl": [2, 2]}}, "channel 2 is listed twice", id="fl twice"),
    pytest.param(
        {"channels": {"pc": [0, ["area", "area"]]}},
        r"channels\.pc\.features = .*: feature area is listed twice",
        id="a feature twice",
    ),
    pytest.param(
        {"channels": {"pc": -1}}, r"channels\.pc\.channel = -1: .* 0", id="negative channel"
    ),
    pytest.param({"channels": {"pc": True}}, r"channels\.pc = True", id="true as channel"),
    pytest.param({"channels": {"pc": [0]}}, r"channels\.pc = \[0\]", id="list of one"),
    pytest.param(
        {"channels": {"fl": 1}}, r"channels\.fl = 1: expected a list", id="fl no list"
    ),
    pytest.param(
        {"chanels": {}}, r"chanels: unknown name; did you mean channels\?", id="typo"
    ),
    pytest.param({"nonsense": 1}, r"nonsense = 1: unknown name$", id="nothing near"),
    pytest.param(
        {"params": {"min_iou": 2}},
        r"min_iou = 2: expected at most 1",
        id="bound",
    ),
    pytest.param({"params": {"morf_size": 7}}, r"morf_size = 7: .*morph_size\?", id="name"),
    pytest.param(
        {"params": {"min_object_size": 20_000}},
        r"max_object_size = 10000: min_object_size \(20000 px²\) must not exceed "
        r"max_object_size \(10000 px²\)",
        id="limits in the wrong order",
    ),
    pytest.param(
        {"params": {"features": {"fase": []}}}, r"features\.fase = \[\]", id="nested"
    ),
    pytest.param(
        {"params": {"min_size": 9, "max_size": 8}},
        r"max_size = 8: min_size \(9 px²\) must not exceed max_size \(8 px²\)",
        id="limits of tracking in the wrong order",
    ),
    pytest.param(
        {"params": {"features": {"phase": ["area", "area"]}}},
        r"features\.phase = .*: feature area is listed twice",
        id="a default feature twice",
    ),
    pytest.param(
        {"params": {"z": "top"}},
        r"has 1 wrong entry:\n  z = 'top': expected 'middle', 'max' or the index",
        id="one line for a value of two types",
    ),
    pytest.param({1: 2}, "1 = 1: Keys should be strings", id="a number as name"),
    pytest.param(
        [1], "x holds a list; expected the sections 'channels' and 'params'", id="list"
    ),
    pytest.param("text", "x holds a str; expected", id="text"),
]


@pytest.mark.parametrize(("entries", "message"), WRONG)
def test_a_wrong_entry_is_named(entries, message):
    with pytest.raises(ConfigError, match=message):
        parse_config("x", entries)


def test_all_wrong_entries_are_named_at_once():
    entries = {
        "channels": {"pc": {"channel": -1}, "fl": [1, {"chanel": 2}]},
        "params": {
            "min_iou": 2,
            "morf_size": 7,
            "border_margin": -5,
            "min_frames": "many",
            "min_object_size": 7,
            "max_object_size": 6,
        },
    }
    with pytest.raises(ConfigError) as caught:
        parse_config("run.yaml", entries)
    first, *lines = str(caught.value).splitlines()
    assert first == "run.yaml has 8 wrong entries:"
    assert {line.split(" = ")[0].split(": ")[0].strip() for line in lines} == {
        "channels.pc.channel",
        "channels.fl.1.channel",
        "channels.fl.1.chanel",
        "min_frames",
        "border_margin",
        "min_iou",
        "morf_size",
        "max_object_size",
    }


@pytest.mark.parametrize("entries", [None, {}, {"params": None, "channels": None}])
def test_nothing_written_is_the_default(entries):
    assert parse_config("x", entries) == ProcessingConfig()


def test_a_weight_outside_is_clipped_with_a_warning(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("params: {background_weight: 1.5}")
    with pytest.warns(UserWarning, match="background_weight is 1.5; expected 0 to 1"):
        assert load_config(path).params.background_weight == 1.0


CONFIGS = [
    pytest.param(ProcessingConfig(), id="defaults"),
    pytest.param(
        ProcessingConfig(
            channels=Channels(pc=0, fl=[1, (2, []), (3, ["intensity_max"])]),
            params=ProcessingParams(
                z="max",
                frame_interval=7.5,
                n_workers=3,
                batch_size=5,
                plugin_timeout=3,
                cells="zip",
                time_mapping={0: 0.0, 1: 2.5},
                max_object_size=None,
                background_weight=0.3,
                features={"phase": [], "fluorescence": ["intensity_max"]},
            ),
        ),
        id="everything written",
    ),
    pytest.param(ProcessingConfig(params={"min_iou": 1 / 3, "z": 4}), id="a third"),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_a_configuration_survives_yaml(tmp_path, config):
    path = tmp_path / "c.yaml"
    entries = {**dump_config(config), METADATA_KEY: {"path": "somewhere"}}
    path.write_text(yaml.safe_dump(entries), encoding="utf-8")
    found = load_config(path)
    assert found == config
    assert dump_config(found) == dump_config(config)
    optional = set(ONLY_IF_WRITTEN)
    written = config.params.model_fields_set & optional
    assert found.params.model_fields_set & optional == written
    assert json.loads(json.dumps(dump_config(config))) == dump_config(config)


def test_a_default_of_one_machine_binds_no_other(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    entries = dump_config(ProcessingConfig())
    assert not set(ONLY_IF_WRITTEN) & set(entries["params"])
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    assert parse_config("x", entries).params.n_workers == 8
    assert dump_config(ProcessingConfig(params={"n_workers": 3}))["params"]["n_workers"] == 3


@pytest.mark.parametrize(("cores", "workers"), [(1, 1), (6, 6), (64, 8), (None, 1)])
def test_there_is_one_worker_per_core_up_to_eight(monkeypatch, cores, workers):
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    assert default_workers() == ProcessingParams().n_workers == workers


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(
        "\ufeff# saved with a byte order mark\n"
        "channels:\n"
        "  pc: {channel: 0, features: [area]}\n"
        "  fl: [[1, [intensity_total]]]\n"
        "params:\n",
        encoding="utf-8",
    )
    config = load_config(path)
    assert (config.phase_features(), config.channels.ids) == (("area",), (0, 1))


HOSTILE = [
    pytest.param("!!python/object/apply:os.system [exit 1]", id="a call"),
    pytest.param("!!python/name:os.system", id="a function"),
    pytest.param("params: !!python/object:pyama.config.Channel {channel: 1}", id="an object"),
    pytest.param("[", id="cut off"),
    pytest.param("a: b: c", id="no YAML"),
    pytest.param("a: !unknown 5", id="unknown tag"),
    pytest.param("? [1]\n: 2", id="a list as key"),
    pytest.param("a: 2024-99-99", id="no date"),
    pytest.param("\x00", id="zero"),
]


def test_mistakes_in_yaml_are_told_in_one_line_with_their_place(tmp_path):
    (tmp_path / "c.yaml").write_text("x: [\n")
    with pytest.raises(ConfigError, match=r"is not valid YAML: .+ at line 2, col") as caught:
        load_yaml(tmp_path / "c.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_yaml_is_refused(tmp_path, text):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"c\.yaml is not valid YAML"):
        load_yaml(path)


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, "{a: " * 20_000])
def test_deep_nesting_is_refused_and_does_not_end_the_process(tmp_path, text):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    code = (
        "import sys; from pathlib import Path; from pyama.yaml_files import load_yaml\n"
        "try: load_yaml(Path(sys.argv[1]))\n"
        "except ValueError as error: print(str(error)[-60:])"
    )
    command = [sys.executable, "-c", code, str(path)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "inside each other" in found.stdout


def test_a_bomb_of_references_is_refused_in_few_words():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30)]
    entries = yaml.safe_load("\n".join(lines))
    with pytest.raises(ConfigError) as caught:
        parse_config("x", {"params": {"features": {"phase": entries["a29"]}}, "y": entries})
    assert len(str(caught.value)) < 5_000


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(
        ConfigError, match=r"none\.yaml cannot be read: it does not exist; check"
    ):
        load_config(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff")
    with pytest.raises(ConfigError, match=r"latin\.yaml cannot be read: it is not UTF-8 text"):
        load_config(tmp_path / "latin.yaml")


def test_the_schema_is_json_and_refuses_unknown_names():
    schema = json.loads(json.dumps(config_schema()))
    assert set(schema["properties"]) == {"channels", "params"}
    params = schema["$defs"]["ProcessingParams"]
    assert params["additionalProperties"] is False
    assert params["properties"]["tile_size"]["unit"] == "px"
    assert set(params["properties"]) == set(ProcessingParams.model_fields)
