"""Recordings of every format that lack some of their planes."""

import numpy as np
from hypothesis import strategies as st

from pyama.testing.czi_writer import write_czi
from pyama.testing.nd2_writer import write_nd2
from pyama.testing.ometiff_writer import write_ome_tiff

WRITERS = {
    "czi": write_czi,
    "ome.tif": write_ome_tiff,
    "TP.nd2": write_nd2,
    "PT.nd2": write_nd2,
}
SIZES = st.tuples(*(st.integers(1, most) for most in (2, 3, 4, 2)))


def write(folder, kind, images, stored):
    """Write a recording that lacks planes; ND2 lacks them in all channels at the same time."""
    path = folder / f"movie.{kind}"
    places = np.argwhere(~stored)
    options = {"channel_names": ["Phase", "GFP", "RFP"][: images.shape[3]]}
    if kind.endswith("nd2"):
        places = places[places[:, 3] == 0][:, :3]
        options["order"] = kind[:2]
    WRITERS[kind](
        path, images, missing=[tuple(map(int, place)) for place in places], **options
    )
    return path


@st.composite
def recordings(draw):
    """Kind of a file, pixels (P, T, Z, C, H, W), the planes that are stored, and z."""
    kind, sizes = draw(st.sampled_from(sorted(WRITERS))), draw(SIZES)
    n = int(np.prod(sizes))
    bits = st.lists(st.booleans(), min_size=n, max_size=n)
    stored = np.array(draw(bits)).reshape(sizes)
    stored[0, 0, 0, 0] = stored[-1, -1, -1, -1] = True  # else an axis is shorter
    if kind.endswith("nd2"):
        stored[:] = stored[..., :1]
        stored[-1, -1, -1] = True
    images = np.random.default_rng(1).integers(1, 999, (*sizes, 6, 8)).astype(np.uint16)
    plane = st.sampled_from(["middle", "max", *range(sizes[2])])
    z = draw(plane | st.dictionaries(st.integers(0, sizes[3] - 1), plane))
    return kind, images, stored, z
