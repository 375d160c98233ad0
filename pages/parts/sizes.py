"""Video sizes by aspect and resolution: the width and height that a preset makes of 16:9, 9:16, 1:1, 3:2 and 21:9."""

from __future__ import annotations

import math
from dataclasses import dataclass

from workflows.grid import SIZE_STEP, snap
from workflows.manifest import Mode, Preset

ASPECTS: dict[str, float] = {"16:9": 16 / 9, "9:16": 9 / 16, "1:1": 1.0, "3:2": 3 / 2, "21:9": 21 / 9}
STANDARD = "standard"
"""The resolution that is the preset's own size."""
LONGEST = 2560

Size = tuple[int, int]


@dataclass(frozen=True)
class Place:
    """A size by the names of its aspect and its resolution."""

    aspect: str
    resolution: str


def size_of(place: Place, mode: Mode, preset: Preset) -> Size:
    """Width and height in pixels: the aspect's form, and about the resolution's share of the pixels of the preset's own
    size, never too many.

    In the resolution that is the preset's own, the aspect nearest to its own size is that size, and its opposite is
    that size turned.
    """
    own = own_size(mode, preset)
    if place.resolution == STANDARD and place.aspect == nearest(*own):
        return own
    if place.resolution == STANDARD and place.aspect == nearest(own[1], own[0]):
        return own[1], own[0]
    ratio, limit = ASPECTS[place.aspect], preset.max_pixels or math.inf
    pixels = own[0] * own[1] * preset.resolutions[place.resolution].share
    widths = range(preset.size_step, LONGEST + 1, preset.size_step)
    sizes = [(width, snap(width / ratio, preset.size_step)) for width in widths]
    made = [size for size in sizes if size[0] * size[1] <= limit and max(size) <= LONGEST]
    return min(made, key=lambda size: _misfit(size, ratio, pixels))


def shown(pixels: float | None, preset: Preset) -> int:
    """The side that a typed number stands for, while it may still be empty or out of range."""
    return snap(min(max(pixels or SIZE_STEP, SIZE_STEP), LONGEST), preset.size_step)


def place_of(width: float | None, height: float | None, mode: Mode, preset: Preset) -> Place | None:
    """The aspect and resolution whose size this is, None for a size of one's own."""
    if not width or not height:
        return None
    wanted = (snap(width, preset.size_step), snap(height, preset.size_step))
    places = (Place(aspect, resolution) for resolution in preset.resolutions for aspect in ASPECTS)
    return next((place for place in places if size_of(place, mode, preset) == wanted), None)


def own_size(mode: Mode, preset: Preset) -> Size:
    """The preset's own size in pixels: its default width and height."""
    defaults = {field.name: field.default for field in mode.fields_for(preset, {})}
    return int(defaults["width"] or 0), int(defaults["height"] or 0)


def nearest(width: float, height: float) -> str:
    """The aspect whose form a size comes closest to."""
    return min(ASPECTS, key=lambda name: abs(math.log(width / height / ASPECTS[name])))


def _misfit(size: Size, ratio: float, pixels: float) -> float:
    """How far a size is from the wanted form and from the wanted number of pixels; the form counts more."""
    return 3 * abs(math.log(size[0] / size[1] / ratio)) + abs(math.log(size[0] * size[1] / pixels))
