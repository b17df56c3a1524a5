"""my_reader: read arrays saved with numpy.save, axes (fov, frame, channel, y, x)."""

import numpy as np

from pyama.readers import READERS
from pyama.readers.array import ArrayReader


@READERS.register("my_reader")
def open_my_reader(path, z):
    """Return a reader, or None if the file has another format.

    Args:
        path: A file or folder.
        z: Plane of a z stack to read: its index, `middle` or `max`.
    """
    if path.suffix != ".npy":
        return None
    reader = ArrayReader(np.load(path, mmap_mode="r"), basename=path.stem)
    reader.metadata = reader.metadata.replace(path=path)
    return reader
