"""The network is taught from the corrected frames of a run."""

import numpy as np
import pytest

from pyama.errors import ConfigError
from pyama.store import FovStore, canonical
from pyama.traces.corrected_labels import save_corrected_labels
from pyama.training.labelled_folder import read_folder
from results import results_in
from small_movie import n_cells


@pytest.fixture
def folder(tmp_path):
    return results_in(tmp_path)


def stack(folder, group, fov):
    return FovStore(folder, fov).stack(group)


def test_corrected_frames_are_examples_with_all_their_cells(folder):
    for fov, frame in ((1, 4), (0, 3)):
        labels = stack(folder, "seg_labeled_ch_0", fov)[frame]
        save_corrected_labels(folder, fov, {frame: np.where(labels == 2, 0, labels)})
    frames, notes = read_folder(folder)
    assert [(f.name, f.n_cells) for f in frames] == [
        ("FOV 0, frame 3", 3),
        ("FOV 1, frame 4", n_cells(1) - 1),
    ]
    assert notes == []
    labels = stack(folder, "seg_labeled_ch_0", 0)[3]
    expected = canonical(np.where(labels == 2, 0, labels))
    rows, columns = np.nonzero(expected)
    whole = stack(folder, "pc_ch_0", 0)[3]
    assert frames[0].areas.sum() == np.count_nonzero(expected)
    inside = frames[0].frame[frames[0].labels > 0]
    np.testing.assert_array_equal(inside, whole[rows, columns])


def test_a_corrected_frame_without_cells_is_left_out(folder):
    labels = stack(folder, "seg_labeled_ch_0", 0)[0]
    save_corrected_labels(
        folder, 0, {0: np.zeros_like(labels), 1: np.where(labels == 1, 0, labels)}
    )
    frames, notes = read_folder(folder)
    assert [frame.name for frame in frames] == ["FOV 0, frame 1"]
    assert notes == ["1 corrected frame without a cell is not used."]


def test_results_without_corrections_are_refused(folder):
    with pytest.raises(ConfigError, match=r"No labels were corrected in .*napari"):
        read_folder(folder)
