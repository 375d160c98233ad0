"""Under water."""

from __future__ import annotations

import numpy as np

from bootstrap.draft.render.effects import AIR
from bootstrap.draft.render.layers import Layer, Plate, Pose, Wash
from bootstrap.draft.render.noise import clouds, curve, smoothstep
from bootstrap.draft.render.sky import SKY_DEPTH
from bootstrap.draft.render.stage import Setting, Stage, mix, picture, plain, ramp, rgb, stencil
from bootstrap.draft.render.terrain import land, ridge


def underwater(stage: Stage) -> Setting:
    """Below the surface: light from above, a reef in the blue."""
    light = stage.light
    us, vs = stage.us[None], stage.vs[:, None]
    column = ramp(light.sky, [-0.15, 0.16, 0.55, 1.15], stage.vs)[:, None]
    glow = np.exp(-(((us - stage.sun_u) / 0.55) ** 2) - (np.clip(vs + 0.1, 0, None) / 0.5) ** 2)
    pixels = column + (light.key - column) * (0.75 * glow)[..., None]
    caustic = clouds(stage.dice("surface"), *stage.full, (stage.aspect * 9, 26), 3)
    lines = np.clip(1 - np.abs(caustic - 0.5) * 14, 0, 1) * np.exp(-np.clip(vs + 0.12, 0, None) / 0.09)
    pixels = pixels + (rgb("#ffffff") - pixels) * (0.5 * lines)[..., None]
    layers: list[Layer] = [Plate(picture(pixels, stage.fine("water")), None, Pose(0, 0, SKY_DEPTH)), _rays(stage)]
    blue = light.sky[2]
    for index, (depth, base, height) in enumerate(((0.22, 0.80, 0.07), (0.45, 0.88, 0.08), (0.75, 0.96, 0.07))):
        crest = _reef(stage, f"reef {index}", base, height)
        tone = mix(blue, light.near, 0.15 + 0.75 * depth)
        layers.append(land(stage, crest, depth, color=tone, mist=0.5, rim=0.25, facets=0.1, name=f"reef {index}"))
    weed = _weed(stage)
    bubbles = AIR["bubbles"](stage, 0.0)
    return Setting(tuple(layers), (weed, *bubbles), horizon=0.55, ground=0.92, depth=0.6)


def _rays(stage: Stage) -> Wash:
    """Sunbeams slanting down from the surface."""
    us, vs = stage.us[None], stage.vs[:, None]
    angle = (us - stage.sun_u) / (vs + 0.9)
    beams = np.interp(angle, np.linspace(-2, 2, 640), curve(stage.dice("rays"), 640, 44, 2)).astype(np.float32)
    mask = 0.34 * smoothstep(0.05, 0.75, beams) * np.exp(-np.clip(vs, 0, None) / 0.55) * np.exp(-((angle / 0.7) ** 2))
    color = plain(mix(stage.light.key, rgb("#ffffff"), 0.3), (stage.width, stage.height))
    return Wash(color, stencil(mask), Pose(0, 0, SKY_DEPTH))


def _reef(stage: Stage, name: str, base: float, height: float) -> np.ndarray:
    soft = ridge(stage, name, base, height, 2.4, 0.0)
    knobs = np.abs(curve(stage.dice(name, "knobs"), stage.full[0], 34, 3, 0.6))
    return (soft - 0.35 * height * knobs).astype(np.float32)


def _weed(stage: Stage) -> Wash:
    """Kelp at the sides, in front."""
    rng = stage.dice("weed")
    us, vs = stage.us[None], stage.vs[:, None]
    mask = np.zeros((stage.full[1], stage.full[0]), np.float32)
    for index in range(9):
        side = -0.02 if index % 2 else stage.aspect + 0.02
        root = side + 0.16 * rng.normal() * 0.7
        tall = float(rng.uniform(0.25, 0.75))
        rise = np.clip((1.1 - vs) / (tall + 0.1), 0, 1)
        sway = 0.05 * np.sin(9 * vs + 6 * rng.random()) * rise
        leaf = 0.5 + 0.5 * np.abs(np.sin(34 * vs + 6 * rng.random()))
        reach = 0.016 * leaf * (1 - rise**3) * (vs > 1.1 - tall)
        mask = np.maximum(mask, np.clip((reach - np.abs(us - root - sway)) * stage.height + 0.5, 0, 1) * (reach > 0))
    light = stage.light
    color = plain(mix(light.near, light.sky[2], 0.1), (stage.width, stage.height))
    return Wash(color, stencil(mask), Pose(0, 0, 1.0))
