"""Restyling: a picture's colours laid over the drawing of a guide clip, as washes under ink."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from bootstrap.draft.render.drawing import Drawing, Sheet, ramp
from bootstrap.draft.render.noise import Field, clouds, dice, smoothstep
from bootstrap.draft.render.stage import Color
from bootstrap.draft.render.take import Guide

PLATES = 7
"""Washes of colour from far to near."""

GRID = (28, 16)
"""Cells in which the picture's colours are gathered."""

PALETTE_SHARE = (0.7, 0.3)
"""How much of a wash is the picture's palette as a whole rather than its colours at that place: over tones, over lines.
"""

GRIP = 6
"""Frames in which the drawing takes over from a picture that is pinned."""

INKED = 0.86
"""How much of a colour its ink hides."""

RELIEF = 0.9
PAPER = 4.0
"""How far light on the relief and the grain of the paper change a colour, in 8-bit steps per step and at most."""


@dataclass(frozen=True, eq=False)
class Restyling:
    """`guide` in the colours of `style`, an RGB picture of the clip's size.

    `key` is the colour of the light that the prompt asks for; `detail` seeds the paper.
    """

    guide: Guide
    style: Image.Image
    key: Color
    detail: bytes

    def hides(self, index: int, away: int) -> bool:
        """Whether nothing is left to be seen of what the clip would be without the guide; see `over`."""
        return index >= self.guide.at and away >= GRIP and self.guide.strength >= 1

    def over(self, free: Image.Image, index: int, away: int) -> Image.Image:
        """Frame `index` of a clip that would be `free` without a guide.

        `away` is how many frames off the nearest pinned picture is: right beside it the guide has not taken hold yet.
        """
        if index < self.guide.at or not away:
            return free
        held = min(1.0, self.guide.strength) * min(1.0, away / GRIP)
        sheet = self._drawing.sheet(index - self.guide.at)
        washed = self._washed(sheet)
        washed = washed if washed.size == free.size else washed.resize(free.size, Image.Resampling.BILINEAR)
        share = float(smoothstep(0, 1, np.array(0.15 + 0.85 * held)))
        picture = washed if share >= 1 else Image.blend(free, washed, share)
        strength = min(1.0, self.guide.strength) * min(1.0, 0.5 + away / GRIP)
        picture.paste(self._ink, mask=self._pen(sheet.lines, INKED * strength))
        return picture

    def _pen(self, lines: Image.Image, strength: float) -> Image.Image:
        """The lines at the size of the picture, smooth again."""
        drawn = ramp(24, 150, 255 * strength)
        if lines.size == self.style.size:
            return lines.point(drawn)
        return lines.filter(SMOOTH).resize(self.style.size, Image.Resampling.BICUBIC).point(drawn)

    @cached_property
    def _drawing(self) -> Drawing:
        frames = self.guide.frames
        width, height = min(frames.width, self.style.width), min(frames.height, self.style.height)
        return Drawing(frames, (width, height))

    def _fit(self, image: Image.Image) -> Image.Image:
        size = self._drawing.size
        return image.copy() if image.size == size else image.resize(size, Image.Resampling.BOX)

    def _washed(self, sheet: Sheet) -> Image.Image:
        """The washes, each laid over the last where the tone reaches it, on paper in relief."""
        picture = self._plates[0].copy()
        for plate, reached in zip(self._plates[1:], REACHED, strict=True):
            picture.paste(plate, mask=sheet.tones.point(reached))
        picture.paste(self._small, mask=self._untouched(sheet))
        lit = ImageChops.add(self._relief(sheet.tones), self._paper, 1, -128)
        return ImageChops.add(picture, Image.merge("RGB", (lit, lit, lit)), 1, -128)

    def _relief(self, tones: Image.Image) -> Image.Image:
        """Light from the upper left on what is near; 128 is neutral."""
        step = max(1, round(self._drawing.size[1] / 120))
        height = np.asarray(tones).astype(np.int16)
        padded = np.pad(height, ((step, 0), (step, 0)), mode="edge")[: height.shape[0], : height.shape[1]]
        relief = 128 + RELIEF * (1 - 0.8 * self._drawing.lineness) * (height - padded)
        raised = Image.fromarray(np.clip(relief, 40, 216).astype(np.uint8))
        return raised.filter(ImageFilter.GaussianBlur(step))

    def _untouched(self, sheet: Sheet) -> Image.Image:
        """Where the style picture stays: the drawing has nothing there, or has not changed and fits the picture."""
        first = self._first
        free = ImageChops.invert(ImageChops.lighter(sheet.taken, first.taken))
        if not self._match:
            return free
        moved = ImageChops.lighter(
            ImageChops.difference(sheet.tones, first.tones), ImageChops.difference(sheet.lines, first.lines)
        )
        reach = max(1, round(self._drawing.size[1] / 80))
        spread = moved.reduce(4).filter(ImageFilter.MaxFilter(2 * reach + 1)).filter(ImageFilter.GaussianBlur(reach))
        still = ImageChops.invert(spread.point(ramp(24, 70))).point(lambda v: v * 0.94 * self._match)
        return ImageChops.lighter(free, still.resize(self._drawing.size, Image.Resampling.BILINEAR))

    @cached_property
    def _small(self) -> Image.Image:
        return self._fit(self.style)

    @cached_property
    def _first(self) -> Sheet:
        return self._drawing.sheet(0)

    @cached_property
    def _match(self) -> float:
        """How well the style picture's edges fall on the guide's first frame (0..1): whether it was made for it."""
        size = (96, 54)
        grey = self._small.convert("L")
        edges = ImageChops.difference(grey, grey.filter(ImageFilter.GaussianBlur(self._drawing.size[1] / 90)))
        ours, theirs = (
            np.asarray(image.filter(ImageFilter.GaussianBlur(self._drawing.size[1] / 90)).resize(size), np.float32)
            for image in (edges, self._first.lines)
        )
        if ours.std() < 0.2 or theirs.std() < 0.2:
            return 0.0
        return float(smoothstep(0.3, 0.6, np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]))

    @cached_property
    def _plates(self) -> tuple[Image.Image, ...]:
        """The washes: for each tone the colours that the style picture has at that tone, place by place."""
        colors = np.asarray(self._small, np.float32)
        tones = np.asarray(self._first.tones, np.float32) / 255 * (PLATES - 1)
        share = PALETTE_SHARE[0] + (PALETTE_SHARE[1] - PALETTE_SHARE[0]) * self._drawing.lineness
        made = []
        for level in range(PLATES):
            weight = np.clip(1 - np.abs(tones - level) / 1.5, 0, 1)
            general = self._palette[level]
            there = _gathered(weight)[..., None]
            local = np.stack([_gathered(weight * colors[..., c]) for c in range(3)], -1)
            local = (local + 0.02 * general) / (there + 0.02)
            mixed = (local + (general - local) * share) * self._gains
            grown = Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8))
            made.append(grown.resize(self._drawing.size, Image.Resampling.BICUBIC))
        return tuple(made)

    @cached_property
    def _palette(self) -> Field:
        """The style picture's colours from its darkest to its brightest, one for each wash."""
        pixels = np.asarray(self._small.resize((64, 36), Image.Resampling.BOX), np.float32).reshape(-1, 3)
        ordered = pixels[np.argsort(pixels @ LUMA, kind="stable")]
        parts: Field = np.stack([part.mean(0) for part in np.array_split(ordered, PLATES)])
        return parts

    @cached_property
    def _gains(self) -> Color:
        """The light of the prompt, as factors."""
        gains: Color = 1 + 0.16 * (self.key / self.key.mean() - 1)
        return gains

    @cached_property
    def _ink(self) -> tuple[int, int, int]:
        """The colour of the lines: far darker than a bright picture, far brighter than a dark one."""
        bright = float((self._palette @ LUMA).mean())
        tint = self._palette[0 if bright > DARK else -1] * (0.35 if bright > DARK else 1.1)
        red, green, blue = (round(min(255.0, float(channel))) for channel in tint)
        return red, green, blue

    @cached_property
    def _paper(self) -> Image.Image:
        """The grain of the paper; 128 is neutral."""
        width, height = self._drawing.size
        rough = clouds(dice(self.detail, "paper"), width, height, (130 * width / height, 130), 2) - 0.5
        wash = clouds(dice(self.detail, "wash"), width, height, (3 * width / height, 3), 3) - 0.5
        return Image.fromarray(np.clip(128 + 2 * PAPER * rough + 5 * PAPER * wash, 90, 166).astype(np.uint8))


def _gathered(field: Field) -> Field:
    """The means of a field over the cells of the grid, softened."""
    image = Image.fromarray(field.astype(np.float32)).resize(GRID, Image.Resampling.BOX)
    padded = np.pad(np.asarray(image, np.float32), 1, mode="edge")
    shifted = [share * padded[1 + dy : GRID[1] + 1 + dy, 1 + dx : GRID[0] + 1 + dx] for dy, dx, share in NEIGHBOURS]
    blurred: Field = np.sum(shifted, axis=0)
    return blurred


SMOOTH = ImageFilter.Kernel((3, 3), (1, 2, 1, 2, 5, 2, 1, 2, 1))
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
DARK = 84
"""Mean brightness below which a picture is dark."""

NEIGHBOURS = tuple((dy, dx, (2 - abs(dy)) * (2 - abs(dx)) / 16) for dy in (-1, 0, 1) for dx in (-1, 0, 1))

LEVEL = 255 / (PLATES - 1)
REACHED = tuple(ramp((level - 0.85) * LEVEL, (level - 0.15) * LEVEL) for level in range(1, PLATES))
"""For each wash but the farthest, how much of it is laid at each tone."""
