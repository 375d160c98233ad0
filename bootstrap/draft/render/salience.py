"""Guesses about a picture without a model: what stands out in it, what is sharp, what is near, what is sky."""

from __future__ import annotations

import numpy as np
from PIL import Image

from bootstrap.draft.render.media import Pixels
from bootstrap.draft.render.noise import Field, smoothstep

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
RIM = 0.05
"""The part of a picture's width, at either side, that is taken for its background."""


def reduced(pixels: Pixels, height: int) -> Field:
    """A picture as H×W×3 floats in 0..1, at most `height` rows."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if image.height > height:
        size = (max(2, round(image.width * height / image.height)), height)
        image = image.resize(size, Image.Resampling.BOX, reducing_gap=2)
    scaled: Field = np.asarray(image, np.float32) / np.float32(255)
    return scaled


def standing_out(colors: Field) -> Field:
    """How unlike each place is to the background at its height, in 0..1: to both sides of the frame and to its top."""
    rim = max(1, round(RIM * colors.shape[1]))
    top = colors[: max(1, colors.shape[0] // 12)].mean((0, 1))
    unlike: Field = np.linalg.norm(colors - top, axis=2)
    for side in (colors[:, :rim], colors[:, -rim:]):
        row = box(side.mean(1)[:, None, :].repeat(3, 1), max(1, colors.shape[0] // 24))[:, :1]
        unlike = np.minimum(unlike, np.linalg.norm(colors - row, axis=2))
    result: Field = smoothstep(0.06, 0.5, unlike)
    return result


def nearness(pixels: Pixels, height: int) -> tuple[Field, Field]:
    """How near each place is guessed to be (0..1), and how surely it is sky (0..1), in at most `height` rows.

    What is low, what stands out and what is sharp is near; the guess keeps to the edges that the picture has.
    """
    colors = reduced(pixels, height)
    luma = colors @ LUMA
    rows = np.linspace(0, 1, luma.shape[0], dtype=np.float32)[:, None]
    reach = max(2, luma.shape[0] // 20)
    sharp = smoothstep(0.004, 0.06, box(_changes(luma), reach))
    sky = smoothstep(0.3, 0.5, luma) * (1 - sharp) * (1 - smoothstep(0.4, 0.62, rows))
    subject = box(standing_out(colors), max(1, reach // 3)) * (1 - box(sky, reach))
    guess = 0.42 * smoothstep(0.3, 1.0, rows) + 0.44 * subject + 0.14 * sharp
    near = np.clip(guided(guess, luma, reach), 0, 1)
    return near, guided(sky, luma, reach)


def box(field: Field, reach: int) -> Field:
    """The mean over a square of 2·reach+1 pixels, over the first two axes."""
    for axis in (0, 1):
        length = field.shape[axis]
        at = np.arange(length)
        low, high = np.maximum(at - reach, 0), np.minimum(at + reach + 1, length)
        sums = np.cumsum(field, axis, dtype=np.float64)
        sums = np.concatenate([np.zeros_like(sums.take([0], axis)), sums], axis)
        counts = (high - low).reshape([-1 if k == axis else 1 for k in range(field.ndim)])
        field = ((sums.take(high, axis) - sums.take(low, axis)) / counts).astype(np.float32)
    return field


def guided(field: Field, guide: Field, reach: int, softness: float = 0.002) -> Field:
    """`field` smoothed, but not across the edges of `guide` (He et al., "Guided Image Filtering", 2010)."""
    mean_guide, mean_field = box(guide, reach), box(field, reach)
    covariance = box(guide * field, reach) - mean_guide * mean_field
    slope = covariance / (box(guide * guide, reach) - mean_guide**2 + softness)
    offset = mean_field - slope * mean_guide
    smooth: Field = box(slope, reach) * guide + box(offset, reach)
    return smooth


def _changes(luma: Field) -> Field:
    down = np.abs(np.diff(luma, axis=0, prepend=luma[:1]))
    across = np.abs(np.diff(luma, axis=1, prepend=luma[:, :1]))
    return down + across
