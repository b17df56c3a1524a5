"""The pages on Fiji and napari run as they are written."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest
import tifffile

from pyama.store import FovStore, StoredArray, canonical
from results import results_in

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page):
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)


def run(block, name="block.py"):
    Path(name).write_text(block, encoding="utf-8")
    runpy.run_path(name)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return results_in(tmp_path)


def test_fiji_gets_images_with_their_scale_and_gives_masks_back(folder):
    write, read = blocks("howto/fiji.md")
    run(write)
    with tifffile.TiffFile("background.tif") as file:
        assert file.is_imagej
        assert file.series[0].axes == "TYX"
        assert file.imagej_metadata["finterval"] == 600
        assert file.imagej_metadata["unit"] == "um"
        across, of = file.pages.first.tags["XResolution"].value
        assert of / across == pytest.approx(0.65, rel=1e-5)
        background = np.stack(list(FovStore(folder, 0).stack("fl_background_ch_1")))
        np.testing.assert_array_equal(file.asarray(), background)
    labels = FovStore(folder, 0).stack("seg_labeled_ch_0")[3]
    corrected = np.where(labels == 1, 0, labels)
    tifffile.imwrite("masks_of_frame_3.tif", corrected)
    run(read)
    stored = next(folder.glob("fov_000/seg_corrected_ch_0.zarr/0/c.3.0.0"))
    assert stored.stat().st_size > 0


def test_labels_are_corrected_from_python(folder):
    (block,) = blocks("napari.md")
    run(block.replace("[12]", "[2]").replace("12:", "2:").replace("== 7", "== 3"))
    labels = FovStore(folder, 0).stack("seg_tracked_ch_0")[2]
    expected = canonical(np.where(labels == 3, 0, labels))
    found = StoredArray(folder / "fov_000/seg_corrected_ch_0.zarr/0").frame(2)
    np.testing.assert_array_equal(found, expected)
