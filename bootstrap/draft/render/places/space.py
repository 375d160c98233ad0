"""Space: stars, a nebula, a planet."""

from __future__ import annotations

import numpy as np

from bootstrap.draft.render.layers import Layer, Plate, Pose
from bootstrap.draft.render.noise import clouds, smoothstep, warped
from bootstrap.draft.render.sky import SKY_DEPTH, paint_sky
from bootstrap.draft.render.stage import Setting, Stage, mix, picture, rgb, stencil
from bootstrap.draft.render.terrain import foreground, land, ridge


def space(stage: Stage) -> Setting:
    """Stars, a nebula, a planet; bare ground where somebody has to stand."""
    light = stage.light
    rng = stage.dice("nebula")
    sky = paint_sky(stage, 1.2)
    gas = warped(clouds(rng, *stage.full, (stage.aspect * 1.6, 1.6), 6), rng, (4, 3), 0.3)
    lane = np.exp(-(((stage.vs[:, None] - 0.45 - 0.35 * (stage.us[None] / stage.aspect - 0.5)) / 0.34) ** 2))
    tints = (mix(light.accent, rgb("#7a4dff"), 0.6), mix(light.key, rgb("#29c7d9"), 0.5))
    pixels = np.asarray(sky.color, np.float32)
    for tint, low in zip(tints, (0.44, 0.52), strict=True):
        veil = smoothstep(low, low + 0.28, gas) * lane
        pixels = pixels + (tint - pixels) * (0.34 * veil)[..., None]
    layers: list[Layer] = [Plate(picture(pixels, stage.fine("space")), None, Pose(0, 0, SKY_DEPTH)), _planet(stage)]
    if not any(subject.ground > 0 for subject in stage.brief.subjects):
        return Setting(tuple(layers), (), horizon=0.62, ground=0.9, depth=0.6)
    grey = mix(light.haze, rgb("#8d8a94"), 0.5)
    ground = ridge(stage, "plain", 0.80, 0.05, 2.2, 0.35)
    layers.append(
        land(stage, ground, 0.5, color=mix(grey, light.near, 0.3), mist=0.0, rim=0.9, facets=0.5, name="plain")
    )
    near = ridge(stage, "regolith", 0.88, 0.02, 1.6, 0.1)
    layers.append(
        land(stage, near, 0.8, color=mix(grey, light.near, 0.45), mist=0.0, rim=0.8, facets=0.35, name="near")
    )
    front = foreground(stage, ridge(stage, "rocks", 1.06, 0.05, 6, 0.6), "rocks")
    return Setting(tuple(layers), (front,), horizon=0.62, ground=0.88, depth=0.82)


def _planet(stage: Stage) -> Plate:
    """A large planet, lit from the sun's side."""
    light, rng = stage.light, stage.dice("planet")
    radius = float(rng.uniform(0.24, 0.40))
    side = stage.px(2.3 * radius)
    axis = (np.arange(side, dtype=np.float32) - side / 2) / (stage.height * radius)
    x, y = axis[None], axis[:, None]
    away = np.hypot(x, y)
    z = np.sqrt(np.clip(1 - away**2, 0, 1))
    toward = -0.75 if rng.random() < 0.5 else 0.75
    lit = np.clip((x * toward - 0.35 * y + 0.45 * z) / 0.94, 0, 1)
    bands = clouds(rng, side, side, (2.5, 11), 5)
    bands = warped(bands, rng, (5, 5), 0.1)
    low, high = mix(light.haze, light.accent, 0.35), mix(light.key, light.accent, 0.25)
    surface = low + (high - low) * smoothstep(0.3, 0.7, bands)[..., None]
    pixels = surface * (0.03 + 1.0 * lit**0.8)[..., None]
    rim = smoothstep(0.82, 1.0, away) * np.clip(lit * 1.6, 0, 1)
    air = mix(rgb("#8fd0ff"), light.key, 0.3)
    pixels = pixels + (air - pixels) * (0.65 * rim)[..., None]
    body = 1 - smoothstep(1 - 2 / (stage.height * radius), 1 + 1 / (stage.height * radius), away)
    halo = np.exp(-np.clip(away - 1, 0, None) / 0.035) * np.clip((x * toward - 0.35 * y) * 0.9 + 0.25, 0, 1) * 0.55
    pixels = np.where((away > 1)[..., None], air, pixels)
    mask = np.maximum(body, np.where(away > 1, halo, 0))
    u = stage.sun_u + 0.08 * rng.normal()
    corner = (stage.column(u) - side // 2, stage.row(0.40 + 0.06 * rng.normal()) - side // 2)
    return Plate(picture(pixels, stage.fine("planet")), stencil(mask), Pose(*corner, 0.14))
