"""What is written over a draft: the DRAFT mark, and a caption like the slate of an animatic.

Both stay within boxes that depend on nothing but the frame's size, so that a comparison can leave them out.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FONTS = Path(__file__).parents[3] / "static" / "fonts"
MARK_TEXT = "DRAFT"
SMALLEST_CAPTIONED = 200
"""Frames lower than this many pixels carry no caption: it could not be read."""

LAST_LATIN, PUNCTUATION = 0x17F, "–—‘’“”…·×"
"""What the studio's fonts have letters for; a title in another script is left out."""

BESIDE_LEVELS, LEVELS_GAP = 0.68, 4
"""How much of the caption is left to its words beside a level strip, and the pixels between them."""

INK = (244, 240, 230)
SHADE = (8, 12, 14)

Box = tuple[int, int, int, int]


def draft_mark_box(width: int, height: int) -> Box:
    """Where the DRAFT mark lies in a frame: (x0, y0, x1, y1) in pixels, x1 and y1 excluded. Upper right corner."""
    tall = max(11, round(0.038 * min(width, height)))
    wide = round(3.4 * tall)
    gap = max(2, round(0.024 * min(width, height)))
    x1 = width - gap
    return max(0, x1 - wide), gap, x1, min(height, gap + tall)


def caption_box(width: int, height: int) -> Box | None:
    """Where the caption lies, in the lower left corner; None for a frame too small to carry one."""
    if height < SMALLEST_CAPTIONED or width < SMALLEST_CAPTIONED:
        return None
    gap = round(0.03 * min(width, height))
    tall = max(30, round(0.072 * min(width, height)))
    return gap, height - gap - tall, gap + round(min(width - 2 * gap, 12 * tall)), height - gap


def levels_box(width: int, height: int) -> Box | None:
    """Where a sound's level strip lies: the right of the caption; None where there is no caption."""
    box = caption_box(width, height)
    return box and (box[0] + round(BESIDE_LEVELS * (box[2] - box[0])) + LEVELS_GAP, *box[1:])


def overlay_boxes(width: int, height: int) -> tuple[Box, ...]:
    """All boxes that a draft may write in."""
    caption = caption_box(width, height)
    return (draft_mark_box(width, height), *((caption,) if caption else ()))


def draw_mark(frame: Image.Image) -> None:
    """Write DRAFT into the upper right corner of `frame` (RGB)."""
    x0, y0, _, _ = draft_mark_box(frame.width, frame.height)
    color, mask = _mark(frame.width, frame.height)
    frame.paste(color, (x0, y0), mask)


def draw_caption(frame: Image.Image, title: str, facts: str, clock: str, share: float = 1.0) -> None:
    """Write `title` over `clock` and `facts` into the lower left corner of `frame`; each is cut to fit.

    `share` is how much of the caption's width they may take.
    """
    box = caption_box(frame.width, frame.height)
    if box is None:
        return
    color, mask = _slate(frame.width, frame.height, title, facts, share)
    frame.paste(color, box[:2], mask)
    size = _text_size(box)
    draw = ImageDraw.Draw(frame)
    draw.text((box[0] + size, box[3] - size * 0.85), clock, INK, _font("mono-latin-500", size * 0.86), anchor="ls")


def timecode(index: int, frame_rate: float) -> str:
    """HH:MM:SS:FF of frame `index`, counted at the nearest whole rate."""
    rate = max(1, round(frame_rate))
    seconds, frames = divmod(index, rate)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{frames:02}"


@lru_cache(maxsize=8)
def _mark(width: int, height: int) -> tuple[Image.Image, Image.Image]:
    x0, y0, x1, y1 = draft_mark_box(width, height)
    size = (x1 - x0, y1 - y0)
    color, mask = Image.new("RGB", size, SHADE), Image.new("L", size)
    ImageDraw.Draw(mask).rounded_rectangle([0, 0, size[0] - 1, size[1] - 1], radius=size[1] * 0.22, fill=96)
    font = _font("mono-latin-600", size[1] * 0.60)
    pitch = size[0] / (len(MARK_TEXT) + 0.9)
    for index, letter in enumerate(MARK_TEXT):
        at = (pitch * (index + 0.95), size[1] / 2)
        ImageDraw.Draw(color).text(at, letter, INK, font, anchor="mm")
        ImageDraw.Draw(mask).text(at, letter, 225, font, anchor="mm")
    return color, mask


@lru_cache(maxsize=8)
def _slate(width: int, height: int, title: str, facts: str, share: float) -> tuple[Image.Image, Image.Image]:
    box = caption_box(width, height)
    assert box is not None
    size = (round((box[2] - box[0]) * share), box[3] - box[1])
    text = _text_size(box)
    color, mask = Image.new("RGB", size, SHADE), Image.new("L", size)
    fade = Image.linear_gradient("L").rotate(270).resize(size)
    mask.paste(fade.point([max(0, min(110, round(value * 0.55))) for value in range(256)]))
    corners = Image.new("L", size)
    ImageDraw.Draw(corners).rounded_rectangle([0, 0, size[0] - 1, size[1] - 1], radius=size[1] * 0.14, fill=255)
    mask = Image.composite(mask, Image.new("L", size), corners)
    title_font, facts_font = _font("sans-latin-500", text * 1.05), _font("mono-latin-400", text * 0.86)
    clock = facts_font.getlength("00:00:00:00")
    lines = (
        (text, size[1] - text * 2.35, title, title_font, size[0] - 1.6 * text, 240),
        (text * 1.9 + clock, size[1] - text * 0.85, facts, facts_font, size[0] - 2.6 * text - clock, 190),
    )
    for x, y, words, font, room, strength in lines:
        shown = _shortened(words, font, room)
        ImageDraw.Draw(color).text((x, y), shown, INK, font, anchor="ls")
        ImageDraw.Draw(mask).text((x, y), shown, strength, font, anchor="ls")
    return color, mask


def _text_size(box: Box) -> float:
    return (box[3] - box[1]) / 3.55


def _shortened(words: str, font: ImageFont.FreeTypeFont, room: float) -> str:
    """`words` on one line, cut at a word with an ellipsis where they are wider than `room`."""
    words = " ".join(words.split())[:200]
    if any(ord(letter) > LAST_LATIN and letter not in PUNCTUATION for letter in words):
        return ""
    if font.getlength(words) <= room:
        return words
    while words and font.getlength(words + "…") > room:
        words = words[:-1]
    head, space, _ = words.rpartition(" ")
    return (head if space and len(head) > len(words) * 0.6 else words).rstrip(" ,;:-") + "…"


@lru_cache(maxsize=32)
def _font(name: str, size: float) -> ImageFont.FreeTypeFont:
    """IBM Plex from the studio's own fonts, or Pillow's built-in font where FreeType can't read WOFF2."""
    try:
        path = FONTS / f"ibm-plex-{name}-normal.woff2"
        return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
    except OSError:
        fallback = ImageFont.load_default(size)
        assert isinstance(fallback, ImageFont.FreeTypeFont)
        return fallback
