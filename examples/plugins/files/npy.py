"""npy: recordings saved with numpy.save, axes (fov, frame, channel, y, x)."""

import numpy as np

from pyama.readers import READERS
from pyama.readers.array import ArrayReader


@READERS.register("npy")
def open_npy(path, z):
    """Return a reader, or None if the file is of another kind.

    Args:
        path: A file or folder.
        z: Which plane of a z stack is wanted: its index, `middle` or `max`.
    """
    if path.suffix != ".npy":
        return None
    reader = ArrayReader(np.load(path, mmap_mode="r"), basename=path.stem)
    reader.metadata = reader.metadata.replace(path=path)
    return reader
