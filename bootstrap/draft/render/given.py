"""The pictures pinned in a clip, and how it gets from one to the next."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from bootstrap.draft.render.effects import weather
from bootstrap.draft.render.layers import Layer, Moment
from bootstrap.draft.render.pictures import Motion
from bootstrap.draft.render.stage import Stage
from bootstrap.draft.render.take import Anchor

FULLY_SHOWN = 0.65
"""The strength from which a pinned picture is shown in its frame without any of the scene."""

RESTLESS = 1.6
"""How much farther the camera moves from a picture that nothing holds."""

WEATHER_RISES = 1.2
"""Seconds in which weather comes up over a given picture."""


@dataclass(frozen=True, eq=False)
class Given:
    """The `anchors` of a clip of `count` frames at `rate` per second, all of the stage's size."""

    anchors: tuple[Anchor, ...]
    count: int
    rate: float
    stage: Stage

    def at(self, moment: Moment) -> tuple[Image.Image, float]:
        """The picture at a moment, and how much of it is to be seen over the scene (0..1)."""
        index = moment.index
        before = [k for k, anchor in enumerate(self.anchors) if anchor.at <= index]
        after = [k for k, anchor in enumerate(self.anchors) if anchor.at > index]
        if not before or not after:
            return self._moved(before[-1] if before else after[0], index)
        (first, first_kept), (second, second_kept) = self._moved(before[-1], index), self._moved(after[0], index)
        share = self._crossing(before[-1], index)
        return Image.blend(first, second, share), first_kept + (second_kept - first_kept) * share

    def away(self, index: int) -> int:
        """How many frames off the nearest pinned picture is; the whole clip where there is none."""
        return min((max(anchor.at - index, index - _last(anchor), 0) for anchor in self.anchors), default=self.count)

    def aired(self, picture: Image.Image, moment: Moment) -> Image.Image:
        """The picture with the brief's weather over it, except where it is pinned."""
        if not any(anchor.at <= moment.index <= _last(anchor) for anchor in self.anchors):
            for layer in self._air:
                layer.draw(picture, self.stage.brief.move, moment, self.stage.height)
        return picture

    def _moved(self, which: int, index: int) -> tuple[Image.Image, float]:
        """An anchor's picture in frame `index`, and how much of it is to be seen."""
        anchor, last = self.anchors[which], _last(self.anchors[which])
        shown = min(1.0, anchor.strength / FULLY_SHOWN)
        if anchor.at <= index <= last:
            return Image.fromarray(np.ascontiguousarray(anchor.frames.frame(index - anchor.at))), shown
        away, room = (index - last, self.count - 1 - last) if index > last else (anchor.at - index, anchor.at)
        progress = min(1.0, away / max(1, room))
        arriving, leaving = self._motions[which]
        picture = (leaving if index > last else arriving).at(progress, away / self.rate)
        loose = min(1.0, max(0.0, (FULLY_SHOWN - anchor.hold) / 0.5))
        start = 0.7 * anchor.hold
        gone = loose * min(1.0, max(0.0, (progress - start) / max(0.2, 0.8 - start)))
        return self._warmed(picture, progress), shown * (1 - gone)

    def _crossing(self, which: int, index: int) -> float:
        """How far the clip has gone over from an anchor to the next (0..1)."""
        start = _last(self.anchors[which])
        t = (index - start) / max(1, self.anchors[which + 1].at - start)
        t = min(1.0, max(0.0, (t - 0.25) / 0.5))
        return t * t * (3 - 2 * t)

    @cached_property
    def _motions(self) -> tuple[tuple[Motion, Motion], ...]:
        """For each anchor the picture as the camera comes to it, and as it leaves it."""
        made = []
        for anchor in self.anchors:
            move = self.stage.brief.move.scaled(0.8 + RESTLESS * (1 - anchor.hold))
            first, last = anchor.frames.frame(0), anchor.frames.frame(anchor.frames.count - 1)
            made.append((Motion(first, move.scaled(-1)), Motion(last, move)))
        return tuple(made)

    @cached_property
    def _air(self) -> tuple[Layer, ...]:
        return tuple(weather(self.stage, self.stage.brief.weather, WEATHER_RISES))

    def _warmed(self, picture: Image.Image, progress: float) -> Image.Image:
        """The picture in a light that turns slowly towards the brief's."""
        key = self.stage.light.key
        gains = 1 + 0.07 * progress * (key / key.mean() - 1)
        return picture.point([min(255, round(value * float(gain))) for gain in gains for value in range(256)])


def _last(anchor: Anchor) -> int:
    """The last frame that an anchor pins."""
    return anchor.at + anchor.frames.count - 1
