"""The stage that painters work on: its measures and its light.

Measures are in frame heights: u runs right from the frame's left edge, v down from its top edge. Everything is painted
`camera.MARGIN` beyond the frame, so that moves never uncover an edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from bootstrap.draft.render.brief import Brief
from bootstrap.draft.render.camera import MARGIN
from bootstrap.draft.render.layers import Layer
from bootstrap.draft.render.noise import Field, dice
from bootstrap.draft.render.vocabulary import section

Color = Field
"""Red, green, blue in 0..255 as floats."""


@dataclass(frozen=True, eq=False)
class Light:
    """The colours of a scene."""

    sky: tuple[Color, ...]
    haze: Color
    near: Color
    key: Color
    accent: Color
    sun: float | None
    moon: float | None
    stars: float
    clouds: float

    @property
    def darkness(self) -> float:
        """How much lamps are needed: 0.12 by day to 1 at night."""
        return float(np.clip(1.25 - self.sky[2].mean() / 120, 0.12, 1))

    def at(self, depth: float) -> Color:
        """The colour that something dark has at `depth` (0 far, 1 near)."""
        return mix(self.haze, self.near, depth**0.8)


@dataclass(frozen=True, eq=False)
class Stage:
    """A stage for frames of `width`×`height` pixels."""

    brief: Brief
    width: int
    height: int

    @property
    def aspect(self) -> float:
        """Frame width in frame heights."""
        return self.width / self.height

    @cached_property
    def full(self) -> tuple[int, int]:
        """Size in pixels of a plate that covers the frame and the margins."""
        return self.width + 2 * self.px(MARGIN), self.height + 2 * self.px(MARGIN)

    def px(self, length: float) -> int:
        """A length in whole pixels."""
        return round(length * self.height)

    def row(self, v: float) -> int:
        """The plate row of height `v`."""
        return self.px(v) + self.px(MARGIN)

    def column(self, u: float) -> int:
        """The plate column of `u`."""
        return self.px(u) + self.px(MARGIN)

    @cached_property
    def us(self) -> Field:
        """u of each plate column."""
        return (np.arange(self.full[0], dtype=np.float32) - self.px(MARGIN)) / self.height

    @cached_property
    def vs(self) -> Field:
        """v of each plate row."""
        return (np.arange(self.full[1], dtype=np.float32) - self.px(MARGIN)) / self.height

    @property
    def frame_us(self) -> Field:
        """u of each frame column."""
        return np.arange(self.width, dtype=np.float32) / self.height

    @property
    def frame_vs(self) -> Field:
        """v of each frame row."""
        return np.arange(self.height, dtype=np.float32) / self.height

    def painted(self, colors: Field) -> Image.Image:
        """A picture as large as the frame from colours that broadcast to (H, W, 3)."""
        return picture(np.broadcast_to(colors, (self.height, self.width, 3)), self.fine("painted"))

    def dice(self, *what: object) -> np.random.Generator:
        """Random numbers for where things are."""
        return dice(self.brief.layout, *what)

    def fine(self, *what: object) -> np.random.Generator:
        """Random numbers for details."""
        return dice(self.brief.detail, *what)

    @cached_property
    def light(self) -> Light:
        """The light of the brief; a named colour tints what shines."""
        traits = section("light")[self.brief.light]
        key = rgb(traits["key"])
        accent = rgb(self.brief.accent) if self.brief.accent else key
        return Light(
            sky=tuple(rgb(stop) for stop in traits["sky"]),
            haze=rgb(traits["haze"]),
            near=rgb(traits["near"]),
            key=mix(key, accent, 0.3),
            accent=accent,
            sun=traits.get("sun"),
            moon=traits.get("moon"),
            stars=traits["stars"],
            clouds=traits["clouds"],
        )

    @cached_property
    def sun_u(self) -> float:
        """Where the light stands: on a third of the frame, left or right by the seed."""
        rng = self.dice("sun")
        third = self.aspect * (0.3 + 0.05 * rng.random())
        return third if rng.random() < 0.5 else self.aspect - third

    @cached_property
    def subject_u(self) -> float:
        """Where the subject stands: on the other third."""
        return self.aspect - self.sun_u + self.aspect * 0.06 * (self.dice("subject").random() - 0.5)


@dataclass(frozen=True, eq=False)
class Setting:
    """A painted place: what is behind the subject and what is in front of it, from far to near.

    Boats float and birds fly by `horizon` (v); what needs ground stands between `ground` and the lower edge, or on
    `perch` (u, v) where there is one. `depth` is the subject's, `scale` how much larger than outdoors it is seen.
    """

    behind: tuple[Layer, ...]
    front: tuple[Layer, ...]
    horizon: float
    ground: float
    depth: float = 0.85
    perch: tuple[float, float] | None = None
    scale: float = 1.0


def rgb(text: str) -> Color:
    """A colour from "#rrggbb"."""
    return np.array(ImageColor.getrgb(text)[:3], np.float32)


def mix(a: Color, b: Color, amount: float) -> Color:
    """`a` with `amount` (0..1) of `b`."""
    return a + (b - a) * np.float32(amount)


def ramp(stops: Sequence[Color], positions: Sequence[float], at: Field) -> Field:
    """Colours along `at` between `stops` at `positions`: an (n, 3) array."""
    return np.stack([np.interp(at, positions, [stop[c] for stop in stops]) for c in range(3)], -1).astype(np.float32)


def plain(color: Color, size: tuple[int, int]) -> Image.Image:
    """A plain RGB picture."""
    red, green, blue = (int(c) for c in np.clip(color, 4, 250))
    return Image.new("RGB", size, (red, green, blue))


def picture(pixels: Field, rng: np.random.Generator) -> Image.Image:
    """An RGB image from an H×W×3 float array, dithered so that gradients don't band."""
    grain = rng.random(pixels.shape[:2], np.float32)[..., None]
    return Image.fromarray((np.clip(pixels, 4, 250) + grain).astype(np.uint8))


class Cutter:
    """Draws masks with smooth edges: everything is drawn twice as large and halved.

    Coordinates are pixels of the mask.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self._large = Image.new("L", (2 * size[0], 2 * size[1]))
        self._draw = ImageDraw.Draw(self._large)

    def polygon(self, points: Sequence[tuple[float, float]]) -> None:
        """Fill a polygon."""
        self._draw.polygon([(2 * x, 2 * y) for x, y in points], fill=255)

    def line(self, points: Sequence[tuple[float, float]], width: float) -> None:
        """Draw a line."""
        self._draw.line([(2 * x, 2 * y) for x, y in points], fill=255, width=max(1, round(2 * width)), joint="curve")

    def disc(self, x: float, y: float, reach_x: float, reach_y: float) -> None:
        """Fill an ellipse about (x, y)."""
        box = [2 * (x - reach_x), 2 * (y - reach_y), 2 * (x + reach_x), 2 * (y + reach_y)]
        self._draw.ellipse(box, fill=255)

    def mask(self) -> Image.Image:
        """What has been drawn, as an L image."""
        return self._large.reduce(2)


def stencil(mask: Field) -> Image.Image:
    """An L image from an H×W float array in 0..1."""
    return Image.fromarray((np.clip(mask, 0, 1) * 255 + 0.5).astype(np.uint8))
