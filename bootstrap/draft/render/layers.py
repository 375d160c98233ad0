"""Layers of a scene: painted once, larger than the frame, and drawn as the camera sees them.

Drawing is what a clip's time goes into, so nothing is drawn that cannot be seen: neither what nearer layers hide, nor
the empty parts of a layer. Fractions of a pixel count, so that slow moves don't jerk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, floor, sin, tanh
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from bootstrap.draft.render.camera import MARGIN, Move, view

MERGED_GAP = 24
"""Empty columns fewer than this are drawn along rather than skipped."""

LONG_WAY = 9.0
"""Seconds after which what moves by itself slows down, so that it stays in the picture of a long clip."""

Rect = tuple[int, int, int, int]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Moment:
    """A moment of a clip: `t` runs from 0 to 1, `seconds` from 0 on."""

    index: int
    t: float
    seconds: float


class Layer(Protocol):
    """Something that can be drawn over what lies behind it."""

    def draw(self, canvas: Image.Image, move: Move, moment: Moment, bottom: int) -> None:
        """Draw onto `canvas`, an RGB picture of the frame's size, what shows above row `bottom`."""

    def cover(self, height: int, move: Move, moment: Moment) -> int:
        """The frame row from which on down it hides everything behind it; `height` where it doesn't."""


@dataclass(frozen=True)
class Pose:
    """Where a plate is: its corner in plate pixels, its depth, how it drifts and bobs (frame heights, per second)."""

    left: int
    top: int
    depth: float
    velocity: tuple[float, float] = (0.0, 0.0)
    bob: float = 0.0

    def seen(self, width: int, height: int, move: Move, moment: Moment) -> Lens:
        """How it falls into a frame of `width`×`height` at `moment`."""
        shown = view(move, self.depth, moment.t, moment.seconds)
        margin = round(MARGIN * height)
        going = LONG_WAY * tanh(moment.seconds / LONG_WAY)
        x = self.left - margin + (self.velocity[0] * going - shown.x) * height
        y = self.top - margin + (self.velocity[1] * going - shown.y) * height
        y += self.bob * sin(1.7 * moment.seconds) * height + round(move.lift * height)
        return Lens((x - width / 2) * shown.scale + width / 2, (y - height / 2) * shown.scale + height / 2, shown.scale)


@dataclass(frozen=True)
class Lens:
    """A plate's way into the frame: plate pixel p falls on `x` + `scale`·p."""

    x: float
    y: float
    scale: float

    def window(self, size: tuple[int, int], limits: Rect) -> Rect | None:
        """The frame rectangle within `limits` that a plate of `size` fills, None where it is elsewhere."""
        x0, y0 = max(limits[0], ceil(self.x - 1e-6)), max(limits[1], ceil(self.y - 1e-6))
        x1 = min(limits[2], floor(self.x + size[0] * self.scale + 1e-6))
        y1 = min(limits[3], floor(self.y + size[1] * self.scale + 1e-6))
        return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None

    def through(self, plate: Image.Image, window: Rect) -> Image.Image:
        """The part of `plate` that falls into a frame rectangle."""
        size = (window[2] - window[0], window[3] - window[1])
        left, top = (window[0] - self.x) / self.scale, (window[1] - self.y) / self.scale
        if self.scale == 1 and left == int(left) and top == int(top):
            return plate.crop((int(left), int(top), int(left) + size[0], int(top) + size[1]))
        right = min(plate.width, left + size[0] / self.scale)
        bottom = min(plate.height, top + size[1] / self.scale)
        return plate.resize(size, Image.Resampling.BILINEAR, (max(0.0, left), max(0.0, top), right, bottom))


@dataclass(frozen=True, eq=False)
class Plate:
    """A layer painted in colours (RGB), seen through `mask` (L) where there is one."""

    color: Image.Image
    mask: Image.Image | None
    pose: Pose

    def draw(self, canvas: Image.Image, move: Move, moment: Moment, bottom: int) -> None:
        """Draw what the camera sees of it."""
        lens = self.pose.seen(canvas.width, canvas.height, move, moment)
        shape = self._shape
        for window, solid in shape.windows(lens, (0, 0, canvas.width, bottom)):
            mask = None if solid or self.mask is None else lens.through(self.mask, window)
            canvas.paste(lens.through(self.color, window), window[:2], mask)

    def cover(self, height: int, move: Move, moment: Moment) -> int:
        """From where its mask is closed across the whole frame."""
        return _covered(self.pose, self._shape, height, move, moment)

    def blurred(self, radius: float) -> Plate:
        """The same out of focus by `radius` pixels."""
        blur = ImageFilter.GaussianBlur(radius)
        return replace(self, color=self.color.filter(blur), mask=self.mask and self.mask.filter(blur))

    @cached_property
    def _shape(self) -> Shape:
        return Shape.of(self.mask, self.color.size)


@dataclass(frozen=True, eq=False)
class Wash:
    """A layer whose colours (RGB, as large as the frame) stay with the frame while its `mask` (L) moves."""

    color: Image.Image
    mask: Image.Image
    pose: Pose

    def draw(self, canvas: Image.Image, move: Move, moment: Moment, bottom: int) -> None:
        """Draw what the camera sees of it."""
        lens = self.pose.seen(canvas.width, canvas.height, move, moment)
        for window, solid in self._shape.windows(lens, (0, 0, canvas.width, bottom)):
            canvas.paste(self.color.crop(window), window[:2], None if solid else lens.through(self.mask, window))

    def cover(self, height: int, move: Move, moment: Moment) -> int:
        """From where its mask is closed across the whole frame."""
        return _covered(self.pose, self._shape, height, move, moment)

    def blurred(self, radius: float) -> Wash:
        """The same out of focus by `radius` pixels."""
        return replace(self, mask=self.mask.filter(ImageFilter.GaussianBlur(radius)))

    @cached_property
    def _shape(self) -> Shape:
        return Shape.of(self.mask, self.mask.size)


Painted = Plate | Wash
"""A layer that was painted once and is only moved."""


@dataclass(frozen=True, eq=False)
class Shimmer:
    """Light that plays on water: two patterns sliding over each other, seen where `path` lets them."""

    color: Image.Image
    patterns: tuple[Image.Image, Image.Image]
    path: Image.Image
    pose: Pose
    speed: float

    def draw(self, canvas: Image.Image, move: Move, moment: Moment, bottom: int) -> None:
        """Draw the glitter of this moment."""
        slide = round(self.speed * moment.seconds * canvas.height)
        first, second = self.patterns
        play = ImageChops.multiply(ImageChops.offset(first, slide, 0), ImageChops.offset(second, -slide, 0))
        lens = self.pose.seen(canvas.width, canvas.height, move, moment)
        window = lens.window(self.path.size, (0, 0, canvas.width, bottom))
        if window:
            mask = lens.through(ImageChops.multiply(play, self.path), window)
            canvas.paste(self.color.crop(window), window[:2], mask)

    def cover(self, height: int, move: Move, moment: Moment) -> int:
        """It hides nothing."""
        return height


@dataclass(frozen=True, eq=False)
class Drift:
    """A sheet of particles as large as the frame that moves over it for ever, wrapping at the edges.

    `velocity` is in frame heights per second; `sway` a sideways swing in frame heights; `blink` how far its light goes
    up and down; the sheet fades in over `rise` seconds.
    """

    color: Image.Image
    mask: Image.Image
    velocity: tuple[float, float]
    sway: float = 0.0
    blink: float = 0.0
    phase: float = 0.0
    rise: float = 0.0

    def draw(self, canvas: Image.Image, move: Move, moment: Moment, bottom: int) -> None:
        """Draw the sheet where it is now."""
        x = self.velocity[0] * moment.seconds + self.sway * sin(1.3 * moment.seconds + self.phase)
        y = self.velocity[1] * moment.seconds
        mask = ImageChops.offset(self.mask, round(x * canvas.height), round(y * canvas.height))
        strength = 1 - self.blink * (0.5 + 0.5 * sin(2.1 * moment.seconds + self.phase))
        if self.rise:
            strength *= min(1.0, moment.seconds / self.rise)
        if strength < 1:
            mask = mask.point([round(value * strength) for value in range(256)])
        canvas.paste(self.color, (0, 0), mask)

    def cover(self, height: int, move: Move, moment: Moment) -> int:
        """It hides nothing."""
        return height


@dataclass(frozen=True)
class Shape:
    """Which parts of a plate of `size` need drawing: `parts` above row `solid`, everything below it without a mask.

    A part is (x0, y0, x1, y1) in plate pixels, x1 and y1 excluded.
    """

    size: tuple[int, int]
    parts: tuple[Rect, ...]
    solid: int

    @staticmethod
    def of(mask: Image.Image | None, size: tuple[int, int]) -> Shape:
        """The shape of a mask; None is solid."""
        if mask is None:
            return Shape(size, (), 0)
        pixels = np.asarray(mask)
        solid = _end(np.any(pixels < 255, axis=1))
        parts = []
        for start, end in _runs(np.any(pixels[:solid], axis=0), MERGED_GAP):
            rows = np.any(pixels[:solid, start:end], axis=1)
            parts.append((start, int(rows.argmax()), end, _end(rows)))
        return Shape(size, tuple(parts), solid)

    def windows(self, lens: Lens, limits: Rect) -> Iterator[tuple[Rect, bool]]:
        """The frame rectangles to draw, and whether each is solid."""
        window = lens.window(self.size, limits)
        if window is None:
            return
        x0, y0, x1, y1 = window
        seam = min(y1, max(y0, ceil(lens.y + self.solid * lens.scale)))
        for start, first, end, last in self.parts:
            left, right = floor(lens.x + start * lens.scale) - 1, ceil(lens.x + end * lens.scale) + 1
            upper, lower = floor(lens.y + first * lens.scale) - 1, ceil(lens.y + last * lens.scale) + 1
            part = (max(x0, left), max(y0, upper), min(x1, right), min(seam, lower))
            if part[0] < part[2] and part[1] < part[3]:
                yield part, False
        if seam < y1:
            yield (x0, seam, x1, y1), True


def _end(flags: Flags) -> int:
    """The index after the last true flag, 0 where there is none."""
    return len(flags) - int(flags[::-1].argmax()) if flags.any() else 0


def _runs(flags: Flags, gap: int) -> list[tuple[int, int]]:
    """Stretches of true flags as (start, end), those closer than `gap` taken as one."""
    filled = np.flatnonzero(flags)
    if not len(filled):
        return []
    breaks = np.flatnonzero(np.diff(filled) > gap)
    starts, ends = filled[np.concatenate([[0], breaks + 1])], filled[np.concatenate([breaks, [len(filled) - 1]])]
    return [(int(start), int(end) + 1) for start, end in zip(starts, ends, strict=True)]


def _covered(pose: Pose, shape: Shape, height: int, move: Move, moment: Moment) -> int:
    if shape.solid >= shape.size[1] or pose.left != 0 or pose.velocity != (0.0, 0.0):
        return height
    lens = pose.seen(shape.size[0] - 2 * round(MARGIN * height), height, move, moment)
    return max(0, min(height, ceil(lens.y + shape.solid * lens.scale)))
