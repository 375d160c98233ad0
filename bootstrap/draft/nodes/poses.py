"""Poses: key points of people in OpenPose's format, and the picture of them."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from bootstrap.draft.nodes.registry import Context, node
from bootstrap.draft.nodes.values import Model, VideoVae
from bootstrap.draft.render.media import Frames, Pixels, Solid
from bootstrap.draft.render.noise import Field
from bootstrap.draft.render.skeleton import BODY, Person, people

Posture = Mapping[str, Any]
"""One frame: "canvas_width", "canvas_height" and "people", each with flat lists of x, y, score in pixels."""

PARTS = {
    "pose_keypoints_2d": BODY,
    "foot_keypoints_2d": 6,
    "face_keypoints_2d": 70,
    "hand_right_keypoints_2d": 21,
    "hand_left_keypoints_2d": 21,
}
"""The lists of a person, and how many points each has."""

LIMBS = ((1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13))
HEAD = ((1, 0), (0, 14), (14, 16), (0, 15), (15, 17))
HEAD_POINTS = (0, 14, 15, 16, 17)
FINGERS = tuple((0 if k == 0 else 4 * finger + k, 4 * finger + k + 1) for finger in range(5) for k in range(4))
COLORS = tuple(tuple(round(255 * c) for c in colorsys.hsv_to_rgb(k / 18, 1.0, 1.0)) for k in range(18))
"""Once around the colour wheel, from the neck on."""

JOINT = 4
"""Radius of a joint in pixels."""


@node("SDPoseKeypointExtractor")
def extract(
    context: Context,
    model: Model,
    vae: VideoVae,
    image: Frames,
    batch_size: int,
    bboxes: Any = None,
) -> tuple[list[Posture]]:
    """One person in each picture, or one in each box of `bboxes`.

    Raises ValueError for a model that finds no poses.
    """
    if "sdpose" not in model.checkpoint.lower():
        raise ValueError("The provided model does not have a heatmap_head: load an SDPose checkpoint.")
    found = people(image, lambda done: context.progress(done, image.count), _boxes(bboxes))
    size = {"canvas_width": image.width, "canvas_height": image.height}
    return ([{**size, "people": [_flat(person) for person in present]} for present in found],)


@node("SDPoseDrawKeypoints")
def draw(
    context: Context,
    keypoints: Sequence[Posture],
    draw_body: bool,
    draw_hands: bool,
    draw_face: bool,
    draw_feet: bool,
    stick_width: int,
    face_point_size: int,
    score_threshold: float,
    draw_head: bool,
) -> tuple[Frames]:
    """Coloured sticks on black; a single small black picture where there are no frames."""
    if not keypoints:
        return (Solid(1, 64, 64, (0, 0, 0)),)
    pen = _Pen(draw_body, draw_hands, draw_face, draw_feet, draw_head, stick_width, face_point_size, score_threshold)
    return (Drawn(tuple(keypoints), pen),)


@dataclass(frozen=True)
class _Pen:
    """What is drawn, and how thick; points of a score below `threshold` are left out."""

    body: bool
    hands: bool
    face: bool
    feet: bool
    head: bool
    width: int
    dot: int
    threshold: float


@dataclass(frozen=True, eq=False)
class Drawn:
    """Pictures of `postures`."""

    postures: tuple[Posture, ...]
    pen: _Pen

    @property
    def count(self) -> int:
        """As many as there are postures."""
        return len(self.postures)

    @property
    def width(self) -> int:
        """Width of the first canvas."""
        return int(self.postures[0]["canvas_width"])

    @property
    def height(self) -> int:
        """Height of the first canvas."""
        return int(self.postures[0]["canvas_height"])

    def frame(self, index: int) -> Pixels:
        """The people of one posture."""
        canvas = Image.new("RGB", (self.width, self.height))
        for person in self.postures[index]["people"]:
            _draw_person(ImageDraw.Draw(canvas), _points(person), self.pen)
        return np.asarray(canvas)


def _draw_person(draw: ImageDraw.ImageDraw, points: Mapping[str, Field], pen: _Pen) -> None:
    body = points["pose_keypoints_2d"]
    limbs = [*(enumerate(LIMBS) if pen.body else ()), *(enumerate(HEAD, len(LIMBS)) if pen.head else ())]
    for number, (first, second) in limbs:
        if min(body[first, 2], body[second, 2]) >= pen.threshold:
            draw.polygon(_stick(body[first, :2], body[second, :2], pen.width), fill=COLORS[number])
    for number, point in enumerate(body):
        if (pen.head and (number in HEAD_POINTS or number == 1)) or (pen.body and number not in HEAD_POINTS):
            _dot(draw, point, JOINT, COLORS[number], pen)
    for point in points["foot_keypoints_2d"] if pen.feet else ():
        _dot(draw, point, JOINT, COLORS[9], pen)
    for name in ("hand_right_keypoints_2d", "hand_left_keypoints_2d") if pen.hands else ():
        _draw_hand(draw, points[name], pen)
    for point in points["face_keypoints_2d"][:68] if pen.face else ():
        _dot(draw, point, pen.dot, (255, 255, 255), pen)


def _draw_hand(draw: ImageDraw.ImageDraw, hand: Field, pen: _Pen) -> None:
    for number, (first, second) in enumerate(FINGERS):
        if min(hand[first, 2], hand[second, 2]) >= pen.threshold:
            color = tuple(round(255 * c) for c in colorsys.hsv_to_rgb(number / len(FINGERS), 1.0, 1.0))
            draw.line([*hand[first, :2], *hand[second, :2]], fill=color, width=2)
    for point in hand:
        _dot(draw, point, JOINT, (0, 0, 255), pen)


def _dot(draw: ImageDraw.ImageDraw, point: Field, radius: int, color: tuple[int, ...], pen: _Pen) -> None:
    x, y, score = (float(value) for value in point)
    if score >= pen.threshold and (x or y):
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=color)


def _stick(first: Field, second: Field, width: int) -> list[tuple[float, float]]:
    """A spindle from one point to another, `width` to either side of their line."""
    along = (second - first) / 2
    across = np.array([-along[1], along[0]]) / max(1e-6, float(np.hypot(*along))) * width
    angles = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    outline = (first + second) / 2 + np.outer(np.cos(angles), along) + np.outer(np.sin(angles), across)
    return [(float(x), float(y)) for x, y in outline]


def _points(person: Mapping[str, Any]) -> dict[str, Field]:
    """The lists of a person as (x, y, score) rows; a list that isn't there has points that nobody is sure of."""
    return {
        name: np.array(person.get(name) or [0.0] * (3 * count), np.float32).reshape(-1, 3)
        for name, count in PARTS.items()
    }


def _flat(person: Person) -> dict[str, list[float]]:
    face = np.concatenate([person.face, person.body[[14, 15]]])
    parts = (person.body, person.feet, face, person.right_hand, person.left_hand)
    return {name: [round(float(value), 3) for value in part.ravel()] for name, part in zip(PARTS, parts, strict=True)}


def _boxes(bboxes: Any) -> list[list[Field]] | None:
    """Corners of the boxes of each frame, from one box, or from a list of lists of them."""
    if bboxes is None or (isinstance(bboxes, list) and not bboxes):
        return None
    frames = bboxes if isinstance(bboxes, list) else [[bboxes]]
    return [
        [
            np.array([box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]], np.float32)
            for box in (present if isinstance(present, list) else [present])
        ]
        for present in frames
    ]
