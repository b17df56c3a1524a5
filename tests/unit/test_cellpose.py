"""Cellpose itself, with a tiny network of random weights, where it is installed."""

import numpy as np
import pandas as pd
import pytest

from pyama.errors import ConfigError
from pyama.processing.external import cellpose
from pyama.processing.external.cellpose import CellposeParams
from pyama.processing.workflow import process
from pyama.testing.checks import check_segmenter
from small_movie import MOVIE, make_config, recording_of

vit = pytest.importorskip("cellpose.vit", reason="cellpose is not installed")
build_sam = pytest.importorskip("segment_anything.build_sam")
torch = pytest.importorskip("torch")
FRAME = MOVIE[0, 0, 0]


@pytest.fixture
def network(monkeypatch):
    """A network like that of Cellpose, a thousandth of its size."""

    def tiny(checkpoint):
        return build_sam._build_sam(32, 2, 2, [], checkpoint)

    monkeypatch.setattr(vit, "sam_model_registry", {"vit_l": tiny})
    cellpose._network.cache_clear()
    torch.manual_seed(0)
    yield vit.CPSAM()
    cellpose._network.cache_clear()


@pytest.fixture
def tiny(network, tmp_path):
    network.save_model(tmp_path / "tiny.pt")
    # Random weights find something where the shape of cells may be any.
    return CellposeParams(model=str(tmp_path / "tiny.pt"), flow_threshold=0, diameter=60)


def test_random_weights_give_the_same_labels_each_time(tiny):
    found = cellpose.segment(FRAME, tiny)
    assert found.shape == FRAME.shape
    assert found.max() > 1
    np.testing.assert_array_equal(np.unique(found), np.arange(found.max() + 1))
    cellpose._network.cache_clear()
    np.testing.assert_array_equal(cellpose.segment(FRAME, tiny), found)


def test_cellpose_keeps_the_contract(tiny):
    check_segmenter(lambda frame, params: cellpose.segment(frame, tiny))


def test_every_parameter_has_an_effect(tiny):
    found = cellpose.segment(FRAME, tiny)
    for changed in ({"diameter": 50.0}, {"cellprob_threshold": 0.2}, {"flow_threshold": 0.4}):
        other = cellpose.segment(FRAME, tiny.model_copy(update=changed))
        assert not np.array_equal(other, found), changed


def test_a_run_with_cellpose(tiny, tmp_path):
    config = make_config(
        segmentation_method="cellpose",
        min_object_size=1,
        border_margin=0,
        plugins={"cellpose": tiny.model_dump()},
    )
    report = process(recording_of(MOVIE[:1, :3]), config, tmp_path / "out")
    assert report.succeeded, report.failures
    assert len(pd.read_csv(next((tmp_path / "out").rglob("*_traces.csv"))))


@pytest.mark.parametrize("kept", [0.0, 0.5])
def test_weights_of_a_part_of_the_network_are_refused(tiny, network, tmp_path, kept):
    weights = list(network.state_dict().items())
    torch.save(dict(weights[round(kept * len(weights)) :][::-1][1:]), tmp_path / "part.pt")
    with pytest.raises(ConfigError, match=r"cannot use .*part\.pt: "):
        cellpose.segment(FRAME, CellposeParams(model=str(tmp_path / "part.pt")))


def test_a_file_that_runs_code_is_refused(network, tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("code ran",))

    torch.save({"W2": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(
        ConfigError, match=r"evil\.pt does not contain weights, or contains other"
    ):
        cellpose.segment(FRAME, CellposeParams(model=str(tmp_path / "evil.pt")))
