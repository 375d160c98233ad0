"""Canny's edge detector: blur, gradient, thinning across the edge, and hysteresis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bootstrap.draft.render.media import Pixels
from bootstrap.draft.render.noise import Field

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
BLUR = np.exp(-0.5 * np.arange(-2, 3, dtype=np.float32) ** 2)
BLUR /= BLUR.sum()
"""Five taps of a Gaussian with a standard deviation of one pixel."""

Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]


def canny(pixels: Pixels, low: float, high: float) -> Flags:
    """Where an H×W×3 picture has edges, one pixel wide.

    The thresholds are for the length of the Sobel gradient (weights 1, 2, 1, not normalised) of luma in 0..1: a clean
    step from black to white has about 2.7. What is above `high` is an edge, and so is what is above `low` and connected
    with one.
    """
    gx, gy = _gradient(_blurred(pixels @ LUMA / np.float32(255)))
    strength = np.pad(np.hypot(gx, gy), 1)
    inner = strength[1:-1, 1:-1]
    rows, columns = np.nonzero(inner > low)
    across = np.rint(np.arctan2(gy[rows, columns], gx[rows, columns]) * (4 / np.pi)).astype(np.intp) % 4
    dy, dx = ACROSS[across].T
    here = inner[rows, columns]
    thin = (here >= strength[rows + 1 + dy, columns + 1 + dx]) & (here > strength[rows + 1 - dy, columns + 1 - dx])
    rows, columns, here = rows[thin], columns[thin], here[thin]
    kept = _connected(rows, columns, here > high, inner.shape)
    edges = np.zeros(inner.shape, bool)
    edges[rows[kept], columns[kept]] = True
    return edges


def _blurred(luma: Field) -> Field:
    for axis in (0, 1):
        padded = np.pad(
            luma, [(2, 2) if axis == k else (0, 0) for k in (0, 1)], mode="reflect" if min(luma.shape) > 2 else "edge"
        )
        length = luma.shape[axis]
        parts = [padded[k : k + length] if axis == 0 else padded[:, k : k + length] for k in range(len(BLUR))]
        luma = BLUR[2] * parts[2] + BLUR[1] * (parts[1] + parts[3]) + BLUR[0] * (parts[0] + parts[4])
    return luma


def _gradient(luma: Field) -> tuple[Field, Field]:
    """The Sobel gradient to the right and downwards."""
    padded = np.pad(luma, 1, mode="edge")
    smooth_rows = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    smooth_columns = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    return smooth_rows[:, 2:] - smooth_rows[:, :-2], smooth_columns[2:] - smooth_columns[:-2]


def _connected(rows: Indices, columns: Indices, sure: Flags, shape: tuple[int, ...]) -> Flags:
    """Which of the pixels hang together, over their eight neighbours, with one that is `sure`."""
    number = np.full((shape[0] + 2, shape[1] + 2), -1, np.intp)
    number[rows + 1, columns + 1] = np.arange(len(rows))
    pairs = []
    for dy, dx in ((0, 1), (1, -1), (1, 0), (1, 1)):
        other = number[rows + 1 + dy, columns + 1 + dx]
        touching = np.nonzero(other >= 0)[0]
        pairs.append(np.stack([touching, other[touching]]))
    first, second = np.concatenate(pairs, 1)
    group = np.arange(len(rows))
    while True:
        joined = group.copy()
        lower = np.minimum(group[first], group[second])
        np.minimum.at(joined, group[first], lower)
        np.minimum.at(joined, group[second], lower)
        joined = joined[joined]
        if np.array_equal(joined, group):
            break
        group = joined
    seeded = np.zeros(len(rows), bool)
    seeded[group[sure]] = True
    return seeded[group]


ACROSS = np.array([(0, 1), (1, 1), (1, 0), (1, -1)], np.intp)
"""(rows, columns) of the neighbour in the gradient's direction: right, right and down, down, left and down."""
