"""A picture that moves with a sound: it brightens and comes a little nearer where the sound is loud."""

from __future__ import annotations

from functools import lru_cache

from PIL import Image, ImageDraw

from bootstrap.draft.render.mark import INK, SHADE, levels_box
from bootstrap.draft.render.sounds import Levels
from bootstrap.draft.render.take import Anchor

PULSE = 0.13
"""How much brighter the picture is where the sound is loud."""

BRIGHTEST = 250
"""Up to here: grain on top must not wrap."""

PUSH = 0.016
"""How much larger it is there."""

SETTLES = 0.2
"""Seconds after a pinned frame in which the movement comes up; a pinned frame stays as it is."""

STILL = 0.02
"""What is fainter than this moves nothing."""

BAR, PITCH = 2, 3
"""Pixels of a bar of the level strip, and from one bar to the next."""


def movement(levels: Levels, index: int, rate: float, anchors: tuple[Anchor, ...]) -> float:
    """How far the picture moves (0..1) in frame `index`."""
    away = min((_distance(anchor, index) for anchor in anchors), default=None)
    free = 1.0 if away is None else min(1.0, away / (SETTLES * rate))
    return free * levels.at(index / rate, 1 / rate)


def moved(image: Image.Image, level: float, nods: bool) -> Image.Image:
    """The picture at a level (0..1). It grows about its middle, or where it `nods` about its upper edge."""
    if level < STILL:
        return image
    width, height = image.size
    inset = PUSH * level / 2
    left, top = inset * width, inset * height
    box = (left, 0.0, width - left, height - 2 * top) if nods else (left, top, width - left, height - top)
    lit = [max(value, min(BRIGHTEST, round(value * (1 + PULSE * level)))) for value in range(256)]
    return image.resize(image.size, Image.Resampling.BILINEAR, box).point(lit * 3)


def draw_levels(frame: Image.Image, levels: Levels, index: int, count: int, rate: float) -> None:
    """Draw the loudness over the whole clip into the right of the caption, what has been played brighter."""
    box = levels_box(frame.width, frame.height)
    if box is None:
        return
    color, ahead, played = _strip(levels, (box[2] - box[0], box[3] - box[1]), count / rate)
    done = round((index + 1) / count * color.width)
    mask = ahead.copy()
    mask.paste(played.crop((0, 0, done, played.height)))
    frame.paste(color, box[:2], mask)


def _distance(anchor: Anchor, index: int) -> int:
    """Frames from the nearest one that an anchor pins."""
    return max(anchor.at - index, index - (anchor.at + anchor.frames.count - 1), 0)


@lru_cache(maxsize=4)
def _strip(levels: Levels, size: tuple[int, int], seconds: float) -> tuple[Image.Image, Image.Image, Image.Image]:
    """The strip's colours, and how much of them shows of what is to come and of what has been played."""
    color = Image.new("RGB", size, SHADE)
    ahead = Image.new("L", size)
    ImageDraw.Draw(ahead).rounded_rectangle([0, 0, size[0] - 1, size[1] - 1], radius=size[1] * 0.14, fill=80)
    played = ahead.copy()
    margin = PITCH
    bars = max(1, (size[0] - 2 * margin) // PITCH)
    for bar in range(bars):
        tall = max(1.0, (size[1] / 2 - margin) * levels.at(seconds * bar / bars, seconds / bars))
        x = margin + bar * PITCH
        where = [x, round(size[1] / 2 - tall), x + BAR - 1, round(size[1] / 2 + tall) - 1]
        ImageDraw.Draw(color).rectangle(where, fill=INK)
        for mask, strength in ((ahead, 120), (played, 235)):
            ImageDraw.Draw(mask).rectangle(where, fill=strength)
    return color, ahead, played
