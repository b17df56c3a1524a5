"""A tracking method for cells that stay where they are."""

import numpy as np


def still(frames, params):
    """Give a cell the number of the first cell at the pixel in its middle."""
    owners, newest = None, 0
    for labels in frames:
        owners = np.zeros(labels.shape, np.uint32) if owners is None else owners
        tracked = np.zeros(labels.shape, np.uint32)
        given = set()
        for number in np.unique(labels[labels > 0]):
            y, x = np.nonzero(labels == number)
            middle = len(y) // 2
            owner = int(owners[y[middle], x[middle]])
            if owner == 0 or owner in given:
                newest += 1
                owner = newest
            given.add(owner)
            tracked[y, x] = owner
        owners = np.where(owners > 0, owners, tracked)
        yield tracked
