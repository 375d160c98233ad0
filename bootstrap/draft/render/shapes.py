"""Silhouettes, from `shapes.toml` and a few that grow by chance."""

from __future__ import annotations

import tomllib
from functools import cache
from math import cos, pi, sin
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

FINE = 3
"""Shapes are drawn this many times larger and scaled down."""

Point = tuple[float, float]
Part = dict[str, Any]


@cache
def _book() -> dict[str, list[Part]]:
    with (Path(__file__).parent / "shapes.toml").open("rb") as file:
        found: dict[str, list[Part]] = tomllib.load(file)
    return found


def silhouette(name: str, height: int, rng: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    """The shape `name`, `height` pixels tall: its mask and the mask of its lit parts (L, same size, feet at the foot).

    `rng` decides what differs between two of a kind: the branches of a tree, the heads of a crowd.
    """
    return drawn(parts(name, rng), height)


def parts(name: str, rng: np.random.Generator) -> list[Part]:
    """The parts of a shape."""
    if name == "couple":
        return [*_moved(_book()["person"], -0.13, 1.0), *_moved(_book()["person"], 0.15, 0.93, flip=True)]
    if name == "crowd":
        places = np.linspace(-2.3, 2.3, 17) + rng.normal(0, 0.09, 17)
        sizes = 0.78 + 0.22 * rng.random(17)
        return [
            part
            for x, size in zip(places, sizes, strict=True)
            for part in _moved(_book()["person"], float(x), float(size), flip=rng.random() < 0.5)
        ]
    if name == "oak":
        return _broadleaf(rng)
    if name == "plant":
        return _houseplant(rng)
    if name == "pine":
        return _conifer(rng)
    return _book()[name]


def drawn(shape: list[Part], height: int) -> tuple[Image.Image, Image.Image]:
    """`shape` drawn `height` pixels tall (its unit of height; parts may reach beyond): mask and mask of lit parts."""
    low, high, bottom, top = bounds(shape)
    scale = height * FINE
    width = max(FINE, int((high - low) * scale) + 6 * FINE)
    size = (width // FINE * FINE, max(FINE, int((top - bottom) * scale) // FINE * FINE + 3 * FINE))
    mask, lit = Image.new("L", size), Image.new("L", size)

    def at(x: float, y: float) -> Point:
        return (x - low) * scale + 3 * FINE, (top - y) * scale + 3 * FINE

    for part in shape:
        value = 0 if part.get("cut") else 255
        _draw(ImageDraw.Draw(mask), part, at, scale, value)
        if part.get("lit"):
            _draw(ImageDraw.Draw(lit), part, at, scale, 255)
    small = (size[0] // FINE, size[1] // FINE)
    return mask.resize(small, Image.Resampling.BOX), lit.resize(small, Image.Resampling.BOX)


def bounds(shape: list[Part]) -> tuple[float, float, float, float]:
    """Least and greatest x, least and greatest y."""
    xs, ys = [], []
    for part in shape:
        for x, y, reach_x, reach_y in _extremes(part):
            xs += [x - reach_x, x + reach_x]
            ys += [y - reach_y, y + reach_y]
    return min(xs), max(xs), min(ys), max(ys)


def _extremes(part: Part) -> list[tuple[float, float, float, float]]:
    if "disc" in part:
        return [tuple(part["disc"])]
    if "ring" in part:
        x, y, radius = part["ring"]
        return [(x, y, radius + part["width"], radius + part["width"])]
    points = part.get("blob") or part.get("poly") or part["line"]
    reach = part.get("width", 0.0) / 2
    return [(x, y, reach, reach) for x, y in points]


def _draw(draw: ImageDraw.ImageDraw, part: Part, at: Any, scale: float, value: int) -> None:
    if "disc" in part or "ring" in part:
        x, y, reach_x = (part.get("disc") or part["ring"])[:3]
        reach_y = part["disc"][3] if "disc" in part else reach_x
        box = [*at(x - reach_x, y + reach_y), *at(x + reach_x, y - reach_y)]
        if "disc" in part:
            draw.ellipse(box, fill=value)
        else:
            draw.ellipse(box, outline=value, width=max(1, round(part["width"] * scale)))
    elif "line" in part:
        width = max(1, round(part["width"] * scale))
        for stroke in _dashes(part):
            points = [at(x, y) for x, y in stroke]
            draw.line(points, fill=value, width=width, joint="curve")
            if "dash" not in part:
                for x, y in points:
                    draw.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], fill=value)
    else:
        points = smooth(part["blob"]) if "blob" in part else part["poly"]
        draw.polygon([at(x, y) for x, y in points], fill=value)


def _dashes(part: Part) -> list[list[Point]]:
    """The strokes of a line: one, or for a `dash` length alternate pieces of a straight one."""
    if "dash" not in part:
        return [part["line"]]
    (x0, y0), (x1, y1) = part["line"]
    pieces = max(1, round((x1 - x0) / part["dash"]))
    step = (x1 - x0) / pieces
    return [[(x0 + k * step, y0), (x0 + (k + 0.55) * step, y1)] for k in range(pieces)]


def smooth(points: list[Point], pieces: int = 8) -> list[Point]:
    """A closed smooth curve through `points`."""
    knots = np.array(points, np.float64)
    before, after, later = np.roll(knots, 1, 0), np.roll(knots, -1, 0), np.roll(knots, -2, 0)
    curves = []
    for t in np.arange(pieces) / pieces:
        bend = (
            after
            - before
            + t * (2 * before - 5 * knots + 4 * after - later + t * (3 * (knots - after) + later - before))
        )
        curves.append(knots + 0.5 * t * bend)
    found = np.stack(curves, 1).reshape(-1, 2)
    return [(float(x), float(y)) for x, y in found]


def _moved(shape: list[Part], x: float, size: float, *, flip: bool = False) -> list[Part]:
    side = -size if flip else size
    moved = []
    for part in shape:
        new = dict(part)
        for kind in ("blob", "poly", "line"):
            if kind in part:
                new[kind] = [(x + px * side, py * size) for px, py in part[kind]]
        if "disc" in part:
            cx, cy, rx, ry = part["disc"]
            new["disc"] = (x + cx * side, cy * size, rx * size, ry * size)
        moved.append(new)
    return moved


def _broadleaf(rng: np.random.Generator) -> list[Part]:
    """A lone tree: trunk, boughs, and leaves in clumps at their ends."""
    shape: list[Part] = [
        {"poly": [(-0.055, 0.0), (-0.028, 0.10), (-0.022, 0.42), (0.022, 0.42), (0.028, 0.10), (0.06, 0.0)]}
    ]
    lean = rng.normal(0, 0.06)
    for angle in np.linspace(0.12, 0.88, 7) * pi + rng.normal(0, 0.06, 7):
        reach = 0.30 + 0.06 * rng.random()
        x, y = lean + 1.1 * reach * cos(angle), 0.50 + 0.85 * reach * sin(angle)
        shape.append({"line": [(0.0, 0.34), (x * 0.45, 0.36 + 0.4 * (y - 0.34)), (x, y)], "width": 0.016})
        for _ in range(9):
            away, turn, size = 0.13 * rng.random() ** 0.5, 2 * pi * rng.random(), 0.045 + 0.045 * rng.random()
            shape.append({"disc": (x + away * cos(turn), y + 0.8 * away * sin(turn), size, size * 0.8)})
    for _ in range(26):
        away, turn, size = 0.26 * rng.random() ** 0.5, pi * rng.random(), 0.05 + 0.05 * rng.random()
        shape.append({"disc": (lean + 1.1 * away * cos(turn), 0.56 + away * sin(turn), size, size * 0.85)})
    return shape


def _conifer(rng: np.random.Generator) -> list[Part]:
    """A spruce: drooping boughs, wider towards the ground."""
    tiers = int(rng.integers(9, 13))
    half = 0.15 + 0.05 * rng.random()
    shape: list[Part] = [{"poly": [(-0.014, 0.0), (0.014, 0.0), (0.004, 1.0), (-0.004, 1.0)]}]
    for k in range(tiers):
        y = 0.09 + 0.86 * k / tiers
        reach = half * (1 - k / tiers) ** 0.85 + 0.012
        rise = 1.35 * 0.86 / tiers
        left, right = (reach * (0.78 + 0.34 * rng.random()) for _ in range(2))
        drop = 0.35 * rise
        shape.append(
            {
                "poly": [
                    (-left, y - drop),
                    (-left * 0.45, y),
                    (0, y - drop * 0.2),
                    (right * 0.45, y),
                    (right, y - drop),
                    (right * 0.35, y + rise * 0.75),
                    (0.0, y + rise * 1.25),
                    (-left * 0.35, y + rise * 0.75),
                ]
            }
        )
    return shape


def _houseplant(rng: np.random.Generator) -> list[Part]:
    """Long leaves out of a pot."""
    shape: list[Part] = [{"poly": [(-0.13, 0.24), (0.13, 0.24), (0.10, 0.0), (-0.10, 0.0)]}]
    for angle in np.linspace(0.12, 0.88, 11) * pi + rng.normal(0, 0.05, 11):
        reach = 0.5 + 0.22 * rng.random()
        tip = (reach * cos(angle) * 0.8, 0.24 + reach * sin(angle))
        droop = 0.12 * abs(cos(angle))
        middle = (tip[0] * 0.5, 0.24 + (tip[1] - 0.24) * 0.62)
        wide = 0.035 + 0.02 * rng.random()
        shape.append(
            {
                "blob": [
                    (0.0, 0.2),
                    (middle[0] - wide, middle[1] + 0.5 * wide),
                    (tip[0], tip[1] - droop),
                    (middle[0] + wide, middle[1] - 0.5 * wide),
                ]
            }
        )
    return shape
