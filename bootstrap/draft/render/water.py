"""Water that mirrors what stands behind it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from bootstrap.draft.render.layers import Painted, Plate, Pose, Wash
from bootstrap.draft.render.noise import Field, clouds
from bootstrap.draft.render.stage import Stage, mix, picture


def gathered(stage: Stage, layers: Sequence[Painted]) -> Field:
    """The layers one over another as an H×W×3 float array, unmoved."""
    canvas = Image.new("RGB", stage.full)
    for layer in layers:
        color, pose = layer.color, layer.pose
        if isinstance(layer, Wash):
            box = (pose.left, pose.top, pose.left + layer.mask.width, pose.top + layer.mask.height)
            color = color.resize(stage.full).crop(box)
        canvas.paste(color, (pose.left, pose.top), layer.mask)
    return np.asarray(canvas, np.float32)


def paint_water(
    stage: Stage, behind: Sequence[Painted], horizon: float, depth: float, *, ripple: float, mirror: float
) -> Plate:
    """Water from `horizon` down.

    `ripple` is how rough it is (0 glass, 1 open sea), `mirror` how much it mirrors before its own colour shows.
    """
    scene = gathered(stage, behind)
    top = stage.row(horizon)
    width, height = stage.full[0], stage.full[1] - top
    down = np.arange(height, dtype=np.float32)[:, None] / stage.height
    swell = _ripples(stage, height, width)
    rows = (
        top - 1 - (down * stage.height * (0.85 + 0.3 * ripple) + swell * ripple * (12 + 70 * down) * stage.height / 700)
    )
    columns = np.arange(width)[None] + swell * (0.4 + ripple) * (5 + 30 * down) * stage.height / 700
    mirrored = scene[
        np.clip(rows, 0, max(top - 1, 0)).astype(np.int32), np.clip(columns, 0, width - 1).astype(np.int32)
    ]
    deep = mix(mix(stage.light.sky[1], stage.light.haze, 0.25), stage.light.near, 0.45)
    own = np.clip(1 - mirror * np.exp(-down / 0.5), 0, 1)
    pixels = mirrored + (deep - mirrored) * own[..., None]
    crests = np.clip(swell - 0.12, 0, 1) * ripple * np.clip(down * 7, 0, 1)
    pixels = pixels + (mix(stage.light.sky[3], stage.light.key, 0.4) - pixels) * (0.34 * crests)[..., None]
    troughs = np.clip(-swell - 0.1, 0, 1) * ripple * np.clip(down * 7, 0, 1)
    pixels = pixels * (1 - 0.5 * troughs)[..., None]
    return Plate(picture(pixels, stage.fine("water")), None, Pose(0, top, depth))


def _ripples(stage: Stage, height: int, width: int) -> Field:
    """Waves within about -0.5..0.5, small and dense at the horizon, large at the lower edge."""
    side = 1024
    tile = clouds(stage.dice("ripples"), side, side, (42, 64), 3) - 0.5
    down = np.arange(height, dtype=np.float32)[:, None] / stage.height + 0.05
    near = 1 / down
    across = (stage.us[None] - stage.aspect / 2) * near * 0.055 + 0.5
    along = near * 0.16
    seam_x = (np.abs((across % 2) - 1) * (side - 1)).astype(np.int32)
    seam_y = (np.abs((along % 2) - 1) * (side - 1)).astype(np.int32)
    waves: Field = tile[np.broadcast_to(seam_y, seam_x.shape), seam_x] * 1.7
    return waves
