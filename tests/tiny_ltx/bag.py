"""safetensors files written by hand: 8 bytes of length, a JSON header, raw little-endian data."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np


def to_bf16(x: np.ndarray) -> np.ndarray:
    """float32 -> bfloat16 bits (round to nearest even), as uint16."""
    u = np.ascontiguousarray(x, dtype=np.float32).view(np.uint32).astype(np.uint64)
    return ((u + 0x7FFF + ((u >> 16) & 1)) >> 16).astype(np.uint16)


ENCODERS = {
    "BF16": lambda arr: to_bf16(arr).tobytes(),
    "F32": lambda arr: arr.astype("<f4").tobytes(),
    "U8": lambda arr: arr.astype(np.uint8).tobytes(),
}


class Bag:
    """An ordered set of named tensors that writes itself as safetensors; the seed decides what is random in it."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.Generator(np.random.PCG64(seed))
        self.tensors: dict[str, tuple[str, tuple[int, ...], int, bytes]] = {}

    def put(self, name: str, values: object, dtype: str = "BF16") -> None:
        """A tensor of given values."""
        array = np.asarray(values)
        raw = ENCODERS[dtype](array)
        self._add(name, dtype, array.shape, len(raw), raw)

    def rows(self, name: str, values: np.ndarray, *shape: int) -> None:
        """A tensor of that shape whose first rows are given and whose others are zeros."""
        assert values.shape[1:] == shape[1:]
        self._add(name, "BF16", shape, 2 * math.prod(shape), ENCODERS["BF16"](values))

    def zeros(self, name: str, *shape: int) -> None:
        """A tensor of zeros. They take no room on disk."""
        self._add(name, "BF16", shape, 2 * math.prod(shape), b"")

    def _add(self, name: str, dtype: str, shape: tuple[int, ...], size: int, raw: bytes) -> None:
        if name in self.tensors:
            raise KeyError(f"tensor written twice: {name}")
        self.tensors[name] = (dtype, tuple(shape), size, raw)

    def normal(self, name: str, *shape: int, std: float = 1.0, mean: float = 0.0, dtype: str = "BF16") -> None:
        """Random values."""
        self.put(name, self.rng.standard_normal(shape).astype(np.float32) * std + mean, dtype)

    def const(self, name: str, *shape: int, value: float = 1.0, dtype: str = "BF16") -> None:
        """The same value everywhere."""
        self.put(name, np.full(shape, value, np.float32), dtype)

    def linear(self, name: str, out: int, inp: int, bias: bool = True, gain: float = 1.0) -> None:
        """A random linear layer."""
        self.normal(name + ".weight", out, inp, std=gain / math.sqrt(inp))
        if bias:
            self.normal(name + ".bias", out, std=0.02)

    def conv(self, name: str, out: int, inp: int, *k: int, bias: bool = True, gain: float = 1.0) -> None:
        """A random convolution with a kernel of size `k`."""
        self.normal(name + ".weight", out, inp, *k, std=gain / math.sqrt(inp * math.prod(k)))
        if bias:
            self.normal(name + ".bias", out, std=0.02)

    def save(self, path: Path, metadata: Mapping[str, str]) -> None:
        """Write the file, tensors in order of name."""
        header: dict[str, object] = {"__metadata__": dict(metadata)}
        position = 0
        for name in sorted(self.tensors):
            dtype, shape, size, _ = self.tensors[name]
            header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [position, position + size]}
            position += size
        head = json.dumps(header, separators=(",", ":")).encode()
        head += b" " * (-len(head) % 8)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(struct.pack("<Q", len(head)) + head)
            for name in sorted(self.tensors):
                _, _, size, raw = self.tensors[name]
                file.write(raw)
                file.seek(size - len(raw), 1)
            file.truncate()
