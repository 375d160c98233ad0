"""The arithmetic of LTX-2.3: which sizes, lengths and rates the model really makes.

The video VAE packs 8 frames and 32×32 pixels into one latent cell and keeps the first frame by itself, so a clip has
8 k + 1 frames. Two-stage graphs halve the size first, so sizes go in steps of 64; with a control guide, which is
encoded at half of that again, in steps of 128.
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


def snap(pixels: float, step: int = SIZE_STEP) -> int:
    """The nearest multiple of `step`, at least that."""
    return max(step, step * int(pixels / step + 0.5))


def frame_count(seconds: float, fps: float) -> int:
    """Frames made for a wanted duration: 8 k + 1 with the last frame nearest to `seconds`, at least 9."""
    return max(MIN_FRAMES, FRAME_STEP * round(seconds * fps / FRAME_STEP) + 1)


def frames_within(seconds: float, fps: float) -> int:
    """The most frames, 8 k + 1 of them and at least 9, that a source of this length has."""
    return max(MIN_FRAMES, FRAME_STEP * ((round(seconds * fps) - 1) // FRAME_STEP) + 1)


def shape(
    width: float, height: float, seconds: float, fps: float, step: int = SIZE_STEP, source: float | None = None
) -> Shape:
    """The shape made for a wanted size in pixels and length in seconds, never longer than `source` seconds."""
    frames = frame_count(seconds, fps)
    if source is not None:
        frames = min(frames, frames_within(source, fps))
    return Shape(snap(width, step), snap(height, step), frames, float(fps))
