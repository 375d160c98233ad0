"""By the sea: open water, a beach."""

from __future__ import annotations

import numpy as np

from bootstrap.draft.render.brief import Subject
from bootstrap.draft.render.effects import shimmer
from bootstrap.draft.render.figures import cast
from bootstrap.draft.render.layers import Layer
from bootstrap.draft.render.noise import Field, curve, smoothstep
from bootstrap.draft.render.sky import paint_disc, paint_sky
from bootstrap.draft.render.stage import Setting, Stage, mix, rgb
from bootstrap.draft.render.terrain import foreground, land, ridge
from bootstrap.draft.render.water import paint_water


def sea(stage: Stage) -> Setting:
    """Open water to the horizon."""
    horizon = 0.56
    sky = paint_sky(stage, horizon)
    isle = ridge(stage, "isle", horizon + 0.035, 0.08, 2.0, 0.5)
    coast = land(stage, isle, 0.1, facets=0.3, mist=0.5, name="isle")
    water = paint_water(stage, (sky, coast), horizon, 0.25, ripple=0.8, mirror=0.8)
    rocks = _headland(stage)
    u = stage.aspect * (0.9 if stage.sun_u < stage.aspect / 2 else 0.1)
    perch = (u, float(np.interp(u, stage.us, rocks)) + 0.012)
    layers: tuple[Layer, ...] = (sky, *paint_disc(stage, horizon), coast, water, shimmer(stage, horizon, 0.25))
    return Setting(
        layers, (foreground(stage, rocks, "rocks"),), horizon=horizon, ground=horizon, depth=0.45, perch=perch
    )


def beach(stage: Stage) -> Setting:
    """Sand, surf and palms."""
    horizon = 0.52
    sky = paint_sky(stage, horizon)
    water = paint_water(stage, (sky,), horizon, 0.25, ripple=0.55, mirror=0.85)
    sand = mix(mix(stage.light.key, stage.light.haze, 0.5), stage.light.near, 0.42)
    edge = ridge(stage, "edge", 0.76, 0.02, 1.3, 0.0) + 0.05 * np.sin(stage.us * 1.7 + 6 * stage.dice("bay").random())
    white = mix(stage.light.sky[3], rgb("#ffffff"), 0.4)
    foam = land(stage, edge - 0.012, 0.6, color=white, mist=0.0, rim=0.0, name="foam")
    shore = land(stage, edge, 0.62, color=sand, mist=0.0, rim=0.7, facets=0.14, name="sand")
    dune = land(stage, ridge(stage, "dune", 1.05, 0.04, 1.5, 0.0), 1.0, rim=0.3, mist=0.0, name="dune")
    side = stage.aspect * 0.94 if stage.sun_u < stage.aspect / 2 else stage.aspect * 0.06
    palms = (
        cast(stage, Subject("palm", 0.92, 1.0, 0.0), side, 1.06, 1.0)[1],
        cast(stage, Subject("palm", 0.6, 1.0, 0.0), 0.9 * side + 0.05 * stage.aspect, 1.05, 0.95)[1],
    )
    layers: tuple[Layer, ...] = (sky, *paint_disc(stage, horizon), water, shimmer(stage, horizon, 0.25), foam, shore)
    return Setting(layers, (*palms, dune), horizon=horizon, ground=0.76, depth=0.75)


def _headland(stage: Stage) -> Field:
    """Rocks at the lower corner away from the light."""
    away = stage.us - stage.aspect if stage.sun_u < stage.aspect / 2 else -stage.us
    rise = smoothstep(-0.75, 0.35, away)
    rocks = 1 - 2 * np.abs(curve(stage.dice("rocks"), stage.full[0], 7, 6, 0.55))
    return 1.1 - 0.34 * rise - 0.07 * rocks * (0.3 + rise)
