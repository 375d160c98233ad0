"""A take as frames: the scene, the pictures pinned in it, grain, and what is written over it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import sqrt

import numpy as np
from PIL import Image

from bootstrap.draft.render import brief as briefs
from bootstrap.draft.render.brief import Brief
from bootstrap.draft.render.given import Given
from bootstrap.draft.render.heard import draw_levels, moved, movement
from bootstrap.draft.render.layers import Moment
from bootstrap.draft.render.mark import BESIDE_LEVELS, draw_caption, draw_mark, timecode
from bootstrap.draft.render.media import Frames, Pixels, resized
from bootstrap.draft.render.noise import dice
from bootstrap.draft.render.restyle import Restyling
from bootstrap.draft.render.scene import paint
from bootstrap.draft.render.stage import Stage
from bootstrap.draft.render.take import Anchor, Guide, Take

DEFAULT_RATE = 25.0
GRAIN = 1.0
"""Standard deviation of the film grain, in 8-bit steps; it stays within ±3."""

MOST_PAINTED = 2_100_000
"""Scenes of more pixels are painted smaller and enlarged, which bounds time and memory."""

UNSAMPLED = (119, 119, 117)
"""What a latent that no sampler has touched decodes to: grey."""


def clip_frames(take: Take | None, pins: tuple[Anchor, ...], width: int, height: int, count: int) -> Frames:
    """The `count` frames of a latent. Before any sampling it shows its pinned pictures and grey."""
    if take is None:
        return Unsampled(count, width, height, pins)
    fitted = (replace(anchor, frames=resized(anchor.frames, width, height)) for anchor in take.anchors)
    return Drawn(count, width, height, replace(take, anchors=tuple(fitted)))


def guide_frames(guides: tuple[Guide, ...], width: int, height: int) -> list[Frames]:
    """What a latent shows after its clip where nobody has taken its guides away: eight frames to a latent."""
    return [Leftover(8 * guide.latents, width, height, resized(guide.frames, width, height)) for guide in guides]


@dataclass(frozen=True, eq=False)
class Leftover:
    """The pictures of a guide, stretched over `count` frames."""

    count: int
    width: int
    height: int
    source: Frames

    def frame(self, index: int) -> Pixels:
        """The guide's picture nearest in time, with the mark."""
        shown = Image.fromarray(np.ascontiguousarray(self.source.frame(index * self.source.count // self.count)))
        draw_mark(shown)
        return np.asarray(shown)


@dataclass(frozen=True, eq=False)
class Unsampled:
    """Pinned pictures in their frames, grey elsewhere."""

    count: int
    width: int
    height: int
    pins: tuple[Anchor, ...]

    def frame(self, index: int) -> Pixels:
        """Frame `index`."""
        for pin in self.pins:
            if pin.at <= index < pin.at + pin.frames.count:
                return pin.frames.frame(index - pin.at)
        return np.broadcast_to(np.array(UNSAMPLED, np.uint8), (self.height, self.width, 3))


@dataclass(frozen=True, eq=False)
class Drawn:
    """A sampled clip."""

    count: int
    width: int
    height: int
    take: Take

    def frame(self, index: int) -> Pixels:
        """Frame `index`, with the mark, and with the caption where no picture was given."""
        rate = self.rate
        moment = Moment(index, index / max(1, self.count - 1), index / rate)
        image = self._guided(moment) if self.take.controls else self._unguided(moment)
        image = self._noisy(self._in_time(image, index), index)
        draw_mark(image)
        if self.take.heard:
            draw_levels(image, self.take.heard, index, self.count, rate)
        if self.take.anchors or self.take.controls:
            return np.asarray(image)
        share = BESIDE_LEVELS if self.take.heard else 1.0
        draw_caption(image, self.take.recipe.prompt, self.facts, timecode(index, rate), share)
        x, y = dice(self.take.detail, "grain", index).integers(0, 64, 2)
        grained: Pixels = np.asarray(image) + self._grain[y : y + self.height, x : x + self.width]
        return grained

    @property
    def rate(self) -> float:
        """Frames per second that the clip was conditioned on."""
        return self.take.recipe.frame_rate if self.take.recipe.frame_rate >= 1 else DEFAULT_RATE

    @cached_property
    def brief(self) -> Brief:
        """What is to be seen."""
        return briefs.read(self.take)

    @cached_property
    def facts(self) -> str:
        """The second line of the caption."""
        move = self.brief.move.name.replace("-", " ")
        return f"{self.rate:g} fps · {self.width}×{self.height} · {move} · seed {self.take.recipe.seed}"

    def _scene(self, moment: Moment) -> Image.Image:
        size = (self.width, self.height)
        shrink = min(1.0, sqrt(MOST_PAINTED / (self.width * self.height)))
        painted = paint(self.brief, round(self.width * shrink), round(self.height * shrink)).frame(moment)
        return painted if painted.size == size else painted.resize(size, Image.Resampling.BICUBIC)

    def _in_time(self, image: Image.Image, index: int) -> Image.Image:
        """The picture moved by the sound that the clip was sampled with."""
        if self.take.heard is None:
            return image
        anchors = self.take.anchors
        return moved(image, movement(self.take.heard, index, self.rate, anchors), nods=bool(anchors))

    def _unguided(self, moment: Moment) -> Image.Image:
        picture = self._free(moment)
        return self._given.aired(picture, moment) if self.take.anchors else picture

    def _free(self, moment: Moment) -> Image.Image:
        """The clip as nothing guides it, without weather over given pictures."""
        return self._with_pictures(moment) if self.take.anchors else self._scene(moment)

    def _guided(self, moment: Moment) -> Image.Image:
        """The clip in the drawing of its guides, the strongest last."""
        index, away = moment.index, self._given.away(moment.index)
        hidden = any(restyling.hides(index, away) for restyling in self._restylings)
        picture = self._style if hidden else self._free(moment)
        for restyling in self._restylings:
            picture = restyling.over(picture, index, away)
        return self._given.aired(picture, moment)

    @cached_property
    def _style(self) -> Image.Image:
        """The picture whose colours a guided clip takes: its first frame."""
        return self._free(Moment(0, 0.0, 0.0))

    @cached_property
    def _restylings(self) -> tuple[Restyling, ...]:
        key = self._given.stage.light.key
        guides = sorted(self.take.controls, key=lambda guide: guide.strength)
        return tuple(Restyling(guide, self._style, key, self.take.detail) for guide in guides)

    def _with_pictures(self, moment: Moment) -> Image.Image:
        """The pinned pictures in motion, giving way to the scene where little holds them."""
        picture, kept = self._given.at(moment)
        if kept < 1:
            picture = Image.blend(self._scene(moment), picture, kept)
        return picture

    @cached_property
    def _given(self) -> Given:
        return Given(self.take.anchors, self.count, self.rate, Stage(self.brief, self.width, self.height))

    def _noisy(self, image: Image.Image, index: int) -> Image.Image:
        """The picture under the noise that an unfinished sampling leaves."""
        left = min(1.0, max(0.0, self.take.recipe.end))
        if not left:
            return image
        noise = dice(self.take.detail, "left", index).normal(128, 52, (self.height, self.width, 3))
        return Image.fromarray(np.clip(np.asarray(image) * (1 - left) + noise * left, 5, 250).astype(np.uint8))

    @cached_property
    def _grain(self) -> Pixels:
        """Grain as bytes that wrap: adding 254 takes 2 away."""
        shape = (self.height + 64, self.width + 64, 1)
        noise = np.clip(np.rint(dice(self.take.detail, "grain").normal(0, GRAIN, shape)), -3, 3)
        return np.repeat(noise.astype(np.int8).view(np.uint8), 3, 2)
