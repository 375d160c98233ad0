"""Inside a wood."""

from __future__ import annotations

import numpy as np

from bootstrap.draft.render.effects import fog
from bootstrap.draft.render.layers import Painted, Plate, Pose, Wash
from bootstrap.draft.render.noise import clouds, curve, smoothstep
from bootstrap.draft.render.sky import SKY_DEPTH
from bootstrap.draft.render.stage import Setting, Stage, mix, picture, plain, rgb, stencil
from bootstrap.draft.render.terrain import grass, land, ridge


def forest(stage: Stage) -> Setting:
    """Inside a wood: trunks into the mist, light falling through."""
    light = stage.light
    rng = stage.dice("forest")
    us, vs = stage.us[None], stage.vs[:, None]
    glow = np.exp(-(((us - stage.sun_u) / 0.6) ** 2) - ((vs - 0.38) / 0.5) ** 2)
    dark = mix(light.sky[1], light.haze, 0.5)
    back = dark + (mix(light.sky[3], light.key, 0.4) - dark) * (0.95 * glow)[..., None]
    leaves = smoothstep(0.42, 0.62, clouds(rng, *stage.full, (stage.aspect * 9, 9), 5))
    canopy = leaves * np.clip(0.95 - vs / 0.55, 0, 1)
    back = back + (mix(light.haze, light.near, 0.35) - back) * (0.55 * canopy)[..., None]
    layers: list[Painted] = [Plate(picture(back, stage.fine("forest")), None, Pose(0, 0, SKY_DEPTH))]
    rows = ((0.2, 26, 0.010, 0.70), (0.42, 15, 0.019, 0.77), (0.68, 8, 0.034, 0.86))
    for index, (depth, count, girth, foot) in enumerate(rows):
        layers.append(_trunks(stage, f"trunks {index}", depth, count, girth, foot))
        layers.append(fog(stage, foot - 0.02, 0.24, depth + 0.05, 0.42))
    layers.append(_shafts(stage))
    ground = ridge(stage, "floor", 0.90, 0.03, 3, 0.0)
    layers.append(land(stage, ground, 0.86, mist=0.0, rim=0.35, facets=0.1, name="floor"))
    frame = _trunks(stage, "frame", 1.0, 3, 0.085, 1.2)
    ferns = grass(stage, ridge(stage, "ferns", 1.04, 0.05, 2.5, 0.0), 0.16, 300, "ferns")
    return Setting(tuple(layers), (frame, *ferns), horizon=0.5, ground=0.88, depth=0.86)


def _trunks(stage: Stage, name: str, depth: float, count: int, girth: float, foot: float) -> Wash:
    """A row of trunks standing on `foot` (v); the nearest three frame the picture."""
    rng = stage.dice(name)
    mask = np.zeros((stage.full[1], stage.full[0]), np.float32)
    us, vs = stage.us, stage.vs
    span = us[-1] - us[0]
    if depth == 1:
        side = stage.aspect if stage.sun_u < stage.aspect / 2 else 0.0
        centres = np.array([side, stage.aspect - side, side]) + (0.02, 0.10, -0.35) * rng.normal(size=3)
    else:
        centres = us[0] + span * (np.arange(count) + 0.9 * rng.random(count)) / count
    for centre in centres:
        thick = girth * (0.6 + 0.7 * rng.random())
        sway = 0.02 * curve(rng, len(vs), 2, 2) + 0.03 * rng.normal() * (vs - 0.5)
        flare = 1 + 0.9 * np.exp((vs - foot) / 0.05).clip(0, 1.2) + 0.25 * (vs - 0.5)
        reach = 0.5 * thick * flare * (1 + 0.10 * curve(rng, len(vs), 30, 2))
        away = np.abs(us[None] - centre - sway[:, None])
        mask = np.maximum(mask, np.clip((reach[:, None] - away) * stage.height + 0.5, 0, 1))
    mask *= np.clip((foot + 0.03 - vs) * 60, 0, 1)[:, None]
    light = stage.light
    near_sun = np.exp(-(((stage.frame_us - stage.sun_u) / 0.45) ** 2))[None, :, None]
    tone = light.at(min(1.0, depth * 1.05))
    haze = mix(light.haze, light.key, 0.25)
    pixels = tone + (haze - tone) * ((1 - depth) * 0.55 * near_sun)
    return Wash(stage.painted(pixels), stencil(mask), Pose(0, 0, depth))


def _shafts(stage: Stage) -> Wash:
    """Beams of light from above the sun's side."""
    rng = stage.dice("shafts")
    us, vs = stage.us[None], stage.vs[:, None]
    lean = 0.75 if stage.sun_u < stage.aspect / 2 else -0.75
    source = stage.sun_u - 0.25 * lean
    angle = (us - source) / (vs + 0.75) - lean * 0.35
    beams = np.interp(angle, np.linspace(-1.5, 1.5, 512), curve(rng, 512, 26, 3)).astype(np.float32)
    fade = np.exp(-((angle / 0.5) ** 2)) * np.clip(1.05 - vs, 0, 1)
    mask = 0.46 * smoothstep(0.0, 0.7, beams) * fade
    color = mix(stage.light.key, rgb("#ffffff"), 0.2)
    return Wash(plain(color, (stage.width, stage.height)), stencil(mask), Pose(0, 0, SKY_DEPTH))
