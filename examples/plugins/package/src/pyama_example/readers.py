"""A reader: several channels as arrays in one file of numpy.savez."""

import numpy as np

from pyama.readers.array import ArrayReader


def open_stack(path, z):
    """Open `.npz` files whose arrays are channels with the axes (frame, y, x)."""
    if path.suffix != ".npz":
        return None
    with np.load(path) as channels:
        names = sorted(channels.files)
        images = np.stack([channels[name] for name in names], axis=1)
    reader = ArrayReader([images], names, basename=path.stem)
    reader.metadata = reader.metadata.replace(path=path)
    return reader
