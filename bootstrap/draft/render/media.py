"""What flows on IMAGE, MASK, AUDIO and VIDEO links.

Pictures are lazy sequences. A frame is an H×W×3 uint8 array in sRGB. `frame(i)` may be called in any order and from
several threads, and always gives the same pixels; callers must not write into them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

Mask = NDArray[np.float32]
"""Masks as (count, H, W) floats in 0..1."""


class Frames(Protocol):
    """A picture sequence of `count` frames, all `width`×`height` pixels."""

    @property
    def count(self) -> int: ...  # noqa: D102

    @property
    def width(self) -> int: ...  # noqa: D102

    @property
    def height(self) -> int: ...  # noqa: D102

    def frame(self, index: int) -> Pixels:
        """Frame `index` (0 ≤ index < count) as an H×W×3 uint8 array."""


@dataclass(frozen=True, eq=False)
class Still:
    """One picture that is really there."""

    pixels: Pixels

    count = 1

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

    def frame(self, index: int) -> Pixels:
        """The picture, whatever the index."""
        return self.pixels


@dataclass(frozen=True)
class Solid:
    """`count` frames of one colour (red, green, blue)."""

    count: int
    width: int
    height: int
    color: tuple[int, int, int]

    def frame(self, index: int) -> Pixels:
        """One frame of the colour; it takes no memory of its own."""
        return np.broadcast_to(np.array(self.color, np.uint8), (self.height, self.width, 3))


@dataclass(frozen=True, eq=False)
class Mapped:
    """Each frame of `source` put through `change`, which gives pictures of `width`×`height`."""

    source: Frames
    width: int
    height: int
    change: Callable[[Pixels], Pixels]

    @property
    def count(self) -> int:
        """As many as the source has."""
        return self.source.count

    def frame(self, index: int) -> Pixels:
        """The changed frame."""
        return self.change(self.source.frame(index))


def resized(frames: Frames, width: int, height: int) -> Frames:
    """The frames stretched to another size, bilinear."""
    if (frames.width, frames.height) == (width, height):
        return frames

    def change(pixels: Pixels) -> Pixels:
        image = Image.fromarray(np.ascontiguousarray(pixels))
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))

    return Mapped(frames, width, height, change)


@dataclass(frozen=True, eq=False)
class First:
    """The first `count` frames of `source`."""

    source: Frames
    count: int

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.source.width

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.source.height

    def frame(self, index: int) -> Pixels:
        """The source's frame."""
        return self.source.frame(index)


@dataclass(frozen=True, eq=False)
class Part:
    """`count` frames of `source` from frame `start` on."""

    source: Frames
    start: int
    count: int

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.source.width

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.source.height

    def frame(self, index: int) -> Pixels:
        """The source's frame."""
        return self.source.frame(self.start + index)


@dataclass(frozen=True, eq=False)
class Chain:
    """Sequences of the same size one after another."""

    parts: tuple[Frames, ...]

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """Index after the last frame of each part."""
        return tuple(accumulate(part.count for part in self.parts))

    @property
    def count(self) -> int:
        """Frames in all parts."""
        return self.ends[-1]

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.parts[0].width

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.parts[0].height

    def frame(self, index: int) -> Pixels:
        """The frame of the part that `index` falls in."""
        part = bisect_right(self.ends, index)
        return self.parts[part].frame(index - (self.ends[part - 1] if part else 0))


@dataclass(frozen=True, eq=False)
class Sound:
    """A waveform: `samples` is float32 (channels, samples) in -1..1, at `rate` samples per second."""

    samples: NDArray[np.float32]
    rate: int

    @property
    def seconds(self) -> float:
        """Duration."""
        return float(self.samples.shape[1] / self.rate)


@dataclass(frozen=True, eq=False)
class Clip:
    """What goes into a video file: frames shown at `rate` per second, with `sound` or without, 8 or 10 bits deep."""

    frames: Frames
    rate: Fraction
    sound: Sound | None = None
    bit_depth: int = 8
