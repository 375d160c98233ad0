"""Above the clouds."""

from __future__ import annotations

import numpy as np

from bootstrap.draft.render.effects import fog
from bootstrap.draft.render.layers import Painted, Plate
from bootstrap.draft.render.noise import Field, clouds, curve, smoothstep, warped
from bootstrap.draft.render.sky import paint_disc, paint_sky
from bootstrap.draft.render.stage import Setting, Stage, mix, picture, rgb
from bootstrap.draft.render.terrain import foreground, land


def cloudscape(stage: Stage) -> Setting:
    """Above the clouds."""
    light = stage.light
    layers: list[Painted] = [paint_sky(stage, 0.66), *paint_disc(stage, 0.66)]
    tops = mix(light.sky[3], rgb("#ffffff"), 0.35)
    for index, (depth, base, size) in enumerate(((0.15, 0.66, 0.05), (0.34, 0.74, 0.085), (0.6, 0.86, 0.13))):
        crest = _puffs(stage, f"cloud {index}", base, size)
        tone = mix(tops, mix(light.haze, light.sky[1], 0.5), 0.1 + 0.2 * index)
        bank = land(stage, crest, depth, color=tone, mist=0.0, rim=0.55, name=f"cloud {index}")
        layers.append(_shaded(stage, bank, crest, tone))
        layers.append(fog(stage, base + 0.05, 0.2, depth + 0.05, 0.5, mix(tops, light.haze, 0.4)))
    crest = _puffs(stage, "cloud front", 1.06, 0.16)
    tone = mix(tops, mix(light.haze, light.near, 0.4), 0.7)
    front = _shaded(stage, land(stage, crest, 1.0, color=tone, rim=0.4, name="cloud front"), crest, tone)
    if not any(subject.ground > 0 for subject in stage.brief.subjects):
        return Setting(tuple(layers), (front,), horizon=0.66, ground=0.9, depth=0.5)
    rough = 0.02 * curve(stage.dice("summit"), stage.full[0], 14, 4)
    summit = 0.80 + 1.1 * np.abs(stage.us - stage.subject_u) ** 1.25 + rough
    perch = (stage.subject_u, float(np.interp(stage.subject_u, stage.us, summit)) + 0.008)
    rock = foreground(stage, summit, "summit")
    return Setting(tuple(layers), (front, rock), horizon=0.66, ground=0.9, depth=0.9, perch=perch)


def _puffs(stage: Stage, name: str, base: float, size: float) -> Field:
    """The crest of a bank of cumulus: small heaps on large ones."""
    rng = stage.dice(name)
    us = stage.us
    foot = base + 0.4 * size + 0.5 * size * curve(rng, len(us), 2.4, 2)
    crest = foot.copy()
    for radius, share in ((1.25, 1.1), (0.7, 2.4), (0.4, 6.0), (0.2, 14.0)):
        n = max(3, int(share * (us[-1] - us[0]) / size * 0.4))
        centres = rng.uniform(us[0], us[-1], n)
        floor = np.interp(centres, us, crest)
        for centre, v in zip(centres, floor, strict=True):
            reach = radius * size * (0.55 + 0.6 * rng.random())
            inside = np.abs(us - centre) < reach
            heap = 0.8 * np.sqrt(np.maximum(reach**2 - (us[inside] - centre) ** 2, 0))
            crest[inside] = np.minimum(crest[inside], v + 0.45 * reach - heap)
    return crest


def _shaded(stage: Stage, plate: Plate, crest: Field, tone: Field) -> Plate:
    """A cloud bank modelled in light: bright where it swells towards the sun, cool below."""
    light = stage.light
    rng = stage.dice("shade", plate.pose.top)
    vs = stage.vs[plate.pose.top :, None]
    below = np.clip(vs - crest[None], 0, None)
    lumps = clouds(rng, below.shape[1], below.shape[0], (stage.aspect * 6, 4), 5)
    lumps = warped(lumps, rng, (stage.aspect * 4, 4), 0.2)
    near_sun = np.exp(-(((stage.us - stage.sun_u) / 0.8) ** 2))[None]
    cool = mix(light.haze, light.sky[1], 0.5)
    level = below + 0.34 * (lumps - 0.5)
    pixels = tone + (cool - tone) * (0.8 * smoothstep(-0.02, 0.20, level))[..., None]
    warm = (1 - smoothstep(-0.05, 0.07, level)) * (0.3 + 0.6 * near_sun)
    pixels = pixels + (mix(light.key, rgb("#ffffff"), 0.25) - pixels) * (0.75 * warm)[..., None]
    return Plate(picture(pixels, stage.fine("cloud", plate.pose.top)), plate.mask, plate.pose)
