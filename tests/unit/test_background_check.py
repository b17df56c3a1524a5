"""What is said about tiles that cannot be trusted."""

import numpy as np
import pytest
from benchmarks.background import METHODS, SCENES, Scene, draw, mild, steep, vignetting

from pyama.algorithms.background_check import tiles_doubt
from pyama.algorithms.background_surface import estimate
from pyama.analysis.advice.background_advice import background_advice
from pyama.config import ProcessingParams
from small_movie import MOVIE, recording_of

CASES = [
    (Scene(mild, size=512), None),
    (Scene(mild, size=512, haze=0.1), None),
    (Scene(vignetting, size=512), "steep"),
    (Scene(steep, covered=0.8, size=512), "crowded"),
    (SCENES["128 px, steep"], "small"),
]


@pytest.mark.parametrize(("scene", "cause"), CASES)
def test_the_cause_is_found(scene, cause):
    drawn = draw(scene)
    params = ProcessingParams()
    found = estimate(drawn.frame, drawn.mask, params)
    doubt = tiles_doubt(drawn.frame, drawn.mask, params, None, found)
    assert (doubt and doubt.cause) == cause
    if doubt:
        planes = estimate(drawn.frame, drawn.mask, METHODS["planes"]).background
        expected = np.sqrt(np.mean((found.background.astype(float) - planes) ** 2))
        assert doubt.counts == pytest.approx(expected)


def test_a_frame_without_visible_background_gives_no_doubt():
    frame = np.full((50, 60), 900, np.uint16)
    mask = np.ones(frame.shape, np.bool_)
    found = estimate(frame, mask, ProcessingParams())
    assert tiles_doubt(frame, mask, ProcessingParams(), None, found) is None


def test_every_channel_is_named_once():
    def noted(counts, cause, frame=0):
        doubt = {"counts": counts, "cause": cause, "frame": frame}
        return {"background": {"fl_background_ch_1/0": {"doubt": doubt}}}

    outputs = {0: noted(7.4, "crowded"), 1: {"background": {}}, 2: noted(31.6, "steep", 9)}
    (line,) = background_advice(outputs, recording_of(MOVIE).metadata)
    assert line == (
        "FOV 0,2: in GFP, the background is inaccurate, because the light changes within "
        "tiles, or bright objects are not in the mask: it is up to 32 counts (frame 9) off "
        "from robust planes. Try --set background_method=planes"
    )
    assert line.settings == ({"background_method": "planes"},)
