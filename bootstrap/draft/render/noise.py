"""Seeded noise. Everything is laid out in fractions of the picture, so a size changes the sharpness, not the scene."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.floating[Any]]
"""Numbers over a line or a picture; float32 where size matters."""


def dice(key: bytes, *what: object) -> np.random.Generator:
    """The random numbers that belong to `key` and `what`, the same every time."""
    digest = blake2b(repr(what).encode(), key=key, digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))


def curve(rng: np.random.Generator, n: int, bumps: float, octaves: int, roughness: float = 0.5) -> Field:
    """`n` values of a smooth line through 0 within about -1..1, with `bumps` ups and downs in its coarsest octave."""
    total = np.zeros(n, np.float32)
    amplitude, reach = 1.0, 0.0
    for octave in range(octaves):
        count = int(np.ceil(bumps * 2**octave)) + 4
        lattice = rng.uniform(-1, 1, count).astype(np.float32)
        total += amplitude * _spline(lattice, np.linspace(1, 1 + bumps * 2**octave, n, dtype=np.float32))
        reach += amplitude
        amplitude *= roughness
    line: Field = total / reach
    return line


def clouds(rng: np.random.Generator, width: int, height: int, cells: tuple[float, float], octaves: int) -> Field:
    """An H×W field of fractal noise within 0..1, with `cells` (across, down) in its coarsest octave."""
    total = np.zeros((height, width), np.float32)
    amplitude, reach = 1.0, 0.0
    for octave in range(octaves):
        across, down = (max(2, round(cell * 2**octave)) for cell in cells)
        lattice = rng.random((down + 3, across + 3), np.float32)
        grown = Image.fromarray(lattice).resize((width, height), Image.Resampling.BICUBIC, (1, 1, across + 2, down + 2))
        total += amplitude * np.asarray(grown)
        reach += amplitude
        amplitude *= 0.5
    field: Field = np.clip(total / reach, 0, 1)
    return field


def warped(field: Field, rng: np.random.Generator, cells: tuple[float, float], reach: float) -> Field:
    """`field` pulled about by up to `reach` of its height, which hides the grid that fractal noise is made on."""
    height, width = field.shape
    shifts = [((clouds(rng, width, height, cells, 2) - 0.5) * (2 * reach * height)).astype(np.int32) for _ in range(2)]
    rows = np.arange(height, dtype=np.int32)[:, None] + shifts[0]
    columns = np.arange(width, dtype=np.int32)[None] + shifts[1]
    warped: Field = field[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
    return warped


def smoothstep(low: float, high: float, values: Field) -> Field:
    """0 below `low`, 1 above `high`, an S between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    eased: Field = t * t * (3 - 2 * t)
    return eased


def _spline(lattice: Field, at: Field) -> Field:
    index = np.clip(at.astype(int), 1, len(lattice) - 3)
    t = at - index
    a, b, c, d = (lattice[index + k] for k in (-1, 0, 1, 2))
    line: Field = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return line
