# ruff: noqa: T201 (with -s one sees the figures)
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import tifffile
from skimage.io import imread

from label_metrics import foreground_iou, object_f1, seg
from pyama.algorithms.kernels.labels import limit_sizes
from pyama.algorithms.params import LogStdParams, WatershedParams
from pyama.algorithms.segmenters import logstd, watershed
from pyama.readers import open_reader

DATA = Path(__file__).parents[3] / "shared" / "data" / "phase" / "usiigaci"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the real data in {DATA}")
SEGMENTERS = {
    "logstd": (logstd.segment, LogStdParams()),
    "watershed": (watershed.segment, WatershedParams()),
}


@cache
def unlimited(method):
    """Labels of the nine fields with large cells by `method`, and what an expert drew."""
    segment, params = SEGMENTERS[method]
    raw = sorted(DATA.glob("set0*_raw.tif"))
    drawn = sorted(DATA.glob("set0*_instances_ids.png"))
    assert len(raw) == len(drawn) == 9
    return [
        (segment(tifffile.imread(a), params), imread(b).astype(np.uint16))
        for a, b in zip(raw, drawn, strict=True)
    ]


# method, largest object; least mean of foreground IoU, F1 and SEG, least IoU of a field
@pytest.mark.parametrize(
    ("method", "max_area", "iou", "f1", "score", "worst"),
    [
        ("logstd", None, 0.66, 0.37, 0.36, 0.5),
        ("watershed", None, 0.70, 0.81, 0.65, 0.55),
        ("watershed", 10_000, 0.67, 0.81, 0.64, 0.55),
    ],
)
def test_cells_are_found_as_an_expert_drew_them(method, max_area, iou, f1, score, worst):
    fields = [
        (limit_sizes(found, 50, max_area)[0], drawn) for found, drawn in unlimited(method)
    ]
    scores = np.array(
        [[s(*field) for s in (foreground_iou, object_f1, seg)] for field in fields]
    )
    print(f"\n{method}, at most {max_area} px²: foreground IoU, F1, SEG")
    print(np.vstack([scores, scores.mean(axis=0)]).round(3))
    assert (scores.mean(axis=0) >= (iou, f1, score)).all()
    assert scores[:, 0].min() >= worst


DECONVOLVED = DATA.parents[1] / "czi" / "CellDivision_T3_Z6_CH1_X300_Y200_DCV_ZSTD.czi"


@pytest.mark.parametrize("z", range(6))
def test_a_nucleus_on_a_background_of_zeros_is_found(z):
    """With an offset and noise, which hide its faint parts, it is found as well."""
    with open_reader(DECONVOLVED, z) as reader:
        frames = [reader.read(0, t, [0])[0] for t in range(3)]
    noise = np.random.default_rng(0).normal(100, 5, frames[0].shape)
    for frame in frames:
        found = logstd.segment(frame, LogStdParams())
        noisy = logstd.segment(np.round(frame + noise).astype(np.uint16), LogStdParams())
        assert np.bincount(found.ravel())[1:].max() > 0.25 * frame.size
        assert foreground_iou(found, noisy) > 0.65  # 0.70 at least, when this was written


def test_the_default_limit_drops_a_fifth_of_the_area_where_cells_touch():
    removed = [limit_sizes(found, 50, 10_000)[1] for found, _ in unlimited("logstd")]
    dropped = [r.large_area / (r.large_area + r.small_area + r.kept_area) for r in removed]
    print("\nshare of the foreground dropped as too large:", np.round(dropped, 2))
    assert sum(share > 0.2 for share in dropped) >= 5
