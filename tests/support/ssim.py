"""Structural similarity of two pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]
WINDOW = 7
LUMA = np.array([0.299, 0.587, 0.114])


def ssim(one: NDArray[np.uint8], other: NDArray[np.uint8], without: tuple[Box, ...] = ()) -> float:
    """Mean SSIM of the luma of two H×W×3 pictures over 7×7 windows, from -1 to 1.

    Windows that touch a box of `without` (x0, y0, x1, y1) do not count. Constants as in Wang et al. 2004 (0.01, 0.03).
    """
    a, b = one[..., :3] @ LUMA, other[..., :3] @ LUMA
    mean_a, mean_b = _mean(a), _mean(b)
    var_a, var_b = _mean(a * a) - mean_a**2, _mean(b * b) - mean_b**2
    covariance = _mean(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    quality = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    quality /= (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    counted = np.ones_like(quality, bool)
    for x0, y0, x1, y1 in without:
        counted[max(0, y0 - WINDOW + 1) : y1, max(0, x0 - WINDOW + 1) : x1] = False
    return float(quality[counted].mean())


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over all windows, by summed areas."""
    sums = np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    total = sums[WINDOW:, WINDOW:] - sums[:-WINDOW, WINDOW:] - sums[WINDOW:, :-WINDOW] + sums[:-WINDOW, :-WINDOW]
    return total / WINDOW**2
