"""What a sampler shows while it works: one frame of the clip, growing out of noise."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image, ImageFilter

from bootstrap.draft.render.clip import clip_frames
from bootstrap.draft.render.noise import dice
from bootstrap.draft.render.take import Take, denoised

LONGEST_SIDE = 384


class Sketch:
    """Previews of a clip of `count` frames of `width`×`height` pixels, at most 384 pixels on the longer side."""

    def __init__(self, take: Take, width: int, height: int, count: int) -> None:
        scale = min(1.0, LONGEST_SIDE / max(width, height))
        self._size = (max(2, round(width * scale)), max(2, round(height * scale)))
        self._frames = clip_frames(denoised(take), (), *self._size, count)
        self._seed = take.detail

    def jpeg(self, done: float, sigma: float) -> bytes:
        """The preview after `done` (0..1) of the steps with `sigma` left, as a JPEG."""
        frame = self._frames.frame(round(done * (self._frames.count - 1)))
        left = min(1.0, max(0.0, sigma))
        image = Image.fromarray(frame).filter(ImageFilter.GaussianBlur(0.03 * self._size[0] * left**2))
        noise = dice(self._seed, "preview", done).normal(128, 48, (self._size[1], self._size[0], 3))
        pixels = np.asarray(image) * (1 - 0.75 * left**2) + noise * (0.75 * left**2)
        buffer = BytesIO()
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=72)
        return buffer.getvalue()
