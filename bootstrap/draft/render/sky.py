"""Skies: gradient, glow, sun or moon, stars, aurora, clouds."""

from __future__ import annotations

import numpy as np

from bootstrap.draft.render.layers import Plate, Pose
from bootstrap.draft.render.noise import Field, clouds, curve, smoothstep, warped
from bootstrap.draft.render.stage import Stage, mix, picture, ramp, rgb, stencil

SKY_DEPTH = 0.0
"""Nothing moves the sky but turning and zooming."""


def paint_sky(stage: Stage, horizon: float) -> Plate:
    """The sky down to `horizon` (v), and its lowest colour below that; the sun itself is `paint_disc`."""
    light = stage.light
    us, vs = stage.us, stage.vs
    top = vs[0]
    stops = [top, top + 0.42 * (horizon - top), top + 0.78 * (horizon - top), horizon]
    sky = np.repeat(ramp(light.sky, stops, vs)[:, None], len(us), 1)
    source = light.sun if light.sun is not None else light.moon
    across = us[None] - stage.sun_u
    if light.stars:
        _add_stars(stage, sky, horizon)
    if stage.brief.light == "aurora":
        _add_aurora(stage, sky, horizon)
    if source is not None:
        v = horizon - source
        down = vs[:, None] - v
        bright = 0.36 if light.sun is not None else 0.14
        wide = np.exp(-((across / 0.62) ** 2) - (down / 0.34) ** 2)
        halo = np.exp(-np.sqrt(across**2 + down**2) / 0.085)
        sky += (light.key - sky) * (bright * wide + 0.62 * bright / 0.36 * halo)[..., None]
    else:
        down = vs[:, None] - horizon
        sky += (light.key - sky) * (0.3 * np.exp(-((across / 0.7) ** 2) - (down / 0.22) ** 2))[..., None]
    if light.clouds:
        _add_clouds(stage, sky, horizon)
    return Plate(picture(sky, stage.fine("sky")), None, Pose(0, 0, SKY_DEPTH))


def paint_disc(stage: Stage, horizon: float) -> tuple[Plate, ...]:
    """The sun or the moon, where there is one to be seen."""
    light = stage.light
    source = light.sun if light.sun is not None else light.moon
    if source is None:
        return ()
    radius = 0.036 if light.moon is not None else 0.03 + 0.02 * max(0.0, 1 - source / 0.2)
    side = 2 * stage.px(1.4 * radius) + 1
    offset = (np.arange(side, dtype=np.float32) - side // 2) / stage.height
    distance = np.hypot(offset[None], offset[:, None])
    mask = 1 - smoothstep(radius - 0.003, radius + 0.003, distance)
    pixels = np.broadcast_to(mix(light.key, rgb("#ffffff"), 0.55), (side, side, 3)).copy()
    if light.moon is not None:
        seas = smoothstep(0.42, 0.62, clouds(stage.dice("moon"), side, side, (5, 5), 3))
        pixels *= (1 - 0.16 * seas)[..., None]
    corner = (stage.column(stage.sun_u) - side // 2, stage.row(horizon - source) - side // 2)
    return (Plate(picture(pixels, stage.fine("disc")), stencil(mask), Pose(*corner, SKY_DEPTH)),)


def _add_stars(stage: Stage, sky: Field, horizon: float) -> None:
    rng = stage.fine("stars")
    width, height = stage.full
    n = int(900 * stage.light.stars)
    xs, ys = (
        (rng.random(n) * width).astype(int),
        (rng.random(n) ** 1.3 * min(stage.row(horizon), height - 1)).astype(int),
    )
    power = rng.random(n) ** 5
    fade = np.clip(1.15 - stage.vs[ys] / max(horizon, 0.1), 0, 1)
    tint = np.stack([rgb("#ffffff"), rgb("#cfdcff"), rgb("#ffe6cc")])[rng.integers(0, 3, n)]
    reach = max(1, round(height / 700))
    for dy in range(reach):
        for dx in range(reach):
            y, x = np.minimum(ys + dy, height - 1), np.minimum(xs + dx, width - 1)
            sky[y, x] += (tint - sky[y, x]) * (fade * (0.16 + 0.84 * power))[:, None].astype(np.float32)


def _add_aurora(stage: Stage, sky: Field, horizon: float) -> None:
    rng = stage.dice("aurora")
    width, _ = stage.full
    for band in range(3):
        base = horizon * (0.5 + 0.14 * band) + 0.14 * curve(rng, width, 1.6 + band, 3)
        strength = np.clip(0.5 + 0.7 * curve(rng, width, 3 + 2 * band, 2), 0, 1)
        streaks = 0.62 + 0.38 * curve(rng, width, 60, 2)
        above = base[None] - stage.vs[:, None]
        curtain = np.where(above > 0, np.exp(-above / 0.17), np.exp(above / 0.012)) * (strength * streaks)[None]
        tint = mix(rgb("#7dffb0"), rgb("#8c6bff"), 0.25 * band)
        sky += (tint - sky) * (0.5 * curtain)[..., None]


def _add_clouds(stage: Stage, sky: Field, horizon: float) -> None:
    light, (width, height) = stage.light, stage.full
    low = stage.row(horizon)
    rng = stage.dice("clouds")
    body = clouds(rng, width, height, (stage.aspect * 1.7, 4.5), 6)
    body = warped(body, rng, (stage.aspect * 3, 5), 0.1)
    depth = np.clip((horizon - stage.vs[:low]) / (horizon - stage.vs[0]), 0, 1)
    rows = ((1 - depth) ** 1.0 * 0.35 + 0.65 / (0.6 + 2.2 * depth) - 0.65 / 2.8) / (1 + 0.65 / 0.6 - 0.65 / 2.8)
    at = np.clip(rows * (height - 1), 0, height - 1.001).astype(np.float32)
    upper, share = at.astype(int), (at % 1)[:, None]
    body = body[upper] * (1 - share) + body[upper + 1] * share
    threshold = 0.74 - 0.42 * light.clouds
    cover = smoothstep(threshold, threshold + 0.22, body)
    step = max(1, stage.px(0.014))
    below = np.vstack([body[step:], body[-1:].repeat(step, 0)])
    lit = np.clip((body - below) * 7 + 0.35, 0, 1)
    near_sun = np.exp(-(((stage.us[None] - stage.sun_u) / 0.75) ** 2))
    shade = mix(light.haze, light.sky[1], 0.45)
    bright = mix(light.sky[3], light.key, 0.5)
    glow = (lit * (0.3 + 0.7 * near_sun))[..., None]
    color = shade + (bright - shade) * glow
    opacity = (cover * (0.2 + 0.6 * np.minimum(depth * 3, 1))[:, None])[..., None]
    sky[:low] += (color - sky[:low]) * opacity
