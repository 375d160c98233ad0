"""A street between houses."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from bootstrap.draft.render.effects import fog
from bootstrap.draft.render.layers import Painted, Plate, Pose, Wash
from bootstrap.draft.render.noise import smoothstep
from bootstrap.draft.render.places.city import LAMPS
from bootstrap.draft.render.sky import paint_disc, paint_sky
from bootstrap.draft.render.stage import Color, Cutter, Setting, Stage, mix, picture, plain, rgb, stencil
from bootstrap.draft.render.water import paint_water

FRONT = 0.68
"""How near the front of a house reaches, as a share of the distance of its nearest corner."""


def street(stage: Stage) -> Setting:
    """A street between houses, seen along its middle."""
    horizon = 0.56
    light = stage.light
    centre = stage.aspect * (0.5 + 0.06 * (stage.dice("street").random() - 0.5))
    glow = mix(light.sky[3], light.key, 0.4)
    layers: list[Painted] = [paint_sky(stage, horizon), *paint_disc(stage, horizon)]
    rows = ((0.16, 9.0, 15.0), (0.28, 5.2, 9.0), (0.44, 3.0, 5.2), (0.62, 1.8, 3.0), (0.82, 1.1, 1.8))
    for index, (depth, near, far) in enumerate(rows):
        layers.append(_houses(stage, f"row {index}", depth, near, far, centre, horizon))
        if index in (1, 3):
            layers.append(fog(stage, horizon, 0.3, depth + 0.02, 0.4, glow))
    road = _road(stage, layers, centre, horizon)
    return Setting(
        (layers[0], road, *layers[1:], *_lamps(stage, centre, horizon)), (), horizon=horizon, ground=0.70, depth=0.75
    )


def _houses(stage: Stage, name: str, depth: float, near: float, far: float, centre: float, horizon: float) -> Plate:
    """The fronts on both sides between two distances (1: where the side walls meet the frame's edge)."""
    rng, light = stage.dice(name), stage.light
    walls, lights = Cutter(stage.full), Image.new("RGB", stage.full)
    shine = ImageDraw.Draw(lights)
    half = stage.aspect * 0.62

    def at(side: int, distance: float, v: float) -> tuple[float, float]:
        u = centre + side * half / distance
        return stage.column(u), stage.row(horizon + v / distance)

    for side in (-1, 1):
        tall = float(rng.uniform(0.55, 1.15))
        walls.polygon([at(side, near, -tall), at(side, far, -tall), at(side, far, 0.42), at(side, near, 0.42)])
        (x, roof), (_, foot), (end, _) = at(side, near, -tall), at(side, near, 0.42), at(side, near * FRONT, 0)
        walls.polygon([(x, roof), (end, roof), (end, foot), (x, foot)])
        floors, bays = int(tall / 0.105), 7
        distances = 1 / np.linspace(1 / near, 1 / far, bays + 1)
        for floor in range(floors):
            for bay in range(bays):
                if rng.random() > 0.34 * light.darkness + 0.05:
                    continue
                a, b = distances[bay], distances[bay + 1]
                a, b = a + 0.25 * (b - a), a + 0.7 * (b - a)
                v0, v1 = -tall + 0.04 + 0.105 * floor, -tall + 0.092 + 0.105 * floor
                lamp = rgb(LAMPS[int(rng.integers(0, len(LAMPS)))]) * (0.3 + 0.6 * rng.random())
                color = tuple(int(c) for c in lamp)
                shine.polygon([at(side, a, v0), at(side, b, v0), at(side, b, v1), at(side, a, v1)], fill=color)
        if rng.random() < 0.35 + 0.6 * light.darkness:
            _sign(stage, shine, rng, [at(side, near * 1.05, -0.25), at(side, near * 1.05, 0.02)], near)
    glow = np.asarray(lights, np.float32)
    halo = np.asarray(lights.filter(ImageFilter.GaussianBlur(0.014 * stage.height)), np.float32)
    across = np.abs(stage.us - centre)[None, :, None]
    body = light.at(depth)
    warm = mix(light.haze, light.sky[3], 0.5)
    pixels = body + (warm - body) * (0.5 * (1 - depth) * np.exp(-across / 0.3))
    rows = smoothstep(-0.5, 0.4, stage.vs - horizon)[:, None, None]
    pixels = pixels + (mix(warm, light.near, 0.4) - pixels) * 0.35 * rows
    pixels = np.maximum(np.broadcast_to(pixels, glow.shape), glow * 0.85) + 0.6 * halo
    bottom = stage.row(horizon + 0.42 / near) + 2
    return Plate(
        picture(pixels[:bottom], stage.fine(name)),
        walls.mask().crop((0, 0, stage.full[0], min(bottom, stage.full[1]))),
        Pose(0, 0, depth),
    )


def _sign(
    stage: Stage, draw: ImageDraw.ImageDraw, rng: np.random.Generator, edge: list[tuple[float, float]], near: float
) -> None:
    """A lit sign on a front, in the accent or the key colour."""
    light = stage.light
    (x, top), (_, bottom) = edge
    wide = 0.05 * stage.height / near
    color: Color = (light.accent, light.key, rgb("#ff5d8f"), rgb("#ffd27a"))[int(rng.integers(0, 4))]
    shift = (0.3 * rng.random() - 0.6) * (bottom - top)
    box = [x - wide, top + shift, x + wide, top + shift + (bottom - top) * (0.4 + 0.5 * rng.random())]
    draw.rectangle(box, fill=tuple(int(c) for c in mix(color, rgb("#ffffff"), 0.15)))


def _road(stage: Stage, behind: list[Painted], centre: float, horizon: float) -> Plate:
    """Wet asphalt with lane marks: it mirrors the fronts and the sky."""
    water = paint_water(stage, behind, horizon, 0.5, ripple=0.22, mirror=0.62)
    pixels = np.asarray(water.color, np.float32) * 0.72
    vs = stage.vs[water.pose.top :, None]
    down = np.clip(vs - horizon, 1e-3, None)
    across = (stage.us[None] - centre) / down
    kerb = smoothstep(1.28, 1.34, np.abs(across))
    pave = mix(stage.light.at(0.8), stage.light.haze, 0.18)
    pixels = pixels + (pave - pixels) * (0.75 * kerb)[..., None]
    dashes = (np.abs(across) < 0.022) & (np.sin(3.4 / down) > 0)
    pixels = pixels + (mix(stage.light.key, rgb("#ffffff"), 0.3) - pixels) * (0.5 * dashes)[..., None]
    return Plate(picture(pixels, stage.fine("road")), None, Pose(0, water.pose.top, 0.5))


def _lamps(stage: Stage, centre: float, horizon: float) -> tuple[Wash, Wash]:
    """Street lamps down both sides, and their light."""
    poles, bulbs = Cutter(stage.full), Cutter(stage.full)
    for distance in (1.25, 1.9, 2.9, 4.4, 6.6):
        for side in (-1, 1):
            u = centre + side * 0.62 / distance
            x, foot, head = stage.column(u), stage.row(horizon + 0.42 / distance), stage.row(horizon - 0.34 / distance)
            thick = max(1.0, 0.011 * stage.height / distance)
            arm = -side * 0.09 * stage.height / distance
            poles.line([(x, foot), (x, head), (x + arm, head)], thick)
            reach = 0.017 * stage.height / distance
            bulbs.disc(x + arm, head + 0.2 * reach, reach, 0.8 * reach)
    lit = bulbs.mask()
    halo = np.asarray(lit.filter(ImageFilter.GaussianBlur(0.03 * stage.height)), np.float32) / 255
    shine = np.clip(np.asarray(lit, np.float32) / 255 + 1.9 * halo, 0, 0.96)
    light = stage.light
    pose, size = Pose(0, 0, 0.6), (stage.width, stage.height)
    lamp = plain(mix(rgb("#ffdca6"), light.key, 0.15), size)
    return Wash(plain(light.at(0.9), size), poles.mask(), pose), Wash(lamp, stencil(shine), pose)
