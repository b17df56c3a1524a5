"""The data of fits, and the losses of their residuals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import kernel

Values = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Traces:
    """Data of the problems.

    Attributes:
        y: Values, shape (n, T); only the first `number` of each row are used.
        number: Number of points of each problem, shape (n,).
        scale: Residual from which the loss soft_l1 grows linearly, shape (n,); 0 selects
            the plain sum of squares.
    """

    y: Values
    number: Indices
    scale: Values

    def take(self, rows: Indices) -> "Traces":
        """Return the problems of `rows`."""
        return Traces(self.y[rows], self.number[rows], self.scale[rows])

    def costs(self, f: Values) -> Values:
        """Return half of the sum of losses of each problem, shape (n,).

        Args:
            f: Values of the model, shape (n, T).
        """
        return _costs(self.y, f, self.number, self.scale)

    def normal_equations(self, f: Values, slopes: Values) -> tuple[Values, Values]:
        """Return curvature J'WJ, shape (n, k, k), and gradient, shape (n, k), of the costs.

        W is the second derivative of the loss.

        Args:
            f: Values of the model, shape (n, T).
            slopes: Their derivatives, shape (k, n, T).
        """
        return _normal_equations(self.y, f, slopes, self.number, self.scale)

    def weigh(self, columns: Values) -> Values:
        """Return columns, shape (n, T, k), times the weights of the points."""
        return columns


@kernel
def _costs(y: Values, f: Values, number: Indices, scale: Values) -> Values:
    out = np.zeros(len(y))
    for i in range(len(y)):
        for j in range(number[i]):
            residual = f[i, j] - y[i, j]
            if scale[i] > 0:
                z = residual / scale[i]
                out[i] += scale[i] ** 2 * z * z / (1 + np.sqrt(1 + z * z))
            else:
                out[i] += 0.5 * residual * residual
    return out


@kernel
def _normal_equations(
    y: Values, f: Values, slopes: Values, number: Indices, scale: Values
) -> tuple[Values, Values]:
    k = len(slopes)
    curvature, gradient = np.zeros((len(y), k, k)), np.zeros((len(y), k))
    for i in range(len(y)):
        for j in range(number[i]):
            residual = f[i, j] - y[i, j]
            weight = 1.0
            if scale[i] > 0:
                root = np.sqrt(1 + (residual / scale[i]) ** 2)
                residual, weight = residual / root, root**-3
            for a in range(k):
                slope = slopes[a, i, j]
                gradient[i, a] += slope * residual
                for b in range(a + 1):
                    curvature[i, a, b] += weight * slope * slopes[b, i, j]
        for a in range(k):
            for b in range(a):
                curvature[i, b, a] = curvature[i, a, b]
    return curvature, gradient
