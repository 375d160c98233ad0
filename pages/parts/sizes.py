"""Video sizes by aspect: which width and height a preset makes of 16:9, 9:16, 1:1, 3:2 and 21:9."""

from __future__ import annotations

import math

from workflows.grid import SIZE_STEP, snap
from workflows.manifest import Mode, Preset

ASPECTS: dict[str, float] = {"16:9": 16 / 9, "9:16": 9 / 16, "1:1": 1.0, "3:2": 3 / 2, "21:9": 21 / 9}
LONGEST = 2560

Size = tuple[int, int]


def for_aspect(name: str, mode: Mode, preset: Preset) -> Size:
    """Width and height in pixels for an aspect: about as many pixels as the preset's own size has, never too many.

    The aspect nearest to the preset's own size is that size, and its opposite is that size turned.
    """
    own = own_size(mode, preset)
    if name == _nearest(own):
        return own
    if name == _nearest((own[1], own[0])):
        return own[1], own[0]
    ratio, pixels, limit = ASPECTS[name], own[0] * own[1], preset.max_pixels or math.inf
    widths = range(preset.size_step, LONGEST + 1, preset.size_step)
    sizes = [(width, snap(width / ratio, preset.size_step)) for width in widths]
    return min((size for size in sizes if size[0] * size[1] <= limit), key=lambda size: _misfit(size, ratio, pixels))


def shown(pixels: float | None, preset: Preset) -> int:
    """The side that a typed number stands for, while it may still be empty or out of range."""
    return snap(min(max(pixels or SIZE_STEP, SIZE_STEP), LONGEST), preset.size_step)


def aspect_of(width: float | None, height: float | None, mode: Mode, preset: Preset) -> str | None:
    """The aspect whose size this is, None for a size of one's own."""
    if not width or not height:
        return None
    wanted = (snap(width, preset.size_step), snap(height, preset.size_step))
    return next((name for name in ASPECTS if for_aspect(name, mode, preset) == wanted), None)


def own_size(mode: Mode, preset: Preset) -> Size:
    """The preset's own size in pixels: its default width and height."""
    defaults = {field.name: field.default for field in mode.fields_for(preset, {})}
    return int(defaults["width"] or 0), int(defaults["height"] or 0)


def _nearest(size: Size) -> str:
    return min(ASPECTS, key=lambda name: abs(math.log(size[0] / size[1] / ASPECTS[name])))


def _misfit(size: Size, ratio: float, pixels: float) -> float:
    """How far a size is from the wanted form and from the wanted number of pixels; the form counts more."""
    return 3 * abs(math.log(size[0] / size[1] / ratio)) + abs(math.log(size[0] * size[1] / pixels))
