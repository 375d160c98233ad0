"""A scene: the place, its subjects and its weather, ready to be filmed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops

from bootstrap.draft.render.brief import Brief, Subject
from bootstrap.draft.render.effects import fog, weather
from bootstrap.draft.render.figures import AFLOAT, cast
from bootstrap.draft.render.layers import Layer, Moment, Plate, Wash
from bootstrap.draft.render.media import Pixels
from bootstrap.draft.render.noise import Field
from bootstrap.draft.render.places import PLACES
from bootstrap.draft.render.shapes import bounds, parts
from bootstrap.draft.render.stage import Setting, Stage
from bootstrap.draft.render.vocabulary import section

WIDEST = 0.8
"""How much of the frame's width a subject may take."""


@dataclass(frozen=True, eq=False)
class Scene:
    """Layers from far to near, and the look that goes over them."""

    stage: Stage
    layers: tuple[Layer, ...]
    vignette: Image.Image
    grade: list[int]

    def frame(self, moment: Moment) -> Image.Image:
        """The picture at that moment, RGB, graded."""
        canvas = Image.new("RGB", (self.stage.width, self.stage.height))
        move, height = self.stage.brief.move, self.stage.height
        bottoms = [height]
        for layer in reversed(self.layers):
            bottoms.append(min(bottoms[-1], layer.cover(height, move, moment)))
        for layer, bottom in zip(self.layers, bottoms[-2::-1], strict=True):
            layer.draw(canvas, move, moment, bottom)
        return ImageChops.multiply(canvas.point(self.grade), self.vignette)


@lru_cache(maxsize=3)
def paint(brief: Brief, width: int, height: int) -> Scene:
    """Paint the scene of `brief` for frames of `width`×`height`; the last few are kept."""
    stage = Stage(brief, width, height)
    setting = PLACES[brief.place](stage)
    blur = section("shot").get(brief.shot, {}).get("blur", 0.0)
    behind = tuple(_soft(layer, stage, blur) for layer in setting.behind) if blur else setting.behind
    figures = [
        layer for index, subject in enumerate(brief.subjects) for layer in _figure(stage, setting, subject, index)
    ]
    air: list[Layer] = []
    if "fog" in brief.weather or brief.light == "overcast":
        air += [fog(stage, setting.horizon + 0.04, 0.5, 0.7, 0.75), fog(stage, 0.95, 0.5, 1.0, 0.55)]
    air += weather(stage, brief.weather)
    layers = (*behind, *figures, *setting.front, *air)
    return Scene(stage, layers, _vignette(width, height), _grade(brief.guidance) * 3)


def _figure(stage: Stage, setting: Setting, subject: Subject, index: int) -> tuple[Layer, ...]:
    u = stage.subject_u if index == 0 else stage.sun_u + 0.3 * (stage.aspect / 2 - stage.sun_u)
    if subject.ground < 0:
        v = setting.horizon * (1 + subject.ground)
    elif subject.shape in AFLOAT:
        v = setting.horizon + subject.ground * (1 - setting.horizon)
    elif setting.perch and index == 0:
        u, v = setting.perch
        subject = replace(subject, speed=0.0)
    else:
        v = setting.ground + 0.5 * subject.ground * (1 - setting.ground) if subject.ground < 1 else subject.ground
    scale = setting.scale if subject.ground < 1 else 1.0
    size = min(subject.size * scale, max(0.85, subject.size))
    if subject.ground < 1:
        left, right, _, _ = bounds(parts(subject.shape, stage.dice("figure", subject.shape)))
        size = min(size, WIDEST * stage.aspect / (right - left))
    return cast(stage, replace(subject, size=size), u, v, setting.depth)


def _soft(layer: Layer, stage: Stage, blur: float) -> Layer:
    return layer.blurred(blur * stage.height) if isinstance(layer, Plate | Wash) else layer


def _vignette(width: int, height: int) -> Image.Image:
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    fall: Field = 1 - 0.30 * np.clip((x**2 * 0.85 + y**2 * 0.7) - 0.25, 0, None)
    pixels: Pixels = (np.clip(fall, 0, 1) * 255).astype(np.uint8)
    return Image.fromarray(np.repeat(pixels[..., None], 3, 2))


def _grade(guidance: float) -> list[int]:
    """A tone curve: stronger guidance, harder contrast. It keeps clear of both ends so that grain can't wrap."""
    gain = min(1.5, 1 + 0.05 * (guidance - 1))
    values = 128 + (np.arange(256) - 118) * gain - 10
    return [int(value) for value in np.clip(values, 5, 250)]
