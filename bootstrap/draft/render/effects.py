"""Layers that move by themselves: glitter on water, fog, and what falls or floats in the air."""

from __future__ import annotations

from collections.abc import Callable
from math import pi

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from bootstrap.draft.render.layers import Drift, Pose, Shimmer, Wash
from bootstrap.draft.render.noise import clouds, smoothstep
from bootstrap.draft.render.stage import Color, Stage, mix, plain, rgb, stencil


def shimmer(stage: Stage, horizon: float, depth: float, strength: float = 1.0) -> Shimmer:
    """Glitter under the sun or moon from `horizon` down."""
    top = stage.row(horizon) + 1
    width, height = stage.full[0], stage.full[1] - top
    down = np.maximum(np.arange(height, dtype=np.float32) / stage.height, 1e-4)
    rng = stage.fine("shimmer")
    bands = (np.log1p(down / 0.02) / np.log1p(down[-1] / 0.02) * (height - 1)).astype(int)
    patterns = []
    for _ in range(2):
        grown = clouds(rng, width, height, (stage.aspect * 26, 42), 2)
        patterns.append(stencil(smoothstep(0.46, 0.66, grown[bands])))
    spread = 0.05 + 0.30 * down
    path = np.exp(-(((stage.us[None] - stage.sun_u) / spread[:, None]) ** 2))
    path = strength * (path + 0.10) * np.exp(-down / 0.55)[:, None]
    glint = mix(stage.light.key, rgb("#ffffff"), 0.35)
    color = plain(glint, (stage.width, stage.height))
    return Shimmer(color, (patterns[0], patterns[1]), stencil(path), Pose(0, top, depth), 0.035)


def fog(stage: Stage, v: float, height: float, depth: float, strength: float, color: Color | None = None) -> Wash:
    """A bank of mist around `v` that drifts slowly, thinning out at its ends."""
    rng = stage.dice("fog", v)
    width, rows = stage.full[0], max(4, stage.px(height))
    body = smoothstep(0.25, 0.8, clouds(rng, width, rows, (stage.aspect * 1.6, 2), 4))
    y = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    x = np.linspace(0, 1, width, dtype=np.float32)[None]
    ends = smoothstep(0, 0.12, x) * smoothstep(0, 0.12, 1 - x)
    mask = strength * body * np.clip(np.sin(pi * y), 0, 1) ** 1.5 * (0.35 + 0.65 * ends)
    tint = mix(stage.light.haze, stage.light.sky[3], 0.55) if color is None else color
    speed = 0.012 * (1 if rng.random() < 0.5 else -1)
    pose = Pose(0, stage.row(v - height / 2), depth, (speed, 0.0))
    return Wash(plain(tint, (stage.width, stage.height)), stencil(mask), pose)


def weather(stage: Stage, kinds: tuple[str, ...], rise: float = 0.0) -> list[Drift]:
    """What the vocabulary's `weather` names put in the air; `fog` is part of the ground and not made here."""
    made: list[Drift] = []
    for kind in kinds:
        painter = AIR.get(kind)
        if painter:
            made += painter(stage, rise)
    return made


def _rain(stage: Stage, rise: float) -> list[Drift]:
    color = mix(stage.light.sky[3], rgb("#ffffff"), 0.3)
    sheets = []
    for index, (n, length, alpha, speed) in enumerate(((230, 0.05, 46, 1.5), (120, 0.085, 70, 2.1))):
        rng = stage.fine("rain", index)
        sheet = Image.new("L", (stage.width, stage.height))
        draw = ImageDraw.Draw(sheet)
        for x, y in rng.random((n, 2)) * (stage.width, stage.height):
            reach = length * stage.height * (0.6 + 0.4 * rng.random())
            line = [x, y, x - 0.12 * reach, y + reach]
            for dy in (0, -stage.height):
                draw.line([line[0], line[1] + dy, line[2], line[3] + dy], fill=alpha, width=max(1, stage.height // 500))
        sheets.append(Drift(plain(color, sheet.size), sheet, (-0.12 * speed, speed), rise=rise))
    return sheets


def _specks(
    stage: Stage,
    name: str,
    color: Color,
    sheets: tuple[tuple[int, float, float, tuple[float, float], float, float], ...],
    rise: float,
) -> list[Drift]:
    """Soft dots; each sheet is (how many, radius, strength, velocity, sway, blink)."""
    made = []
    for index, (n, radius, strength, velocity, sway, blink) in enumerate(sheets):
        rng = stage.fine(name, index)
        sheet = Image.new("L", (stage.width, stage.height))
        draw = ImageDraw.Draw(sheet)
        size = radius * stage.height
        for x, y in rng.random((n, 2)) * (stage.width, stage.height):
            reach = size * (0.5 + rng.random())
            draw.ellipse(
                [x - reach, y - reach, x + reach, y + reach], fill=round(255 * strength * (0.4 + 0.6 * rng.random()))
            )
        sheet = sheet.filter(ImageFilter.GaussianBlur(max(0.5, 0.45 * size)))
        made.append(Drift(plain(color, sheet.size), sheet, velocity, sway, blink, phase=2.1 * index, rise=rise))
    return made


def _snow(stage: Stage, rise: float) -> list[Drift]:
    flakes = (
        (260, 0.0022, 0.75, (0.02, 0.10), 0.012, 0.0),
        (90, 0.0042, 0.8, (0.03, 0.17), 0.022, 0.0),
        (16, 0.010, 0.5, (0.05, 0.27), 0.03, 0.0),
    )
    return _specks(stage, "snow", rgb("#f6f8fb"), flakes, rise)


def _dust(stage: Stage, rise: float) -> list[Drift]:
    motes = ((110, 0.0018, 0.5, (0.016, -0.006), 0.01, 0.4), (26, 0.005, 0.28, (0.03, 0.004), 0.015, 0.5))
    return _specks(stage, "dust", stage.light.key, motes, rise)


def _embers(stage: Stage, rise: float) -> list[Drift]:
    sparks = ((70, 0.0022, 1.0, (0.03, -0.16), 0.02, 0.5), (34, 0.0036, 1.0, (-0.02, -0.24), 0.03, 0.4))
    return _specks(stage, "embers", rgb("#ffb04a"), sparks, rise)


def _fireflies(stage: Stage, rise: float) -> list[Drift]:
    lights = (
        (16, 0.006, 1.0, (0.012, -0.008), 0.02, 0.9),
        (12, 0.008, 1.0, (-0.01, -0.012), 0.025, 0.9),
        (14, 0.004, 1.0, (0.006, 0.006), 0.02, 0.9),
    )
    return _specks(stage, "fireflies", mix(rgb("#ffe08a"), stage.light.accent, 0.4), lights, rise)


def _petals(stage: Stage, rise: float) -> list[Drift]:
    tint = rgb("#ffc3d4") if stage.brief.light == "spring" else mix(rgb("#e08a3c"), stage.light.key, 0.25)
    leaves = ((46, 0.0045, 1.0, (0.06, 0.09), 0.03, 0.0), (16, 0.008, 0.9, (0.09, 0.14), 0.04, 0.0))
    return _specks(stage, "petals", tint, leaves, rise)


def _bubbles(stage: Stage, rise: float) -> list[Drift]:
    beads = ((60, 0.0022, 0.6, (0.004, -0.05), 0.01, 0.0), (18, 0.005, 0.5, (-0.004, -0.09), 0.015, 0.0))
    return _specks(stage, "bubbles", rgb("#dff6f2"), beads, rise)


AIR: dict[str, Callable[[Stage, float], list[Drift]]] = {
    "rain": _rain,
    "snow": _snow,
    "dust": _dust,
    "embers": _embers,
    "fireflies": _fireflies,
    "petals": _petals,
    "bubbles": _bubbles,
}
