"""The network that comes with pyama, and what is refused in its place."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from pyama import ProcessingConfig, process
from pyama.algorithms.segmenters.unet import UnetParams
from pyama.config import Channels, ProcessingParams
from pyama.errors import ConfigError
from pyama.processing.external import onnx_network
from pyama.processing.external.onnx_network import SHIPPED, identity, load_network, segment
from pyama.runs.network_notes import network_notes
from pyama.runs.settings import apply_settings
from pyama.testing.checks import check_segmenter
from pyama.testing.synthetic import SyntheticRecording
from small_movie import contents, recording_of

RECORDING = SyntheticRecording(shape=(320, 300), n_cells=9, n_frames=2, n_fovs=2, seed=3)
FRAME = RECORDING.frame(0, 0)[0]
OF_OTHERS = Path(find_spec("onnxruntime").origin).parent / "datasets" / "sigmoid.onnx"
"""A network with one input x and one output y, each (3, 4, 5)."""
NANS = b"\x00\x00\xc0\x7f" * 3


def named(path):
    return UnetParams(model=str(path))


def test_the_network_keeps_the_contract():
    check_segmenter(lambda frame, params: segment(frame, UnetParams()))
    assert SHIPPED.stat().st_size < 3_000_000


def test_any_number_of_threads_gives_the_same_bytes():
    frames = [FRAME, FRAME[::-1].copy(), FRAME[:100]] * 3
    one = [segment(frame, UnetParams()).tobytes() for frame in frames]
    with ThreadPoolExecutor(3) as pool:
        many = pool.map(lambda frame: segment(frame, UnetParams()).tobytes(), frames)
    assert list(many) == one


def test_a_network_with_the_metadata_of_pyama_only_is_not_enough(tmp_path):
    entry = b"\x0a\x0cpyama.format\x12\x011"
    path = tmp_path / "wrong.onnx"
    path.write_bytes(OF_OTHERS.read_bytes() + b"\x72" + bytes([len(entry)]) + entry)
    with pytest.raises(ConfigError, match=r"has the inputs .*'x'.*; expected an image x of"):
        load_network(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            b"",
            r"is not a network that can be used: .*\. Expected a network that was trained",
        ),
        (b"\x80\x04weights", "is not a network that can be used"),
        (OF_OTHERS.read_bytes(), "is not a network of pyama"),
        (SHIPPED.read_bytes()[:-1000], "is not a network"),
        (
            SHIPPED.read_bytes().replace(b"pyama.format\x12\x011", b"pyama.format\x12\x012"),
            r"has the format 2; this version of pyama reads 1\. Train it again",
        ),
        (
            SHIPPED.read_bytes().replace(b"pyama.width\x12\x0225", b"pyama.width\x12\x0230"),
            r"was trained for cells 30 px wide; expected 25\.",
        ),
        (
            re.sub(rb"(?s)(out\.biasJ\x0c).{12}", rb"\1" + NANS, SHIPPED.read_bytes()),
            r"outputs of shape \(1, 3, 32, 48\) from nan to nan .*; expected \(1, 3, 32, 48\)",
        ),
    ],
)
def test_other_files_are_refused(tmp_path, content, told):
    path = tmp_path / "network.onnx"
    path.write_bytes(content)
    for use in (lambda: segment(FRAME, named(path)), lambda: identity(named(path), 0)):
        with pytest.raises(ConfigError, match=told) as error:
            use()
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["missing.onnx", ".", "a\0b"])
def test_a_file_that_cannot_be_read_is_refused_with_what_helps(tmp_path, name):
    with pytest.raises(
        ConfigError, match=r"There is no network .*params\.plugins\.unet\.model"
    ):
        identity(named(tmp_path / name), 0)


def test_a_huge_file_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_network, "LARGEST_FILE", 1 << 20)
    path = tmp_path / "huge.onnx"
    path.write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(ConfigError, match=r"is larger than 1 MB\. Expected"):
        identity(named(path), 0)


def test_results_depend_on_the_weights_and_not_on_the_path(tmp_path):
    copy, tuned = tmp_path / "copy.onnx", tmp_path / "tuned.onnx"
    copy.write_bytes(SHIPPED.read_bytes())
    tuned.write_bytes(SHIPPED.read_bytes() + b"\x72\x06\x0a\x01a\x12\x01b")  # an entry more
    assert identity(named(copy), 0) == identity(UnetParams(), 5)
    assert identity(named(tuned), 0) != identity(UnetParams(), 0)


def with_card(card):
    """Return the bytes of the network with another card."""
    value = json.dumps(card).encode()
    entry = b"\x0a\x0apyama.card\x12" + bytes([len(value)]) + value
    assert len(value) < 100 > len(entry)
    return SHIPPED.read_bytes() + b"\x72" + bytes([len(entry)]) + entry


def test_a_run_says_what_its_network_was_taught_and_if_it_is_told_another_width(tmp_path):
    taught = {"cells": 68, "frames": ["a"], "diameter": 30, "f1_before": 0.1, "f1_after": 0.9}
    for name, card in (("mine.onnx", taught), ("other.onnx", {"diameter": 30})):
        (tmp_path / name).write_bytes(with_card(card))

    metadata = recording_of(np.zeros((1, 1, 2, 8, 8), np.uint16)).metadata

    def notes(name, **params):
        own = {"unet": {"model": str(tmp_path / name)}}
        chosen = ProcessingParams(segmentation_method="unet", plugins=own, **params)
        config = ProcessingConfig(channels=Channels(pc=0), params=chosen)
        return list(network_notes(config, metadata))

    said = (
        "The network mine.onnx was taught 68 cells of 30 px in 1 frame. On others it reached "
        "an F1 of 0.90, the network of pyama 0.10."
    )
    assert notes("mine.onnx", cell_diameter=35) == [said]
    told = "was taught cells 30 px wide, but is told 70 px"
    first, second = notes("mine.onnx")
    assert first == said
    assert told in second
    assert second.endswith("--set cell_diameter=30")
    assert notes("other.onnx") == notes("mine.onnx", copy_only=True) == []
    with pytest.raises(ConfigError, match="There is no network"):
        notes("absent.onnx")


def test_a_network_is_set_by_name():
    found = apply_settings({}, ["segmentation_method=unet", "unet.model=a.onnx"])
    assert found["params"]["plugins"] == {"unet": {"model": "a.onnx"}}


def test_processes_make_the_bytes_that_threads_make(tmp_path):
    images = np.stack([[RECORDING.frame(p, t) for t in range(2)] for p in range(2)])
    params = ProcessingParams(
        segmentation_method="unet",
        plugins={"unet": {"diameter": 45.0}},
        min_frames=1,
        border_margin=0,
        n_workers=2,
    )
    config = ProcessingConfig(channels=Channels(pc=0, fl=[1]), params=params)
    for executor in ("threads", "processes"):
        report = process(recording_of(images), config, tmp_path / executor, executor=executor)
        assert report.succeeded, report.failures
    assert contents(tmp_path / "threads") == contents(tmp_path / "processes")
