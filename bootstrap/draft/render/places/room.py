"""A room with a window."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from bootstrap.draft.render.layers import Plate, Pose, Wash
from bootstrap.draft.render.noise import Field, clouds, smoothstep
from bootstrap.draft.render.shapes import silhouette
from bootstrap.draft.render.stage import Setting, Stage, mix, picture, plain, ramp, rgb, stencil


def room(stage: Stage) -> Setting:
    """A room with a window, light falling in."""
    light = stage.light
    rng = stage.dice("room")
    width, height = stage.full
    us, vs = stage.us[None], stage.vs[:, None]
    floor = 0.80
    wall = 0.8 * mix(light.haze, light.sky[3], 0.35)
    distance = np.hypot((us - stage.sun_u) / 0.85, (vs - 0.42) / 0.75)
    pixels = wall * (0.38 + 0.95 * np.exp(-(distance**2)))[..., None]
    grain = clouds(rng, width, height, (stage.aspect * 20, 60), 3)
    boards = np.where(vs > floor, 1, 0) * (0.86 + 0.22 * clouds(rng, width, height, (stage.aspect * 2, 70), 2))
    tone = mix(wall, light.near, 0.45) * (0.5 + 0.8 * np.exp(-(((us - stage.sun_u) / 0.7) ** 2)))[..., None]
    pixels = np.where((vs > floor)[..., None], tone * boards[..., None], pixels * (0.97 + 0.06 * grain)[..., None])
    skirting = np.exp(-(((vs - floor) / 0.012) ** 2))
    pixels = pixels * (1 - 0.45 * skirting)[..., None]
    back = Plate(picture(pixels, stage.fine("room")), None, Pose(0, 0, 0.3))
    window, frame = _window(stage)
    beam = _beam(stage, floor)
    front = _furniture(stage)
    return Setting((back, window, frame, beam), front, horizon=0.5, ground=0.84, depth=0.8, scale=2.0)


def _window(stage: Stage) -> tuple[Plate, Wash]:
    """What shines through the window, and its frame."""
    light = stage.light
    wide, tall = min(0.36, 0.45 * stage.aspect), 0.50
    u, v = stage.sun_u - wide / 2, 0.13
    size = (stage.px(wide), stage.px(tall))
    rows = np.linspace(0, 1, size[1], dtype=np.float32)
    outside = ramp(
        [mix(light.key, light.sky[3], 0.6), light.key, mix(light.key, rgb("#ffffff"), 0.5)], [0, 0.6, 1], rows
    )
    pixels = np.repeat(outside[:, None], size[0], 1)
    leaves = smoothstep(0.5, 0.66, clouds(stage.dice("garden"), *size, (6, 9), 3))[..., None]
    pixels = pixels + (mix(light.haze, light.key, 0.55) - pixels) * 0.45 * leaves * rows[:, None, None]
    corner = (stage.column(u), stage.row(v))
    panes = Plate(picture(pixels, stage.fine("window")), None, Pose(*corner, 0.22))
    frame = Image.new("L", (size[0] + 2 * stage.px(0.02), size[1] + 2 * stage.px(0.02)))
    draw = ImageDraw.Draw(frame)
    bar = max(2, stage.px(0.011))
    draw.rectangle([0, 0, frame.width - 1, frame.height - 1], outline=255, width=stage.px(0.022))
    for x in (0.5,):
        draw.rectangle([frame.width * x - bar / 2, 0, frame.width * x + bar / 2, frame.height], fill=255)
    for y in (0.34, 0.67):
        draw.rectangle([0, frame.height * y - bar / 2, frame.width, frame.height * y + bar / 2], fill=255)
    wood = plain(mix(light.near, light.sky[2], 0.2), (stage.width, stage.height))
    place = (corner[0] - stage.px(0.02), corner[1] - stage.px(0.02))
    return panes, Wash(wood, frame, Pose(*place, 0.3))


def _beam(stage: Stage, floor: float) -> Wash:
    """Light from the window: a shaft in the dusty air and a patch on the floor."""
    us, vs = stage.us[None], stage.vs[:, None]
    side = 1.0 if stage.sun_u < stage.aspect / 2 else -1.0
    down = np.clip(vs - 0.16, 0, None)
    axis = stage.sun_u + side * 0.62 * down
    spread = 0.15 + 0.12 * down
    shaft = smoothstep(0.0, 1.0, 1 - np.abs(us - axis) / spread) * np.exp(-down / 0.8) * (down > 0)
    panes = 0.8 + 0.2 * np.sin((us - axis) / spread * 9)
    centre = stage.sun_u + side * 0.62 * (floor + 0.1 - 0.16)
    lean = (us - centre - side * 0.9 * (vs - floor - 0.1)) / 0.24
    patch = smoothstep(0, 0.25, 1 - np.abs(lean)) * smoothstep(0, 0.3, 1 - np.abs((vs - floor - 0.105) / 0.075))
    bars = 1 - 0.5 * (np.abs(lean) < 0.05)
    mask: Field = np.maximum(0.20 * shaft * panes, 0.5 * patch * bars)
    color = plain(mix(stage.light.key, rgb("#ffffff"), 0.2), (stage.width, stage.height))
    return Wash(color, stencil(mask), Pose(0, 0, 0.5))


def _furniture(stage: Stage) -> tuple[Wash, ...]:
    """A dark leaf plant or a shelf edge in front, on the side away from the window."""
    light = stage.light
    mask, _ = silhouette("plant", stage.px(min(0.5, 0.4 * stage.aspect)), stage.dice("plant"))
    u = stage.aspect - 0.04 if stage.sun_u < stage.aspect / 2 else 0.04
    corner = (stage.column(u) - mask.width // 2, stage.row(1.06) - mask.height)
    leaves = plain(mix(light.near, light.haze, 0.06), (stage.width, stage.height))
    return (Wash(leaves, mask, Pose(*corner, 1.0)),)
