"""A smooth surface through scattered values: a cubic spline with a penalty for bending.

The penalty on differences of neighbouring coefficients is that of P-splines (Eilers and Marx,
1996, https://doi.org/10.1214/ss/1038425655), in two dimensions that of a thin plate (Duchon,
1977, https://doi.org/10.1007/BFb0086566): planes cost nothing, and the surface continues as a
plane where there are no values.
"""

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import kernel

BENDING = 0.03
"""Weight of the bending between neighbouring coefficients, relative to that of a value."""
SLOPE = 1e-4
"""The same for the slope, so that the surface becomes level far from a few values."""
POINTS = 5
"""The error is computed at POINTS x POINTS points."""


@kernel
def cubic_weights(position: float, pieces: int) -> tuple[int, NDArray[np.float64]]:
    """Return the first of the four coefficients that a point depends on, and their weights.

    Args:
        position: From 0 to `pieces`.
        pieces: Number of pieces of the spline, which has `pieces + 3` coefficients.
    """
    first = min(max(int(position), 0), pieces - 1)
    u = position - first
    weights = np.array(
        [(1 - u) ** 3, (3 * u - 6) * u * u + 4, ((3 - 3 * u) * u + 3) * u + 1, u * u * u]
    )
    return first, weights / 6


def fit_surface(
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    y: NDArray[np.float64],
    x: NDArray[np.float64],
    y_pieces: int,
    x_pieces: int,
) -> tuple[NDArray[np.float64], float]:
    """Fit a smooth surface to weighted values.

    The equations are solved in loops of one order, so that the result is always the same.

    Args:
        values: Shape (N,), N at least 1.
        weights: Positive weights, shape (N,).
        y: Positions from 0 to `y_pieces`, shape (N,).
        x: Positions from 0 to `x_pieces`, shape (N,).
        y_pieces: Number of pieces along y.
        x_pieces: Number of pieces along x; the time is proportional to its cube.

    Returns:
        Coefficients, shape (y_pieces + 3, x_pieces + 3), and the standard error of the
        surface, see `_error`.
    """
    ny, nx = y_pieces + 3, x_pieces + 3
    # Row k of the symmetric matrix holds the elements (k, k), (k, k + 1), ...
    matrix, right = np.zeros((ny * nx, 3 * nx + 4)), np.zeros(ny * nx)
    level = np.sum(weights * values) / np.sum(weights)
    heights = values - level
    _add_values(heights, weights, y, x, y_pieces, x_pieces, matrix, right)
    _penalise(matrix, ny, nx)
    _factorise(matrix)
    solution = right.copy()
    _solve(matrix, solution)
    coefficients = solution.reshape((ny, nx))
    # The sum of weighted squares of the distances from the surface.
    squares = np.sum(weights * heights**2) - np.sum(solution * right) - _penalty(coefficients)
    free = max(len(values) - coefficients.size, len(values) / 2)
    error = np.sqrt(max(squares, 0) / free) * _error(matrix, y_pieces, x_pieces)
    return coefficients + level, float(error)


def _penalty(coefficients: NDArray[np.float64]) -> float:
    """Return the penalty of coefficients, as `_penalise` defines it."""
    slopes = [np.diff(coefficients, axis=axis) for axis in (0, 1)]
    bends = [np.diff(coefficients, 2, axis=axis) for axis in (0, 1)]
    twist = np.diff(slopes[0], axis=1)
    bending = sum(np.sum(bend**2) for bend in bends) + 2 * np.sum(twist**2)
    return float(BENDING * bending + SLOPE * sum(np.sum(slope**2) for slope in slopes))


@kernel
def _add_values(
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    y: NDArray[np.float64],
    x: NDArray[np.float64],
    y_pieces: int,
    x_pieces: int,
    matrix: NDArray[np.float64],
    right: NDArray[np.float64],
) -> None:
    nx = x_pieces + 3
    for k in range(len(values)):
        first_y, along_y = cubic_weights(y[k], y_pieces)
        first_x, along_x = cubic_weights(x[k], x_pieces)
        for i in range(4):
            at = (first_y + i) * nx + first_x
            for j in range(4):
                basis = weights[k] * along_y[i] * along_x[j]
                right[at + j] += basis * values[k]
                row = matrix[at + j]
                for n in range(4 - j):
                    row[n] += basis * along_y[i] * along_x[j + n]
                for m in range(i + 1, 4):
                    for n in range(4):
                        row[(m - i) * nx + n - j] += basis * along_y[m] * along_x[n]


@kernel
def _error(factor: NDArray[np.float64], y_pieces: int, x_pieces: int) -> float:
    """Return the root mean square error of the surface if a value of weight 1 has that of 1.

    It is that of the posterior distribution of the coefficients if the penalty is their prior
    (Wahba, 1983, https://doi.org/10.1111/j.2517-6161.1983.tb01239.x), at points on a grid.
    """
    nx = x_pieces + 3
    n, band = factor.shape
    total = 0.0
    for a in range(POINTS):
        first_y, along_y = cubic_weights((a + 0.5) / POINTS * y_pieces, y_pieces)
        for b in range(POINTS):
            first_x, along_x = cubic_weights((b + 0.5) / POINTS * x_pieces, x_pieces)
            right = np.zeros(n)
            for i in range(4):
                for j in range(4):
                    right[(first_y + i) * nx + first_x + j] = along_y[i] * along_x[j]
            for k in range(first_y * nx + first_x, n):
                row = factor[k, : min(band, n - k)]
                right[k] /= row[0]
                total += right[k] * right[k]
                for i in range(1, len(row)):
                    right[k + i] -= row[i] * right[k]
    return np.sqrt(total) / POINTS


@kernel
def _penalise(matrix: NDArray[np.float64], ny: int, nx: int) -> None:
    """Add the squares of the differences of coefficients, as in the energy of a thin plate."""
    slope = np.array([1.0, -1.0])
    bend = np.array([1.0, -2.0, 1.0])
    twist = np.array([1.0, -1.0, -1.0, 1.0])
    for i in range(ny):
        for j in range(nx):
            k = i * nx + j
            if i + 1 < ny:
                _add(matrix, np.array([k, k + nx]), slope, SLOPE)
            if j + 1 < nx:
                _add(matrix, np.array([k, k + 1]), slope, SLOPE)
            if i + 2 < ny:
                _add(matrix, np.array([k, k + nx, k + 2 * nx]), bend, BENDING)
            if j + 2 < nx:
                _add(matrix, np.array([k, k + 1, k + 2]), bend, BENDING)
            if i + 1 < ny and j + 1 < nx:
                four = np.array([k, k + 1, k + nx, k + nx + 1])
                _add(matrix, four, twist, 2 * BENDING)


@kernel
def _add(
    matrix: NDArray[np.float64],
    at: NDArray[np.int64],
    signs: NDArray[np.float64],
    weight: float,
) -> None:
    for i in range(len(at)):
        for j in range(i, len(at)):
            matrix[at[i], at[j] - at[i]] += weight * signs[i] * signs[j]


@kernel
def _factorise(matrix: NDArray[np.float64]) -> None:
    """Replace a banded matrix by its factor of Cholesky."""
    n, band = matrix.shape
    for k in range(n):
        row = matrix[k, : min(band, n - k)]
        root = np.sqrt(row[0])
        for i in range(len(row)):
            row[i] /= root
        for i in range(1, len(row)):
            factor = row[i]
            if factor != 0:
                below = matrix[k + i]
                for j in range(i, len(row)):
                    below[j - i] -= factor * row[j]


@kernel
def _solve(factor: NDArray[np.float64], right: NDArray[np.float64]) -> None:
    """Replace the right side by the solution."""
    n, band = factor.shape
    for k in range(n):
        row = factor[k, : min(band, n - k)]
        right[k] /= row[0]
        for i in range(1, len(row)):
            right[k + i] -= row[i] * right[k]
    for k in range(n - 1, -1, -1):
        row = factor[k, : min(band, n - k)]
        for i in range(1, len(row)):
            right[k] -= row[i] * right[k + i]
        right[k] /= row[0]
