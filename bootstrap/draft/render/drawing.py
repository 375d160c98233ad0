"""Reading a guide clip: whatever kind of picture it holds, where its lines run and what is near or bright in it.

Nothing here knows which preprocessor made it. Thin bright marks on black (edges, a stick figure) are lines, and what is
between them gets its tone from how many of them are about; a picture that stays bright when it is eroded (depth, or a
plain video) is tone already, and its lines are where that changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from bootstrap.draft.render.media import Frames
from bootstrap.draft.render.noise import smoothstep

SAMPLES = 5
"""Frames that decide what kind of picture a clip holds and how bright it gets."""

BODY = 0.04
AIR = 0.11
"""How far lines lend their tone to what is around them, in frame heights: close by, and in the wide."""

FAR, GROUND = 62, 50
"""The tone of what is far off all lines, and how much nearer the lower edge is taken to be than the upper."""

EDGES = (5, 36)
STROKES = (0.2, 0.85)
"""Where a line starts to show and is fully there: in 8-bit steps by which a tone differs from what is around it, and in
parts of the brightness of the clip's strokes.
"""

TAKEN = 0.035
"""How far around lines a picture is theirs, in frame heights."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """One frame as read, in L images: `lines` (0 none to 255), `tones` (0 far or dark to 255), and what is `taken`.

    Strokes leave free what is farther from them; a picture of tones takes up everything.
    """

    lines: Image.Image
    tones: Image.Image
    taken: Image.Image


@dataclass(frozen=True, eq=False)
class Drawing:
    """A guide clip read at `size` (width, height); frames past its end are its last."""

    frames: Frames
    size: tuple[int, int]

    def sheet(self, index: int) -> Sheet:
        """Frame `index`."""
        value = self._value(index)
        around = value.filter(ImageFilter.GaussianBlur(max(1.2, self.size[1] / 150)))
        edges = ImageChops.difference(value, around).point(ramp(*EDGES))
        lines = Image.blend(edges, value.point(self._strokes), self.lineness)
        tones = Image.blend(self._toned(value), self._filled(value), self.lineness)
        near = _spread(value, TAKEN * self.size[1]).point(ramp(1, 10))
        return Sheet(lines, tones, near.point([round(255 - self.lineness * (255 - v)) for v in range(256)]))

    def _value(self, index: int) -> Image.Image:
        """The frame's brightness: the strongest channel, so that a blue stick counts as much as a white one."""
        frame = self.frames.frame(max(0, min(index, self.frames.count - 1)))
        image = Image.fromarray(np.ascontiguousarray(frame.max(2)))
        return image if image.size == self.size else image.resize(self.size, Image.Resampling.BILINEAR, reducing_gap=2)

    def _toned(self, value: Image.Image) -> Image.Image:
        low, high = self._range
        steps = np.clip((np.arange(256) - low) / max(24.0, high - low), 0, 1) * 255
        return value.point([int(step) for step in np.rint(steps)]).filter(
            ImageFilter.GaussianBlur(max(0.8, self.size[1] / 240))
        )

    def _filled(self, value: Image.Image) -> Image.Image:
        """Tones from lines: bodies glow around them, and the ground comes nearer towards the lower edge."""
        close, wide = self._gains
        body = _spread(value, BODY * self.size[1]).point(close)
        air = _spread(value, AIR * self.size[1]).point(wide)
        return ImageChops.add(ImageChops.add(body, air), self._ground)

    @cached_property
    def _ground(self) -> Image.Image:
        rows = smoothstep(0.3, 1.0, np.linspace(0, 1, self.size[1], dtype=np.float32)) * GROUND + FAR
        return Image.fromarray(np.repeat(rows.astype(np.uint8)[:, None], self.size[0], 1))

    @cached_property
    def _samples(self) -> tuple[Image.Image, ...]:
        last = self.frames.count - 1
        return tuple(self._value(index) for index in sorted({last * k // (SAMPLES - 1) for k in range(SAMPLES)}))

    @cached_property
    def lineness(self) -> float:
        """How much of the clip is lines (0..1): what an erosion takes away."""
        width = max(5, round(0.03 * self.size[1])) | 1
        before = sum(float(np.asarray(value, np.float32).sum()) for value in self._samples)
        after = sum(
            float(np.asarray(value.filter(ImageFilter.MinFilter(width)), np.float32).sum()) for value in self._samples
        )
        return float(1 - smoothstep(0.12, 0.45, np.array(after / max(1.0, before))))

    @cached_property
    def _strokes(self) -> list[int]:
        """A table for strokes by how bright they are in this clip: those that have been made small are grey."""
        values = np.concatenate([np.asarray(value).ravel() for value in self._samples])
        bright = float(np.percentile(values[values > 12], 85)) if (values > 12).any() else 255.0
        return ramp(STROKES[0] * bright, STROKES[1] * bright)

    @cached_property
    def _range(self) -> tuple[float, float]:
        """The darkest and the brightest tone of the clip, but for a hundredth at either end."""
        values = np.concatenate([np.asarray(value.reduce(4)).ravel() for value in self._samples])
        low, high = np.percentile(values, (1, 99))
        return float(low), float(high)

    @cached_property
    def _gains(self) -> tuple[list[int], list[int]]:
        """Tables that bring the glow close by and in the wide to the same brightness in every clip."""
        tables = []
        for reach, height in ((BODY, 120), (AIR, 45)):
            glows = [np.asarray(_spread(value, reach * self.size[1])) for value in self._samples]
            top = max(4.0, float(np.percentile(np.concatenate([glow.ravel() for glow in glows]), 98)))
            tables.append([round(height * min(1.0, v / top) ** 0.7) for v in range(256)])
        return tables[0], tables[1]


def _spread(image: Image.Image, radius: float) -> Image.Image:
    """A wide blur, done small."""
    less = max(1, int(radius / 3))
    small = image.reduce(less) if less > 1 else image
    return small.filter(ImageFilter.GaussianBlur(radius / less)).resize(image.size, Image.Resampling.BICUBIC)


def ramp(low: float, high: float, top: float = 255) -> list[int]:
    """A table for L images: 0 up to `low`, `top` from `high` on, an S between."""
    values = top * smoothstep(low, high, np.arange(256, dtype=np.float32))
    return [int(value) for value in np.rint(values)]
