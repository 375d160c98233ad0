"""The arithmetic of LTX-2.3: which sizes, lengths and rates the model really makes.

The video VAE packs 8 frames and 32×32 pixels into one latent cell and keeps the first frame by itself, so a clip has
8 k + 1 frames. Two-stage graphs halve the size first, so sizes go in steps of 64.
"""

from __future__ import annotations

from dataclasses import dataclass

SIZE_STEP = 64
FRAME_STEP = 8
MIN_FRAMES = 9
MAX_FRAMES = 1000
"""`LTXVEmptyLatentAudio.frames_number` takes no more."""


@dataclass(frozen=True)
class Shape:
    """What is really made: pixels, frames, frames per second, and the seconds and tokens that follow from them."""

    width: int
    height: int
    frames: int
    fps: float

    @property
    def seconds(self) -> float:
        """Duration of the finished video."""
        return self.frames / self.fps

    @property
    def tokens(self) -> int:
        """Video tokens of one full-size pass: latent cells over width, height and time."""
        return (self.width // 32) * (self.height // 32) * ((self.frames - 1) // FRAME_STEP + 1)


def snap(pixels: float) -> int:
    """The nearest multiple of 64, at least 64."""
    return max(SIZE_STEP, SIZE_STEP * int(pixels / SIZE_STEP + 0.5))


def frame_count(seconds: float, fps: float) -> int:
    """Frames made for a wanted duration: 8 k + 1 with the last frame nearest to `seconds`, at least 9."""
    return max(MIN_FRAMES, FRAME_STEP * round(seconds * fps / FRAME_STEP) + 1)


def shape(width: float, height: float, seconds: float, fps: float) -> Shape:
    """The shape made for a wanted size in pixels and length in seconds."""
    return Shape(snap(width), snap(height), frame_count(seconds, fps), float(fps))
