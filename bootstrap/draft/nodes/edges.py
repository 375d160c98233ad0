"""Edges of pictures."""

from __future__ import annotations

import numpy as np

from bootstrap.draft.nodes.registry import Context, node
from bootstrap.draft.render.canny import canny
from bootstrap.draft.render.media import Frames, Mapped, Pixels


@node("Canny")
def detect_edges(context: Context, image: Frames, low_threshold: float, high_threshold: float) -> tuple[Frames]:
    """White edges on black.

    Raises ValueError where the low threshold is above the high one.
    """
    if low_threshold > high_threshold:
        raise ValueError(
            f"Invalid input thresholds: low_threshold {low_threshold} is above high_threshold {high_threshold}."
        )

    def change(pixels: Pixels) -> Pixels:
        edges = canny(pixels, low_threshold, high_threshold).astype(np.uint8) * np.uint8(255)
        return np.repeat(edges[..., None], 3, 2)

    return (Mapped(image, image.width, image.height, change),)
