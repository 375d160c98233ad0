"""Drawn faces that a lipsync can be made of: flat colors, lit from the upper left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter

SIDE = 896
SCALE = 2
"""Drawn that much larger and then reduced, for smooth edges."""

Point = tuple[float, float]
Color = tuple[int, int, int]


@dataclass(frozen=True)
class Face:
    """What tells one face from another; colors are RGB."""

    skin: Color
    hair: Color
    iris: Color
    lips: Color
    coat: Color
    accent: Color
    wall: tuple[Color, Color]
    bearded: bool


WOMAN = Face(
    skin=(224, 172, 138),
    hair=(52, 32, 34),
    iris=(84, 104, 74),
    lips=(172, 72, 70),
    coat=(120, 34, 40),
    accent=(214, 170, 96),
    wall=((38, 58, 74), (112, 140, 146)),
    bearded=False,
)
SAILOR = Face(
    skin=(206, 154, 122),
    hair=(206, 202, 196),
    iris=(70, 112, 140),
    lips=(160, 94, 82),
    coat=(30, 46, 72),
    accent=(226, 216, 196),
    wall=((104, 78, 58), (206, 160, 108)),
    bearded=True,
)


class Board:
    """A canvas on which positions are in thousandths of its side, from the upper left."""

    def __init__(self, side: int) -> None:
        self.side = side * SCALE
        self.image = Image.new("RGB", (self.side, self.side))

    def at(self, points: Sequence[Point]) -> list[Point]:
        """Positions in pixels."""
        return [(x * self.side / 1000, y * self.side / 1000) for x, y in points]

    def blob(self, points: Sequence[Point], color: Color, blur: float = 0, strength: float = 1, inside=None) -> None:
        """A closed smooth outline, filled; `inside` is a mask that it stays within."""
        self._fill(lambda draw: draw.polygon(self.at(smooth(points)), fill=255), color, blur, strength, inside)

    def oval(self, box: Sequence[float], color: Color, blur: float = 0, strength: float = 1, inside=None) -> None:
        """An ellipse within left, top, right, bottom."""
        (left, top), (right, bottom) = self.at([(box[0], box[1]), (box[2], box[3])])
        self._fill(lambda draw: draw.ellipse((left, top, right, bottom), fill=255), color, blur, strength, inside)

    def stroke(self, points: Sequence[Point], width: float, color: Color, blur: float = 0, strength: float = 1) -> None:
        """A line through the points."""
        thick = round(width * self.side / 1000)
        track = self.at(smooth(points, closed=False))

        def paint(draw: ImageDraw.ImageDraw) -> None:
            draw.line(track, fill=255, width=thick, joint="curve")
            for x, y in (track[0], track[-1]):
                draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=255)

        self._fill(paint, color, blur, strength, None)

    def mask(self, points: Sequence[Point]) -> Image.Image:
        """The inside of a smooth outline."""
        found = Image.new("L", self.image.size)
        ImageDraw.Draw(found).polygon(self.at(smooth(points)), fill=255)
        return found

    def _fill(self, paint, color: Color, blur: float, strength: float, inside) -> None:
        cover = Image.new("L", self.image.size)
        paint(ImageDraw.Draw(cover))
        if blur:
            cover = cover.filter(ImageFilter.GaussianBlur(blur * self.side / 1000))
        if inside is not None:
            cover = ImageChops.multiply(cover, inside)
        if strength < 1:
            cover = cover.point(lambda value: round(value * strength))
        self.image.paste(color, mask=cover)


def smooth(points: Sequence[Point], closed: bool = True, steps: int = 14) -> list[Point]:
    """A curve through the points (Catmull and Rom)."""
    count = len(points)

    def point(number: int) -> Point:
        return points[number % count] if closed else points[min(max(number, 0), count - 1)]

    found: list[Point] = []
    for number in range(count if closed else count - 1):
        a, b, c, d = (point(number + offset) for offset in (-1, 0, 1, 2))
        for step in range(steps):
            t = step / steps
            found.append(
                tuple(
                    0.5
                    * (
                        2 * b[axis]
                        + (c[axis] - a[axis]) * t
                        + (2 * a[axis] - 5 * b[axis] + 4 * c[axis] - d[axis]) * t**2
                        + (3 * b[axis] - a[axis] - 3 * c[axis] + d[axis]) * t**3
                    )
                    for axis in (0, 1)
                )
            )
    return [*found, *([] if closed else [points[-1]])]


def mixed(color: Color, other: Color, share: float) -> Color:
    """A color on the way to another one."""
    return tuple(round(a + (b - a) * share) for a, b in zip(color, other, strict=True))


DARK, LIGHT = (24, 16, 22), (255, 244, 226)
HEAD = [(500, 190), (610, 215), (668, 310), (672, 430), (648, 540), (585, 640), (500, 676), (415, 640), (352, 540)]
HEAD += [(328, 430), (332, 310), (390, 215)]


def portrait(face: Face) -> Image.Image:
    """The picture of a face, RGB, square."""
    board = Board(SIDE)
    _wall(board, face)
    (_long_hair if not face.bearded else _cap_back)(board, face)
    _body(board, face)
    _head(board, face)
    for mirror in (1, -1):
        _eye(board, face, mirror)
    _nose(board, face)
    if face.bearded:
        _beard(board, face)
    _mouth(board, face)
    (_fringe if not face.bearded else _cap)(board, face)
    return board.image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def _wall(board: Board, face: Face) -> None:
    board.image.paste(face.wall[0], (0, 0, *board.image.size))
    board.oval((-200, -260, 760, 720), face.wall[1], blur=150, strength=0.85)
    board.oval((560, 520, 1240, 1200), mixed(face.wall[0], DARK, 0.6), blur=140, strength=0.8)


def _body(board: Board, face: Face) -> None:
    shade = mixed(face.skin, DARK, 0.34)
    neck = [(425, 600), (575, 600), (585, 700), (640, 775), (500, 840), (360, 775), (415, 700)]
    board.blob(neck, face.skin)
    below_chin = [(400, 640), (500, 712), (600, 640), (610, 735), (500, 760), (390, 735)]
    board.blob(below_chin, shade, blur=14, strength=0.8, inside=board.mask(neck))
    coat = [(372, 738), (280, 775), (165, 830), (110, 940), (90, 1080), (910, 1080), (890, 940), (835, 830), (720, 775)]
    coat += [(628, 738), (560, 800), (500, 850), (440, 800)]
    cover = board.mask(coat)
    board.blob(coat, face.coat)
    board.oval((600, 760, 1000, 1200), DARK, blur=60, strength=0.45, inside=cover)
    board.oval((60, 740, 420, 1000), LIGHT, blur=70, strength=0.16, inside=cover)
    for mirror in (1, -1):
        lapel = [(372, 738), (438, 802), (500, 852), (470, 930), (405, 860), (335, 770)]
        board.blob([_turned(point, mirror) for point in lapel], mixed(face.coat, LIGHT, 0.14 if mirror == 1 else 0.02))
    if face.bearded:
        board.blob([(400, 735), (500, 800), (600, 735), (610, 690), (500, 745), (390, 690)], face.accent)
    else:
        board.oval((484, 858, 516, 890), face.accent)


def _turned(point: Point, mirror: int) -> Point:
    return (point[0], point[1]) if mirror == 1 else (1000 - point[0], point[1])


def _head(board: Board, face: Face) -> None:
    shade, glow = mixed(face.skin, DARK, 0.38), mixed(face.skin, LIGHT, 0.5)
    for mirror in (1, -1):
        ear = [(334, 400), (308, 396), (302, 440), (316, 492), (342, 500)]
        board.blob([_turned(point, mirror) for point in ear], mixed(face.skin, DARK, 0.1 if mirror == 1 else 0.3))
    board.blob(HEAD, face.skin)
    cover = board.mask(HEAD)
    board.blob([(690, 240), (700, 460), (650, 600), (520, 700), (600, 560), (634, 420)], shade, 34, 0.75, cover)
    board.oval((352, 230, 520, 420), glow, blur=46, strength=0.55, inside=cover)
    board.oval((380, 470, 470, 560), (222, 120, 108), blur=26, strength=0.26, inside=cover)
    board.oval((536, 470, 626, 560), (200, 96, 90), blur=26, strength=0.26, inside=cover)
    board.oval((430, 620, 570, 700), shade, blur=20, strength=0.35, inside=cover)


def _eye(board: Board, face: Face, mirror: int) -> None:
    def put(points: Sequence[Point]) -> list[Point]:
        return [_turned(point, mirror) for point in points]

    shade = mixed(face.skin, DARK, 0.45)
    lid = [(382, 424), (402, 403), (426, 395), (452, 404), (470, 424), (450, 437), (424, 441), (400, 436)]
    board.blob(put([(372, 404), (426, 374), (480, 404), (470, 436), (424, 446), (380, 434)]), shade, 12, 0.5)
    cover = board.mask(put(lid))
    board.blob(put(lid), (240, 234, 226))
    (x, y), reach = put([(428, 418)])[0], 22
    board.oval((x - reach, y - reach, x + reach, y + reach), mixed(face.iris, DARK, 0.45), inside=cover)
    board.oval((x - 18, y - 18, x + 18, y + 18), face.iris, inside=cover)
    board.oval((x - 16, y - 2, x + 16, y + 18), mixed(face.iris, LIGHT, 0.35), blur=5, strength=0.8, inside=cover)
    board.oval((x - 9, y - 9, x + 9, y + 9), (18, 14, 16), inside=cover)
    board.blob(put([(380, 400), (426, 388), (474, 402), (470, 414), (426, 404), (384, 414)]), DARK, 5, 0.45, cover)
    board.oval((x - 12, y - 13, x - 3, y - 4), (255, 255, 255))
    board.stroke(put([(380, 425), (402, 403), (426, 394), (453, 403), (473, 426)]), 6, DARK)
    board.stroke(put([(398, 437), (424, 442), (452, 437)]), 2.4, shade, strength=0.8)
    board.stroke(put([(388, 396), (424, 379), (464, 394)]), 2.6, shade, strength=0.8)
    brow = mixed(face.hair, DARK, 0.15)
    board.blob(put([(368, 372), (400, 346), (440, 342), (476, 358), (474, 370), (438, 358), (402, 362)]), brow, 1.5)


def _nose(board: Board, face: Face) -> None:
    shade, glow = mixed(face.skin, DARK, 0.4), mixed(face.skin, LIGHT, 0.6)
    board.blob([(512, 410), (524, 470), (546, 520), (530, 538), (510, 532), (508, 470)], shade, 10, 0.6)
    board.stroke([(496, 420), (494, 470), (492, 506)], 12, glow, blur=8, strength=0.6)
    board.oval((476, 500, 516, 534), glow, blur=9, strength=0.5)
    board.stroke([(458, 528), (468, 540), (484, 538)], 5, shade, blur=1, strength=0.9)
    board.stroke([(516, 538), (532, 540), (542, 528)], 5, shade, blur=1, strength=0.9)
    board.stroke([(484, 540), (500, 546), (516, 540)], 5, shade, blur=2, strength=0.7)


def _mouth(board: Board, face: Face) -> None:
    lower = mixed(face.lips, LIGHT, 0.18)
    board.oval((440, 596, 560, 640), mixed(face.skin, DARK, 0.4), blur=14, strength=0.3)
    upper = [(432, 590), (468, 575), (490, 570), (500, 575), (510, 570), (532, 575), (568, 590), (532, 594), (500, 595)]
    board.blob([*upper, (468, 594)], face.lips)
    board.blob([(436, 591), (468, 595), (500, 596), (532, 595), (564, 591), (538, 612), (500, 621), (462, 612)], lower)
    board.stroke([(434, 590), (468, 594), (500, 596), (532, 594), (566, 590)], 3.4, mixed(face.lips, DARK, 0.65))
    board.oval((468, 602, 512, 612), LIGHT, blur=5, strength=0.4)


def _long_hair(board: Board, face: Face) -> None:
    back = [(500, 112), (650, 150), (730, 280), (742, 460), (728, 640), (690, 742), (600, 700), (400, 700), (310, 742)]
    back += [(272, 640), (258, 460), (270, 280), (350, 150)]
    board.blob(back, face.hair)
    cover = board.mask(back)
    board.oval((250, 120, 470, 520), mixed(face.hair, LIGHT, 0.4), blur=60, strength=0.35, inside=cover)


def _fringe(board: Board, face: Face) -> None:
    front = [(500, 112), (640, 148), (716, 270), (722, 440), (690, 470), (668, 360), (622, 292), (560, 252), (516, 226)]
    front += [(450, 282), (378, 330), (338, 400), (312, 470), (278, 440), (284, 270), (360, 148)]
    board.blob(front, face.hair)
    cover = board.mask(front)
    glow = mixed(face.hair, LIGHT, 0.5)
    for turn in range(5):
        x = 330 + 34 * turn
        board.stroke([(x + 60, 150), (x, 240), (x - 26, 350)], 5, glow, blur=5, strength=0.28)
    board.oval((300, 130, 520, 260), glow, blur=40, strength=0.3, inside=cover)


def _cap_back(board: Board, face: Face) -> None:
    board.blob([(330, 300), (318, 420), (340, 500), (660, 500), (682, 420), (670, 300)], face.hair)


def _cap(board: Board, face: Face) -> None:
    crown = [(500, 92), (640, 110), (724, 190), (700, 278), (500, 258), (300, 278), (276, 190), (360, 110)]
    board.blob(crown, face.coat)
    cover = board.mask(crown)
    board.oval((270, 90, 500, 230), LIGHT, blur=50, strength=0.2, inside=cover)
    board.oval((600, 100, 800, 320), DARK, blur=50, strength=0.4, inside=cover)
    band = [(312, 246), (500, 226), (688, 246), (692, 300), (500, 282), (308, 300)]
    board.blob(band, mixed(face.coat, DARK, 0.45))
    board.blob([(322, 292), (500, 274), (678, 292), (640, 336), (500, 318), (360, 336)], (22, 20, 24))
    board.stroke([(350, 318), (500, 300), (650, 318)], 5, (120, 116, 120), blur=4, strength=0.6)
    board.oval((472, 232, 528, 276), face.accent)
    board.oval((484, 241, 516, 267), mixed(face.coat, DARK, 0.3))


def _beard(board: Board, face: Face) -> None:
    outline = [
        (334, 430),
        (352, 500),
        (400, 548),
        (450, 556),
        (500, 550),
        (550, 556),
        (600, 548),
        (648, 500),
        (666, 430),
    ]
    outline += [(672, 540), (640, 660), (570, 740), (500, 764), (430, 740), (360, 660), (328, 540)]
    board.blob(outline, face.hair)
    cover = board.mask(outline)
    board.blob([(690, 440), (680, 640), (540, 770), (560, 640), (630, 520)], DARK, 30, 0.4, cover)
    board.oval((350, 540, 470, 700), LIGHT, blur=34, strength=0.5, inside=cover)
    for turn in range(9):
        x = 380 + 30 * turn
        board.stroke([(x, 640), (x + (500 - x) * 0.12, 690), (x + (500 - x) * 0.3, 728)], 3, DARK, blur=2, strength=0.2)
    board.blob(
        [(420, 556), (460, 540), (500, 552), (540, 540), (580, 556), (540, 578), (500, 570), (460, 578)], face.hair
    )
