"""Subjects on the stage: a silhouette with light along its edge, lit windows, a mirror image on water."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from bootstrap.draft.render.brief import Subject
from bootstrap.draft.render.layers import Plate, Pose, Wash
from bootstrap.draft.render.noise import Field, smoothstep
from bootstrap.draft.render.shapes import silhouette
from bootstrap.draft.render.stage import Color, Stage, mix, picture, plain, stencil

WALKERS = {"person": "walker"}
"""What a shape turns into when it moves."""

AFLOAT = ("sailboat", "ship")


def cast(stage: Stage, subject: Subject, u: float, v: float, depth: float) -> tuple[Wash, Plate]:
    """`subject` with its foot at (u, v), and the glow behind it that sets it off in the dark."""
    name = WALKERS.get(subject.shape, subject.shape) if subject.speed else subject.shape
    rng = stage.dice("figure", subject.shape)
    height = max(6, stage.px(subject.size))
    mask, lit = silhouette(name, height, rng)
    leftwards = rng.random() < 0.5
    if leftwards:
        mask, lit = (image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for image in (mask, lit))
    below = round(height * 0.45) if subject.shape in AFLOAT else 0
    pad = max(4, round(0.12 * height))
    shape, shine = (_padded(image, pad, below) for image in (mask, lit))
    color, seen = _lit(stage, shape, shine, depth, u)
    if below:
        seen = _mirrored(seen, mask, pad, height)
    speed = subject.speed * (-1 if leftwards else 1)
    start = u - speed * 1.6
    left = stage.column(start) - seen.width // 2
    top = stage.row(v) - (seen.height - pad - below)
    bob = 0.004 if subject.shape in (*AFLOAT, "balloon", "astronaut", "whale", "fish") else 0.0
    pose = Pose(left, top, depth, (speed, 0.0), bob)
    return _glow(stage, (seen.width, seen.height - below), pose), Plate(color, seen, pose)


def _glow(stage: Stage, size: tuple[int, int], pose: Pose) -> Wash:
    """Haze lit from behind, the stronger the darker the scene."""
    light = stage.light
    side = round(1.7 * max(size))
    away = np.hypot(*np.meshgrid(*(np.linspace(-1, 1, side, dtype=np.float32),) * 2))
    strength = 0.75 * max(0.0, 0.5 - float(light.haze.mean()) / 255)
    mask = stencil(strength * (1 - smoothstep(0.1, 1.0, away)))
    corner = (pose.left + (size[0] - side) // 2, pose.top + (size[1] - side) // 2)
    color = plain(mix(light.haze, light.sky[3], 0.7), (stage.width, stage.height))
    return Wash(color, mask, replace(pose, left=corner[0], top=corner[1]))


def _padded(image: Image.Image, pad: int, below: int) -> Image.Image:
    grown = Image.new("L", (image.width + 2 * pad, image.height + 2 * pad + below))
    grown.paste(image, (pad, pad))
    return grown


def _lit(stage: Stage, mask: Image.Image, lit: Image.Image, depth: float, u: float) -> tuple[Image.Image, Image.Image]:
    """Its colours, and its mask with the halo of what shines."""
    light = stage.light
    body = mix(light.at(depth), light.near, 0.6)
    if stage.brief.accent:
        body = mix(body, 0.55 * light.accent, 0.4)
    rows = np.linspace(0, 1, mask.height, dtype=np.float32)[:, None, None]
    pixels = body + (mix(light.haze, light.near, 0.55) - body) * (0.35 * rows)
    pixels = np.broadcast_to(pixels, (mask.height, mask.width, 3)).copy()
    toward = 1 if stage.sun_u > u else -1
    step = max(1, round(min(mask.height * 0.012, 0.006 * stage.height)))
    inside = ImageChops.offset(mask, -toward * step, step // 2 + 1)
    edge = np.asarray(ImageChops.subtract(mask, inside).filter(ImageFilter.GaussianBlur(step * 0.6)), np.float32) / 255
    pixels += (mix(light.key, light.sky[3], 0.3) - pixels) * (0.45 * edge)[..., None]
    shine = np.asarray(lit, np.float32) / 255
    halo = np.asarray(lit.filter(ImageFilter.GaussianBlur(max(2.0, 0.035 * mask.height))), np.float32) / 255
    glow: Color = mix(light.accent, light.key, 0.4)
    pixels += (glow - pixels) * np.maximum(shine, np.minimum(1, 1.2 * halo))[..., None]
    seen: Field = np.maximum(np.asarray(mask, np.float32) / 255, np.minimum(0.75, 0.9 * halo))
    return picture(pixels, stage.fine("figure", u)), stencil(seen)


def _mirrored(seen: Image.Image, mask: Image.Image, pad: int, height: int) -> Image.Image:
    """The mask with a faint mirror image below the waterline."""
    flipped = mask.transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize((mask.width, max(1, round(height * 0.55))))
    image = np.asarray(flipped, np.float32) / 255
    ripple = 0.75 + 0.25 * np.sin(np.arange(image.shape[0]) * 0.9)
    fade = np.linspace(0.5, 0.0, image.shape[0]) * ripple
    result = np.asarray(seen, np.float32).copy() / 255
    foot = pad + mask.height
    rows = min(image.shape[0], result.shape[0] - foot)
    area = result[foot : foot + rows, pad : pad + mask.width]
    np.maximum(area, (image * fade[:, None])[:rows], out=area)
    return stencil(result)
