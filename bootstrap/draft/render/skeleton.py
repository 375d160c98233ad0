"""A stick figure for whoever moves through a clip: found by what changes, or else by what stands out.

The figure is a person's proportions fitted into the silhouette, row by row; it is a storyboard's guess at a pose.
Points are in OpenPose's order; see `BODY`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bootstrap.draft.render.media import Frames, Pixels
from bootstrap.draft.render.noise import Field, smoothstep
from bootstrap.draft.render.salience import box, reduced, standing_out

ROWS = 96
"""Rows at which clips are looked at."""

BACKDROP = 15
"""Frames whose median is the backdrop."""

MOST_MOVING = 0.45
"""The part of the frame above which it is the camera that moves, and nothing is told by change."""

BODY = 18
"""Points of a body: nose, neck, then shoulder, elbow, wrist right and left, hip, knee, ankle right and left, then eyes
and ears, right and left."""


@dataclass(frozen=True, eq=False)
class Person:
    """(x, y, score) rows in pixels of the clip: 18 of the body, 6 of the feet, 68 of the face, 21 of each hand."""

    body: Field
    feet: Field
    face: Field
    right_hand: Field
    left_hand: Field


def people(
    frames: Frames, looked: Callable[[int], None], boxes: Sequence[Sequence[Field]] | None
) -> list[list[Person]]:
    """The people in each frame: one, or one for each (x0, y0, x1, y1) of `boxes`, of which the last are used again.

    `looked` is called with the number of frames looked at after each of them.
    """
    small = []
    for index in range(frames.count):
        small.append(np.rint(reduced(frames.frame(index), ROWS) * 255).astype(np.uint8))
        looked(index + 1)
    sampled = sorted({(len(small) - 1) * k // (BACKDROP - 1) for k in range(BACKDROP)})
    backdrop = np.median(np.stack([small[index] for index in sampled]), axis=0).astype(np.float32) / 255
    scale = frames.height / small[0].shape[0]
    if boxes is None:
        skeletons = np.stack([_fitted(_presence(colors, backdrop)) for colors in small])
        return [[_person(skeleton * scale)] for skeleton in _steadied(skeletons)]
    found = []
    for index, colors in enumerate(small):
        presence = _presence(colors, backdrop)
        here = [np.asarray(area) / scale for area in boxes[min(index, len(boxes) - 1)]] if boxes else []
        found.append([_person(_fitted(_within(presence, area)) * scale) for area in here])
    return found


def _presence(colors: Pixels, backdrop: Field) -> Field:
    """How much somebody is at each place (0..1)."""
    picture = colors.astype(np.float32) / 255
    moved = smoothstep(0.05, 0.2, box(np.abs(picture - backdrop).max(2), 1))
    share = float(moved.mean())
    if 0.002 < share < MOST_MOVING:
        return moved
    down, across = (np.linspace(-1, 1, n, dtype=np.float32) for n in moved.shape)
    centre = np.exp(-((across[None] / 0.6) ** 2) - (down[:, None] / 0.9) ** 2)
    return standing_out(picture) * centre + 0.02 * centre


def _within(presence: Field, area: Field) -> Field:
    """What is inside a box of (x0, y0, x1, y1), and the box itself faintly."""
    mask = np.zeros_like(presence)
    x0, y0, x1, y1 = (round(float(value)) for value in area)
    mask[max(0, y0) : max(y0 + 1, y1), max(0, x0) : max(x0 + 1, x1)] = 1
    inside: Field = presence * mask + 0.05 * mask
    return inside


def _fitted(presence: Field) -> Field:
    """The 18 points of a body, (x, y), in a silhouette."""
    weight = _main(presence)
    top, foot = _span(weight.sum(1), 0.01, 0.99)
    tall = max(8.0, foot - top)
    middle = [_spread(weight, top + tall * low, top + tall * high) for low, high in BANDS]
    (head, _), (chest, chest_reach), (hips, _), (_, legs_reach) = middle
    legs = _spread(weight, top + 0.86 * tall, foot + 1)
    half = float(np.clip(chest_reach * 0.62, 0.075 * tall, 0.13 * tall))
    arms = float(np.clip(_reach(weight, top + 0.3 * tall, top + 0.6 * tall, chest), half * 1.1, 0.42 * tall))
    stride = float(np.clip(max(legs_reach, legs[1]), 0.05 * tall, 0.3 * tall))
    points = np.zeros((BODY, 2), np.float32)
    points[0] = head, top + 0.09 * tall
    points[1] = (head + chest) / 2, top + 0.185 * tall
    for side, (shoulder, hip, eye) in ((-1, (2, 8, 14)), (1, (5, 11, 15))):
        points[shoulder] = points[1, 0] + side * half, top + 0.2 * tall
        points[shoulder + 1] = chest + side * (half + 0.55 * (arms - half)), top + 0.36 * tall
        points[shoulder + 2] = chest + side * arms, top + 0.5 * tall
        points[hip] = hips + side * 0.62 * half, top + 0.53 * tall
        points[hip + 1] = hips + side * (0.5 * half + 0.45 * stride), top + 0.74 * tall
        points[hip + 2] = legs[0] + side * stride, top + 0.95 * tall
        points[eye] = head + side * 0.022 * tall, top + 0.07 * tall
        points[eye + 2] = head + side * 0.05 * tall, top + 0.08 * tall
    return points


BANDS = ((0.0, 0.17), (0.2, 0.45), (0.45, 0.6), (0.66, 0.86))
"""Head, chest, hips and knees, as parts of the height."""


def _main(presence: Field) -> Field:
    """The silhouette about its heaviest place, so that what else moves somewhere counts little."""
    soft = box(presence, 6)
    y, x = np.unravel_index(int(np.argmax(soft)), soft.shape)
    solid = np.where(presence > 0.35 * presence.max(), presence, 0)
    columns = np.arange(presence.shape[1], dtype=np.float32)[None]
    rows = np.arange(presence.shape[0], dtype=np.float32)[:, None]
    window = np.exp(-(((columns - x) / (0.3 * ROWS)) ** 4)) * np.exp(-(((rows - y) / (0.6 * ROWS)) ** 4))
    main: Field = solid * window + 1e-6 * window
    return main


def _span(profile: Field, low: float, high: float) -> tuple[float, float]:
    """Where a profile has reached these parts of its sum."""
    shares = np.cumsum(profile) / profile.sum()
    first, last = np.searchsorted(shares, (low, high))
    return float(first), float(min(last, len(profile) - 1))


def _spread(weight: Field, top: float, bottom: float) -> tuple[float, float]:
    """The middle of a band of rows, and how far it reaches to either side of it."""
    profile = weight[max(0, int(top)) : max(int(top) + 1, int(bottom))].sum(0) + 1e-9
    left, right = _span(profile, 0.08, 0.92)
    return (left + right) / 2, (right - left) / 2


def _reach(weight: Field, top: float, bottom: float, middle: float) -> float:
    """The farthest that a band of rows reaches from `middle`, but for a few pixels."""
    left, right = _span(weight[max(0, int(top)) : max(int(top) + 1, int(bottom))].sum(0) + 1e-9, 0.02, 0.98)
    return max(middle - left, right - middle) * 0.95


def _steadied(skeletons: Field) -> Field:
    """The same, each frame a mean over the ones around it."""
    padded = np.pad(skeletons, ((2, 2), (0, 0), (0, 0)), mode="edge")
    count = len(skeletons)
    steady: Field = np.sum([share * padded[k : k + count] for k, share in enumerate((0.1, 0.2, 0.4, 0.2, 0.1))], axis=0)
    return steady


def _person(body: Field) -> Person:
    """A body with what hangs on it: feet, face and hands as a pattern of their own."""
    tall = float(max(body[10, 1], body[13, 1]) - body[0, 1]) / 0.86
    feet = np.concatenate([_placed(FOOT * (side, 1), body[ankle], 0.055 * tall) for side, ankle in ((1, 13), (-1, 10))])
    hands = [_placed(HAND, body[wrist], 0.05 * tall, body[wrist] - body[wrist - 1]) for wrist in (4, 7)]
    return Person(*(_scored(points) for points in (body, feet, _placed(FACE, body[0], 0.062 * tall), *hands)))


def _scored(points: Field) -> Field:
    scored: Field = np.concatenate([points, np.full((len(points), 1), 0.9, np.float32)], 1).astype(np.float32)
    return scored


def _placed(pattern: Field, at: Field, size: float, along: Field | None = None) -> Field:
    """A pattern of that size at a point, its downward axis turned to `along`."""
    turned = pattern
    if along is not None and np.hypot(*along) > 0:
        dx, dy = along / np.hypot(*along)
        turned = pattern @ np.array([[dy, -dx], [dx, dy]], np.float32)
    placed: Field = at + turned * size
    return placed


def _ring(count: int, start: float, end: float, wide: float, high: float, x: float, y: float) -> Field:
    """Points along part of an ellipse; angles in turns, from the right clockwise."""
    angles = np.linspace(start, end, count) * 2 * np.pi
    return np.stack([x + wide * np.cos(angles), y + high * np.sin(angles)], -1)


FACE = np.concatenate(
    [
        _ring(17, 0.52, -0.02, 0.95, 1.25, 0.0, -0.1),
        *(_ring(5, 0.58, 0.92, 0.32, 0.15, x, -0.5) for x in (-0.42, 0.42)),
        np.stack([np.zeros(4), np.linspace(-0.35, 0.15, 4)], -1),
        _ring(5, 0.45, 0.05, 0.22, 0.1, 0.0, 0.2),
        *(_ring(6, 0.5, 1.33, 0.2, 0.09, x, -0.3) for x in (-0.42, 0.42)),
        _ring(12, 0.5, 1.42, 0.4, 0.16, 0.0, 0.6),
        _ring(8, 0.5, 1.375, 0.26, 0.06, 0.0, 0.6),
    ]
).astype(np.float32)
"""A face of 68 points about the nose: jaw, brows, nose, eyes, mouth."""

HAND = np.concatenate(
    [
        [(0.0, 0.0)],
        *(
            [(x * k / 4, (0.35 + 0.65 * k / 4) * long) for k in range(1, 5)]
            for x, long in ((-0.7, 0.7), (-0.4, 0.95), (0.0, 1.05), (0.3, 1.0), (0.6, 0.85))
        ),
    ]
).astype(np.float32)
"""A hand of 21 points that hangs from the wrist: five fingers of four."""

FOOT = np.array([(0.9, 0.45), (0.55, 0.5), (-0.35, 0.3)], np.float32)
"""Big toe, small toe and heel about the ankle."""
