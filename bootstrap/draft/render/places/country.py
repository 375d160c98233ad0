"""Open country: hills, mountains, lake, pines, field."""

from __future__ import annotations

import numpy as np

from bootstrap.draft.render.effects import fog, shimmer
from bootstrap.draft.render.layers import Painted, Plate
from bootstrap.draft.render.noise import Field, curve
from bootstrap.draft.render.sky import paint_disc, paint_sky
from bootstrap.draft.render.stage import Setting, Stage, mix, stencil
from bootstrap.draft.render.terrain import grass, grove, land, ridge
from bootstrap.draft.render.water import paint_water


def hills(stage: Stage) -> Setting:
    """Rolling country, trees along the folds."""
    layers: list[Painted] = [paint_sky(stage, 0.6), *paint_disc(stage, 0.6)]
    for index, (depth, base, height) in enumerate(((0.14, 0.56, 0.06), (0.3, 0.63, 0.07), (0.5, 0.71, 0.07))):
        name = f"hill {index}"
        crest = ridge(stage, name, base, height, 1.8 + 0.5 * index, 0.0)
        layers.append(grove(stage, name, crest + 0.006, 0.05 + 0.035 * index, 30 - 7 * index, depth, "oak"))
        layers.append(land(stage, crest, depth, facets=0.08, rim=0.7, mist=0.7, name=name))
    near = ridge(stage, "near", 0.82, 0.05, 1.4, 0.0)
    layers.append(land(stage, near, 0.78, mist=0.3, facets=0.05, rim=0.5, name="near"))
    front = grass(stage, ridge(stage, "grass", 1.02, 0.03, 2, 0.0), 0.11, 420, "front")
    return Setting(tuple(layers), front, horizon=0.60, ground=0.80, depth=0.8)


def mountains(stage: Stage) -> Setting:
    """Ranges one behind another, mist between them, spruces in front."""
    white = 0.95 if stage.brief.light == "winter" else 0.3
    layers: list[Painted] = [paint_sky(stage, 0.6), *paint_disc(stage, 0.6)]
    ranges = ((0.13, 0.50, 0.20, 2.2), (0.3, 0.60, 0.15, 3.0), (0.52, 0.71, 0.11, 3.6))
    for index, (depth, base, height, bumps) in enumerate(ranges):
        crest = ridge(stage, f"range {index}", base, height, bumps, 0.85)
        snow = white if index < 2 else white * 0.5
        layers.append(land(stage, crest, depth, facets=0.55, snow=snow, mist=0.75, name=f"range {index}"))
    layers.append(fog(stage, 0.70, 0.16, 0.4, 0.55))
    ground = ridge(stage, "ground", 0.86, 0.04, 2.2, 0.0)
    layers.append(grove(stage, "wood", ground, 0.17, 46, 0.74))
    front = grove(stage, "front", ridge(stage, "front", 1.04, 0.04, 1.5, 0.0), 0.30, 13, 1.0)
    return Setting(tuple(layers), (front,), horizon=0.58, ground=0.84, depth=0.8)


def lake(stage: Stage) -> Setting:
    """Still water under hills."""
    horizon = 0.58
    far: list[Painted] = [paint_sky(stage, horizon), *paint_disc(stage, horizon)]
    crest = ridge(stage, "range", 0.50, 0.14, 2.4, 0.75)
    far.append(land(stage, np.minimum(crest, horizon), 0.15, facets=0.5, mist=0.7, snow=0.3, name="range"))
    shore = ridge(stage, "shore", horizon - 0.022, 0.02, 3, 0.0)
    far.append(grove(stage, "shore", np.minimum(shore, horizon - 0.004), 0.085, 64, 0.36))
    water = paint_water(stage, [far[0], *far[-2:]], horizon, 0.3, ripple=0.16, mirror=0.92)
    mist = fog(stage, horizon, 0.10, 0.34, 0.6)
    front = grass(stage, ridge(stage, "bank", 1.03, 0.05, 1.6, 0.0), 0.16, 260, "bank")
    return Setting(
        (*far, water, shimmer(stage, horizon, 0.3, 0.6), mist), front, horizon=horizon, ground=0.92, depth=0.6
    )


def pines(stage: Stage) -> Setting:
    """A clearing among spruces."""
    layers: list[Painted] = [paint_sky(stage, 0.62), *paint_disc(stage, 0.62)]
    peaks = ridge(stage, "range", 0.50, 0.12, 2.2, 0.7)
    layers.append(land(stage, peaks, 0.14, facets=0.45, mist=0.8, snow=0.4, name="range"))
    rows = ((0.3, 0.62, 0.12, 80), (0.5, 0.69, 0.20, 46), (0.7, 0.77, 0.30, 22))
    for index, (depth, base, height, count) in enumerate(rows):
        crest = ridge(stage, f"wood {index}", base, 0.03, 2, 0.0)
        layers.append(grove(stage, f"wood {index}", crest, height, count, depth))
        layers.append(fog(stage, base + 0.01, 0.12, depth + 0.04, 0.5))
    tint = mix(stage.light.sky[3], stage.light.haze, 0.4) if stage.brief.light == "winter" else None
    ground = ridge(stage, "ground", 0.83, 0.02, 1.6, 0.0)
    layers.append(land(stage, ground, 0.82, color=tint, mist=0.15, rim=0.4, facets=0.12, name="ground"))
    front = grove(stage, "front", ridge(stage, "front", 1.10, 0.05, 1.5, 0.0), 0.7, 6, 1.0)
    return Setting(tuple(layers), (front,), horizon=0.56, ground=0.82, depth=0.84)


def field(stage: Stage) -> Setting:
    """An open field under a wide sky."""
    horizon = 0.64
    layers: list[Painted] = [paint_sky(stage, horizon), *paint_disc(stage, horizon)]
    far = ridge(stage, "far", horizon - 0.02, 0.03, 2, 0.0)
    layers.append(grove(stage, "far", far, 0.075, 60, 0.22, "oak"))
    light = stage.light
    warm = mix(mix(light.key, light.haze, 0.4), light.near, 0.45)
    for index, (depth, base) in enumerate(((0.4, 0.67), (0.6, 0.74), (0.78, 0.83))):
        crest = ridge(stage, f"field {index}", base, 0.02 + 0.012 * index, 1.5, 0.0)
        tone = mix(warm, light.near, 0.2 + 0.24 * index)
        layers.append(land(stage, crest, depth, color=tone, mist=0.35, rim=0.8, facets=0.05, name=f"field {index}"))
        layers.append(_stalks(stage, crest, depth, tone, f"stalks {index}"))
    front = grass(stage, ridge(stage, "grass", 1.01, 0.02, 2, 0.0), 0.21, 640, "front")
    return Setting(tuple(layers), front, horizon=horizon, ground=0.80, depth=0.82)


def _stalks(stage: Stage, crest: Field, depth: float, tone: Field, name: str) -> Plate:
    """Ears along a crest, so that a field has an edge of grass and not of paint."""
    rng = stage.dice(name)
    ragged = crest - (0.004 + 0.012 * depth) * np.abs(curve(rng, len(crest), 420 - 200 * depth, 3, 0.8))
    light = mix(tone, stage.light.key, 0.22)
    plate = land(stage, ragged, depth, color=light, mist=0.2, rim=0.8, name=name)
    below = stage.vs[plate.pose.top :, None] - crest[None]
    rows = np.asarray(plate.mask, np.float32) / 255 * np.exp(-np.clip(below, 0, None) / 0.035)
    return Plate(plate.color, stencil(rows), plate.pose)
