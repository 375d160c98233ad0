"""A skyline over water."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from bootstrap.draft.render.effects import fog, shimmer
from bootstrap.draft.render.layers import Layer, Plate, Pose
from bootstrap.draft.render.noise import smoothstep
from bootstrap.draft.render.sky import paint_disc, paint_sky
from bootstrap.draft.render.stage import Setting, Stage, mix, picture, rgb
from bootstrap.draft.render.water import paint_water

LAMPS = ("#ffd9a0", "#ffe9c4", "#ffc27a", "#cfe4ff")


def city(stage: Stage) -> Setting:
    """A skyline over water."""
    horizon = 0.74
    towers = [
        _skyline(stage, "far", horizon, 0.16, (0.11, 0.30), (0.035, 0.07), 0.22),
        _skyline(stage, "middle", horizon, 0.36, (0.10, 0.42), (0.05, 0.10), 0.45),
        _skyline(stage, "near", horizon, 0.55, (0.04, 0.24), (0.06, 0.14), 0.6),
    ]
    sky = paint_sky(stage, 0.70)
    mist = fog(stage, 0.66, 0.26, 0.26, 0.5)
    water = paint_water(stage, (sky, *towers), horizon, 0.5, ripple=0.45, mirror=0.8)
    layers: tuple[Layer, ...] = (sky, *paint_disc(stage, 0.70), towers[0], mist, towers[1], towers[2], water)
    return Setting(
        (*layers, shimmer(stage, horizon, 0.5, 0.7)), (_parapet(stage),), horizon=horizon, ground=0.97, depth=0.95
    )


def _skyline(
    stage: Stage,
    name: str,
    base: float,
    depth: float,
    heights: tuple[float, float],
    widths: tuple[float, float],
    lit: float,
) -> Plate:
    """Towers standing on `base`, windows lit by `lit` (share of them)."""
    rng, light = stage.dice("skyline", name), stage.light
    mask = Image.new("L", stage.full)
    draw = ImageDraw.Draw(mask)
    lights = Image.new("RGB", stage.full)
    shine = ImageDraw.Draw(lights)
    lamps = [tuple(int(c) for c in mix(rgb(lamp), light.accent, 0.25)) for lamp in LAMPS]
    u = float(stage.us[0]) - 0.05
    while u < stage.us[-1]:
        wide = float(rng.uniform(*widths))
        centrality = np.exp(-(((u - stage.subject_u) / 0.5) ** 2))
        tall = float(rng.uniform(heights[0], heights[0] + (heights[1] - heights[0]) * (0.45 + 0.55 * centrality)))
        box = [stage.column(u), stage.row(base - tall), stage.column(u + wide), stage.row(base) + 2]
        draw.rectangle(box, fill=255)
        _roof(stage, draw, rng, box)
        _windows(stage, shine, rng, box, lit * light.darkness, lamps, depth)
        u += wide * float(rng.uniform(0.72, 1.15))
    rows = smoothstep(-0.42, 0.02, stage.vs - base)[:, None, None]
    body = light.at(depth)
    foot = mix(mix(light.haze, light.sky[3], 0.4), body, 0.35 + 0.5 * depth)
    pixels = np.broadcast_to(body + (foot - body) * rows, (stage.full[1], stage.full[0], 3)).copy()
    glow = np.asarray(lights, np.float32)
    halo = np.asarray(lights.filter(ImageFilter.GaussianBlur(0.006 * stage.height)), np.float32)
    pixels = np.maximum(pixels, glow * (0.45 + 0.4 * depth)) + 0.35 * halo
    bottom = stage.row(base) + 2
    top = max(0, (mask.getbbox() or (0, 0, 0, 0))[1] - 2)
    color = picture(pixels[top:bottom], stage.fine("skyline", name))
    return Plate(color, mask.crop((0, top, stage.full[0], bottom)), Pose(0, top, depth))


def _roof(stage: Stage, draw: ImageDraw.ImageDraw, rng: np.random.Generator, box: list[int]) -> None:
    left, top, right, _ = box
    wide = right - left
    kind = rng.integers(0, 6)
    if kind in (0, 1, 2):
        draw.rectangle([left + wide * 0.18, top - 0.22 * wide, right - wide * 0.18, top], fill=255)
    if kind in (0, 1):
        draw.rectangle([left + wide * 0.34, top - 0.42 * wide, right - wide * 0.34, top], fill=255)
    if kind in (0, 3):
        mast = max(1, round(0.0016 * stage.height))
        x = (left + right) / 2
        draw.rectangle([x - mast / 2, top - wide * (0.5 + 0.7 * rng.random()), x + mast / 2, top], fill=255)


def _windows(
    stage: Stage,
    draw: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    box: list[int],
    lit: float,
    lamps: list[tuple[int, ...]],
    depth: float,
) -> None:
    left, top, right, bottom = box
    pitch = max(3.0, (0.0085 + 0.007 * depth) * stage.height)
    size = max(1.0, pitch * 0.42)
    columns = max(1, int((right - left - pitch * 0.6) / pitch))
    floors = max(1, int((bottom - top - pitch) / (pitch * 1.25)))
    warm = lamps[int(rng.integers(0, len(lamps)))]
    start = left + (right - left - columns * pitch) / 2 + pitch * 0.29
    on = rng.random((floors, columns)) < lit * (0.35 + 0.9 * rng.random())
    strength = 0.45 + 0.55 * rng.random((floors, columns))
    for row, column in np.argwhere(on):
        x, y = start + column * pitch, top + pitch * 0.8 + row * pitch * 1.25
        color = tuple(int(c * strength[row, column]) for c in warm)
        draw.rectangle([x, y, x + size, y + size * 1.25], fill=color)


def _parapet(stage: Stage) -> Plate:
    """The edge of a quay or a roof in front, with a railing."""
    light = stage.light
    top = stage.row(0.875)
    size = (stage.full[0], stage.full[1] - top)
    mask = Image.new("L", size)
    draw = ImageDraw.Draw(mask)
    thin = max(1, round(0.005 * stage.height))
    foot = stage.row(0.955) - top
    draw.rectangle([0, foot, *size], fill=255)
    draw.rectangle([0, thin, size[0], 2 * thin], fill=255)
    draw.rectangle([0, 6 * thin, size[0], 6 * thin + max(1, thin // 2)], fill=255)
    for x in range(0, size[0], stage.px(0.16)):
        draw.rectangle([x, thin, x + thin, foot], fill=255)
    rows = np.linspace(0, 1, size[1], dtype=np.float32)[:, None, None]
    near_sun = np.exp(-(((stage.us - stage.sun_u) / 0.5) ** 2))[None, :, None]
    pixels = light.near + (mix(light.key, light.haze, 0.4) - light.near) * 0.30 * near_sun * (1 - rows) ** 3
    return Plate(picture(np.broadcast_to(pixels, (size[1], size[0], 3)), stage.fine("quay")), mask, Pose(0, top, 1.0))
