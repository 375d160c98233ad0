"""What of a picture will be in the video: it is scaled to cover it and cut at its center."""

from __future__ import annotations

import io

from PIL import Image

SIDE = 640
"""Pixels along the longer side of what is shown."""

Box = tuple[int, int, int, int]


def box(width: int, height: int, to_width: int, to_height: int) -> Box:
    """The part of a picture that fills the video: scaled to cover it, cut at the center; left, top, right, bottom."""
    scale = max(to_width / width, to_height / height)
    kept_width, kept_height = min(width, round(to_width / scale)), min(height, round(to_height / scale))
    left, top = (width - kept_width) // 2, (height - kept_height) // 2
    return left, top, left + kept_width, top + kept_height


def words(width: int, height: int, to_width: int, to_height: int) -> str:
    """What of a picture will not be in the video, in words."""
    left, top, right, bottom = box(width, height, to_width, to_height)
    across, down = 1 - (right - left) / width, 1 - (bottom - top) / height
    if max(across, down) < 0.005:
        return "used whole"
    side, share = ("left and right", across) if across > down else ("top and bottom", down)
    return f"{round(100 * share) or 1} % cropped at {side}"


def thumbnail(image: Image.Image) -> bytes:
    """A small JPEG of an RGB picture."""
    image.thumbnail((SIDE, SIDE))
    data = io.BytesIO()
    image.save(data, "JPEG", quality=80)
    return data.getvalue()
