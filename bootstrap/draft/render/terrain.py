"""Ground in layers: ridges, hills, dunes, water. Each fades into the haze by its depth."""

from __future__ import annotations

import numpy as np
from PIL import ImageChops

from bootstrap.draft.render.layers import Plate, Pose, Wash
from bootstrap.draft.render.noise import Field, curve, smoothstep
from bootstrap.draft.render.shapes import silhouette
from bootstrap.draft.render.stage import Color, Cutter, Stage, mix, picture, plain, stencil

HAZE_REACH = 0.3
"""How far below a layer's crest mist gathers, in frame heights."""


def ridge(stage: Stage, name: str, base: float, height: float, bumps: float, sharp: float) -> Field:
    """Crest line (v of each column): `sharp` 0 gives hills, 1 gives peaks."""
    rng = stage.dice("ridge", name)
    n = stage.full[0]
    soft = curve(rng, n, bumps, 5, 0.42)
    peaks = 1 - 2 * np.abs(curve(rng, n, bumps, 7, 0.5))
    return base - height * ((1 - sharp) * soft + sharp * (peaks - 0.35))


def land(
    stage: Stage,
    crest: Field,
    depth: float,
    *,
    color: Color | None = None,
    mist: float = 0.6,
    rim: float = 0.5,
    facets: float = 0.0,
    snow: float = 0.0,
    name: str = "",
) -> Plate:
    """A layer of land below `crest`.

    `mist` lightens its foot, `rim` is the light along its crest, `facets` the relief of its slopes, `snow` how far
    down from the highest peak it is white (1: to its foot).
    """
    light = stage.light
    top = max(0, stage.row(float(crest.min())) - 2)
    vs = stage.vs[top:, None]
    below = vs - crest[None]
    mask = np.clip(below * stage.height + 0.5, 0, 1)
    dark = stage.light.at(depth) if color is None else color
    foot = mix(light.haze, light.sky[3], 0.35)
    fog = mist * (1 - depth) ** 0.6 * smoothstep(0.0, HAZE_REACH, below)
    pixels: Field = np.broadcast_to(dark, (*below.shape, 3)).astype(np.float32)
    pixels = pixels * (1 - 0.35 * depth * smoothstep(0.0, 0.25, below))[..., None]
    if facets or snow:
        relief = _relief(stage, crest, below, name)
        if snow:
            highest = float(crest.min())
            reach = snow * (float(np.percentile(crest, 90)) - highest) * (0.6 + 0.9 * relief)
            white = (1 - smoothstep(-0.03, 0.03, vs - highest - reach)) * (0.25 + 0.75 * relief)
            pixels = pixels + (mix(light.sky[3], light.key, 0.35) - pixels) * (0.85 * white)[..., None]
        pixels = pixels * (1 + facets * (relief - 0.5) * 1.6)[..., None]
        pixels = pixels + (light.key - pixels) * (facets * 0.28 * np.clip(relief - 0.55, 0, 1))[..., None]
    pixels = pixels + (foot - pixels) * fog[..., None]
    if rim:
        near_sun = np.exp(-(((stage.us - stage.sun_u) / 0.55) ** 2))
        edge = np.exp(-np.clip(below, 0, None) / 0.008) * near_sun[None]
        pixels = pixels + (light.key - pixels) * (rim * edge * (1 - 0.4 * depth))[..., None]
    return Plate(picture(pixels, stage.fine("land", name, depth)), stencil(mask), Pose(0, top, depth))


def _relief(stage: Stage, crest: Field, below: Field, name: str) -> Field:
    """Slopes lit from the sun's side: 0 in shadow, 1 in light. Gullies run down from the peaks."""
    rng = stage.dice("relief", name)
    us = stage.us
    reach = max(3, stage.px(0.07)) | 1
    padded = np.pad(crest, reach, mode="edge")
    steep = (padded[2 * reach :] - padded[: -2 * reach]) * stage.height / (2 * reach)
    lean = np.tanh(2.5 * np.convolve(np.pad(steep, reach // 2, mode="edge"), np.ones(reach) / reach, "valid"))
    gullies = curve(rng, 4096, 26 * stage.aspect, 4, 0.6)
    spread = np.linspace(us[0] - 1, us[-1] + 1, 4096)
    down = np.clip(below, 0, None)
    run = np.interp(us[None] - 0.55 * down * lean[None] + 0.012 * np.sin(31 * down), spread, gullies)
    side = np.tanh((us - stage.sun_u) / 0.25)
    fade = np.exp(-down / 0.22)
    lit = 0.5 + fade * (0.38 * (lean * side)[None] + 0.55 * run * (0.15 + 0.85 * np.abs(lean))[None])
    relief: Field = np.clip(lit, 0, 1).astype(np.float32)
    return relief


def grove(stage: Stage, name: str, crest: Field, height: float, count: int, depth: float, shape: str = "pine") -> Wash:
    """`count` trees along `crest`, up to `height` frame heights tall, on the ground below it."""
    rng = stage.dice("grove", name)
    top = max(0, stage.row(float(crest.min()) - 1.1 * height))
    vs = stage.vs[top:, None]
    mask = stencil(np.clip((vs - crest[None]) * stage.height + 0.5, 0, 1))
    us = stage.us
    groups = 0.55 + 0.45 * curve(rng, count, 4, 3)
    centres = us[0] + (us[-1] - us[0]) * (np.arange(count) + rng.random(count)) / count
    for u, size in zip(centres, height * (0.5 + 0.5 * rng.random(count)) * groups, strict=True):
        pixels = stage.px(float(size))
        if pixels < 3:
            continue
        tree, _ = silhouette(shape, pixels, rng)
        foot = stage.row(float(np.interp(u, us, crest)) + 0.012 * rng.random())
        corner = (stage.column(float(u)) - tree.width // 2, foot - top - tree.height + stage.px(0.006))
        mask.paste(255, (corner[0], corner[1], corner[0] + tree.width, corner[1] + tree.height), tree)
    light = stage.light
    dark, foot_color = light.at(depth), mix(light.haze, light.sky[3], 0.25)
    below = stage.frame_vs[:, None] - float(crest.mean() - height)
    fade = 0.55 * (1 - depth) * smoothstep(0.0, 1.6 * height, below)
    return Wash(stage.painted((dark + (foot_color - dark) * fade)[:, None]), mask, Pose(0, top, depth))


def grass(stage: Stage, crest: Field, height: float, count: int, name: str) -> tuple[Wash, Wash]:
    """Blades along the lower edge, bent by the wind, and the flowers that some of them carry."""
    rng = stage.dice("grass", name)
    top = max(0, stage.row(float(crest.min()) - 1.2 * height))
    size = (stage.full[0], stage.full[1] - top)
    ground = stencil(np.clip((stage.vs[top:, None] - crest[None]) * stage.height + 0.5, 0, 1))
    stalks, petals = Cutter(size), Cutter(size)
    wind = 0.25 * (1 if rng.random() < 0.5 else -1)
    for u in np.sort(rng.uniform(stage.us[0], stage.us[-1], count)):
        tall = height * (0.35 + 0.65 * rng.random())
        x, y = stage.column(float(u)), stage.row(float(np.interp(u, stage.us, crest))) - top + 2
        tip = (x + (wind + 0.22 * rng.normal()) * tall * stage.height, y - tall * stage.height)
        half = max(0.6, 0.0021 * stage.height)
        bend = (x * 0.5 + tip[0] * 0.5 - 0.12 * wind * tall * stage.height, (y + tip[1]) / 2)
        stalks.polygon([(x - half, y), bend, tip, (bend[0] + half, bend[1]), (x + half, y)])
        if rng.random() < 0.05:
            reach = 0.0055 * stage.height * (0.6 + rng.random())
            petals.disc(*tip, reach, reach)
    light = stage.light
    near_sun = np.exp(-(((stage.frame_us - stage.sun_u) / 0.5) ** 2))[None, :, None]
    rise = 1 - smoothstep(0.0, 1.4 * height, stage.frame_vs - float(crest.mean() - height))[:, None, None]
    blades = light.at(1.0) + (light.key - light.at(1.0)) * (0.3 * rise * near_sun)
    blooms = plain(mix(light.accent, light.near, 0.15), (stage.width, stage.height))
    pose = Pose(0, top, 1.0)
    mask = ImageChops.lighter(ground, stalks.mask())
    return Wash(stage.painted(blades), mask, pose), Wash(blooms, petals.mask(), pose)


def foreground(stage: Stage, crest: Field, name: str) -> Plate:
    """The nearest, nearly black layer."""
    return land(stage, crest, 1.0, mist=0.0, rim=0.25, name=name)
