"""A take as frames: the scene, the pictures pinned in it, grain, and what is written over it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import sqrt

import numpy as np
from PIL import Image

from bootstrap.draft.render import brief as briefs
from bootstrap.draft.render.brief import Brief
from bootstrap.draft.render.camera import Move
from bootstrap.draft.render.effects import weather
from bootstrap.draft.render.layers import Layer, Moment
from bootstrap.draft.render.mark import draw_caption, draw_mark, timecode
from bootstrap.draft.render.media import Frames, Pixels, resized
from bootstrap.draft.render.noise import dice
from bootstrap.draft.render.pictures import Motion
from bootstrap.draft.render.scene import paint
from bootstrap.draft.render.stage import Stage
from bootstrap.draft.render.take import Anchor, Take

DEFAULT_RATE = 25.0
GRAIN = 1.0
"""Standard deviation of the film grain, in 8-bit steps; it stays within ±3."""

FULLY_SHOWN = 0.65
"""The strength from which a pinned picture is shown in its frame without any of the scene."""

RESTLESS = 1.6
"""How much farther the camera moves from a picture that nothing holds."""

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
        image = self._noisy(self._given(moment) if self.take.anchors else self._scene(moment), index)
        draw_mark(image)
        if self.take.anchors:
            return np.asarray(image)
        draw_caption(image, self.take.recipe.prompt, self.facts, timecode(index, rate))
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

    def _given(self, moment: Moment) -> Image.Image:
        """The pinned pictures in motion, giving way to the scene where little holds them."""
        index = moment.index
        before = [k for k, anchor in enumerate(self.take.anchors) if anchor.at <= index]
        after = [k for k, anchor in enumerate(self.take.anchors) if anchor.at > index]
        sides = before[-1:] + after[:1]
        if len(sides) == 1:
            picture, kept = self._moved(sides[0], moment)
        else:
            (first, first_kept), (second, second_kept) = (self._moved(k, moment) for k in sides)
            share = self._crossing(sides[0], sides[1], index)
            picture = Image.blend(first, second, share)
            kept = first_kept + (second_kept - first_kept) * share
        if kept < 1:
            picture = Image.blend(self._scene(moment), picture, kept)
        for layer in self._air:
            if index not in self._pinned:
                layer.draw(picture, self.brief.move, moment, self.height)
        return picture

    def _moved(self, which: int, moment: Moment) -> tuple[Image.Image, float]:
        """An anchor's picture at a moment, and how much of it is to be seen (0..1)."""
        anchor = self.take.anchors[which]
        last = anchor.at + anchor.frames.count - 1
        shown = min(1.0, anchor.strength / FULLY_SHOWN)
        if anchor.at <= moment.index <= last:
            return Image.fromarray(np.ascontiguousarray(anchor.frames.frame(moment.index - anchor.at))), shown
        away = (moment.index - last) if moment.index > last else (anchor.at - moment.index)
        room = max(1, self.count - 1 - last if moment.index > last else anchor.at)
        progress = min(1.0, away / room)
        motion = self._motions[which][0 if moment.index > last else 1]
        leaving = np.clip((FULLY_SHOWN - anchor.hold) / 0.5, 0, 1)
        start = 0.7 * anchor.hold
        gone = leaving * np.clip((progress - start) / max(0.2, 0.8 - start), 0, 1)
        return self._warmed(motion.at(progress, away / self.rate), progress), float(shown * (1 - gone))

    def _crossing(self, first: int, second: int, index: int) -> float:
        """How far the clip has gone over from one anchor to the next (0..1)."""
        start = self.take.anchors[first].at + self.take.anchors[first].frames.count - 1
        t = (index - start) / max(1, self.take.anchors[second].at - start)
        t = min(1.0, max(0.0, (t - 0.25) / 0.5))
        return t * t * (3 - 2 * t)

    @cached_property
    def _motions(self) -> tuple[tuple[Motion, Motion], ...]:
        """For each anchor the picture leaving it, and the one arriving at it."""
        made = []
        for anchor in self.take.anchors:
            move = self.brief.move.scaled(0.8 + RESTLESS * (1 - anchor.hold))
            first, last = anchor.frames.frame(0), anchor.frames.frame(anchor.frames.count - 1)
            made.append((Motion(last, move), Motion(first, _reversed(move))))
        return tuple(made)

    @cached_property
    def _pinned(self) -> frozenset[int]:
        """Frames that show a given picture."""
        return frozenset(anchor.at + k for anchor in self.take.anchors for k in range(anchor.frames.count))

    @cached_property
    def _air(self) -> tuple[Layer, ...]:
        """Weather over a given picture, coming up slowly."""
        return tuple(weather(self._stage, self.brief.weather, rise=1.2))

    @cached_property
    def _stage(self) -> Stage:
        return Stage(self.brief, self.width, self.height)

    def _warmed(self, picture: Image.Image, progress: float) -> Image.Image:
        """The picture in a light that turns slowly towards the brief's."""
        key = self._stage.light.key
        gains = 1 + 0.07 * progress * (key / key.mean() - 1)
        return picture.point([min(255, round(value * float(gain))) for gain in gains for value in range(256)])

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


def _reversed(move: Move) -> Move:
    """The move as it arrives instead of leaving."""
    return move.scaled(-1)
