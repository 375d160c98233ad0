"""Dunes."""

from __future__ import annotations

import numpy as np

from bootstrap.draft.render.layers import Plate, Pose
from bootstrap.draft.render.noise import curve, smoothstep
from bootstrap.draft.render.sky import paint_disc, paint_sky
from bootstrap.draft.render.stage import Setting, Stage, mix, picture, stencil
from bootstrap.draft.render.terrain import foreground, land, ridge


def desert(stage: Stage) -> Setting:
    """Dunes, lit from one side."""
    layers = [paint_sky(stage, 0.58), *paint_disc(stage, 0.58)]
    mesa = ridge(stage, "mesa", 0.575, 0.05, 2.4, 0.4)
    layers.append(land(stage, mesa, 0.1, facets=0.25, mist=0.7, name="mesa"))
    for index, (depth, base, height) in enumerate(((0.3, 0.62, 0.045), (0.52, 0.70, 0.07), (0.78, 0.83, 0.085))):
        layers.append(_dune(stage, f"dune {index}", depth, base, height, 1.5 + 0.5 * (2 - index)))
    front = foreground(stage, ridge(stage, "front", 1.06, 0.05, 1.2, 0.0), "front")
    return Setting(tuple(layers), (front,), horizon=0.58, ground=0.80, depth=0.8)


def _dune(stage: Stage, name: str, depth: float, base: float, height: float, bumps: float) -> Plate:
    light = stage.light
    rng = stage.dice(name)
    crest = base - height * np.abs(curve(rng, stage.full[0], bumps, 2, 0.3)) * 1.6 + 0.6 * height
    top = max(0, stage.row(float(crest.min())) - 2)
    vs = stage.vs[top:, None]
    below = vs - crest[None]
    mask = np.clip(below * stage.height + 0.5, 0, 1)
    peaks = [i for i in range(2, len(crest) - 2) if crest[i] < crest[i - 1] and crest[i] <= crest[i + 1]]
    side = 1.0 if stage.sun_u < stage.aspect / 2 else -1.0
    shade = np.zeros_like(below)
    for peak in peaks:
        lip = stage.us[peak] + side * (0.9 * below - 0.06 * np.sin(np.clip(below, 0, 1) * 16))
        beyond = (stage.us[None] - lip) * side
        reach = np.exp(-np.clip(below, 0, None) / 0.16) * np.exp(-np.clip(beyond, 0, None) / 0.5)
        shade = np.maximum(shade, smoothstep(-0.004, 0.004, beyond) * reach)
    sand = mix(mix(light.key, light.haze, 0.55), light.near, 0.10 + 0.32 * depth)
    dark = mix(light.at(min(1.0, depth + 0.25)), light.sky[1], 0.12)
    ripples = curve(stage.fine(name), 2048, 110, 2)
    lines = np.interp((below * 5 + 0.25 * stage.us[None]) % 1, np.linspace(0, 1, 2048), ripples)
    pixels = sand * (1 + 0.03 * lines * np.clip(below * 8, 0, 1))[..., None]
    pixels = pixels + (dark - pixels) * (0.8 * shade)[..., None]
    fall = smoothstep(0.0, 0.4, below)[..., None]
    pixels = pixels + (mix(sand, light.near, 0.55) - pixels) * 0.5 * fall
    edge = np.exp(-np.clip(below, 0, None) / 0.006)[..., None]
    pixels = pixels + (light.key - pixels) * 0.45 * edge
    return Plate(picture(pixels, stage.fine("sand", name)), stencil(mask), Pose(0, top, depth))
