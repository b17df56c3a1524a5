"""`pyama config`."""

import json

import pytest

from pyama.cli.config_example import SWITCHED_OFF
from pyama.config import ProcessingConfig, ProcessingParams, load_config


def test_the_example_reads_back_as_the_defaults(pyama, tmp_path):
    path = tmp_path / "mine.yaml"
    done = pyama("config", "init", path)
    assert done.exit_code == 0
    config = load_config(path)
    assert config == ProcessingConfig()
    assert not SWITCHED_OFF & config.params.model_fields_set
    assert pyama("config", "check", path).exit_code == 0
    assert pyama("config", "init").stdout == path.read_text(encoding="utf-8")


def test_the_example_shows_every_parameter_with_its_meaning(pyama):
    lines = pyama("config", "init").stdout.splitlines()
    for name in ProcessingParams.model_fields:
        where = [i for i, line in enumerate(lines)
                 if line.removeprefix("  # ").strip().startswith(f"{name}:")]  # fmt: skip
        assert len(where) == 1, name
        assert lines[where[0] - 1].startswith("  # "), name
    text = "\n".join(lines)
    assert "(px, 2 to 255, default 3)" in text
    assert "(px², 0 or more or null, default 10000)" in text
    assert "removes all below about 180 px²" in " ".join(text.replace("#", " ").split())
    assert max(map(len, lines)) <= 95


def test_the_commented_parts_of_the_example_are_valid_too(pyama, tmp_path):
    text = pyama("config", "init").stdout
    for part in ("channels:", "  pc: {", "  fl:", "    - {channel"):
        assert f"# {part}" in text
        text = text.replace(f"# {part}", part)
    text = text.replace("  # frame_interval: ", "  frame_interval: ")
    path = tmp_path / "on.yaml"
    path.write_text(text, encoding="utf-8")
    config = load_config(path)
    assert config.channels.ids == (0, 1)
    assert "frame_interval" in config.params.model_fields_set


def test_the_example_overwrites_nothing(pyama, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("precious")
    done = pyama("config", "init", path)
    assert (done.exit_code, path.read_text()) == (2, "precious")
    assert "exists and is not overwritten" in done.stderr


def test_the_schema_is_json_with_units(pyama):
    schema = json.loads(pyama("config", "schema").stdout)
    assert schema["$defs"]["ProcessingParams"]["properties"]["border_margin"]["unit"] == "px"


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("params: {min_iou: 2, min_frames: -1, nonsense: 1}",
         ["min_iou = 2", "min_frames = -1", "nonsense"]),
        ("channels: {pc: 0, fl: [0]}", ["channel 0 is listed twice"]),
        ("[1, 2]", ["holds a list"]),
        ("params: {", ["not valid YAML"]),
        ("params: {segmentation_method: otsu}\nchannels: {pc: [0, [size]], fl: [[1, [mood]]]}",
         ["segmentation_method: Unknown segmentation method 'otsu'. Available: ",
          "channels.pc.features: Unknown feature 'size'",
          "channels.fl.0.features: Unknown feature 'mood'"]),
        ("params: {features: {phase: [size]}, tracking_method: x, preprocessors: [y]}\n"
         "channels: {pc: 0}",
         ["features.phase: Unknown feature 'size'", "tracking_method: Unknown",
          "params.preprocessors.0: Unknown preprocessor 'y'. Available: none."]),
        (None, ["cannot be read"]),
    ],
)  # fmt: skip
def test_all_mistakes_are_named_at_once(pyama, tmp_path, text, messages):
    path = tmp_path / "bad.yaml"
    if text is not None:
        path.write_text(text)
    done = pyama("config", "check", path)
    assert done.exit_code == 2
    for message in messages:
        assert message in done.stderr


def test_a_configuration_of_channels_in_another_order_is_refused(pyama, tmp_path, movie_file):
    from pyama.testing.nd2_writer import write_nd2
    from small_movie import MOVIE

    out, options = tmp_path / "out", ["--fovs", "0", "--copy-only"]
    assert pyama("run", movie_file, "-o", out, *options).exit_code == 0
    config = ["--config", out / "processing_config.yaml"]
    images = MOVIE[:1, :2, None]
    swapped, renamed = tmp_path / "swapped.nd2", tmp_path / "renamed.nd2"
    write_nd2(swapped, images[:, :, :, ::-1], channel_names=["GFP", "Phase"])
    done = pyama("run", swapped, "-o", tmp_path / "swapped", *config)
    assert done.exit_code == 2
    assert "Phase was channel 0, GFP was channel 1. Name them with --pc" in done.stderr
    assert not (tmp_path / "swapped").exists()
    chosen = pyama(
        "plan", swapped, "-o", tmp_path / "o", *config, "--pc", "Phase", "--fl", "GFP"
    )
    assert chosen.exit_code == 0
    write_nd2(renamed, images, channel_names=["Phase", "FITC"])
    done = pyama("plan", renamed, "-o", tmp_path / "o", *config)
    assert done.exit_code == 0
    assert "Channel 1 is FITC; the configuration was written for" in done.stdout + done.stderr
