"""Pictures, sounds and videos to upload, made so that a result can be told from any other."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

RATE = 44100


def block_picture(path: Path, seed: int, columns: int = 8, rows: int = 4, side: int = 64) -> np.ndarray:
    """Flat colours side by side, easy to recognise in a decoded frame whatever the codec did; the picture made."""
    colours = np.random.default_rng(seed).integers(0, 255, (rows, columns, 3), np.uint8)
    picture = colours.repeat(side, 0).repeat(side, 1)
    Image.fromarray(picture).save(path)
    return picture


def sweep(seconds: float, channels: int = 2, rate: int = RATE) -> np.ndarray:
    """Samples × channels from -1 to 1: rising tones with a beat that gets faster, unlike themselves at any shift."""
    time = np.arange(round(seconds * rate)) / rate
    beat = 0.55 + 0.45 * np.sin(2 * np.pi * (2 * time + 0.6 * time**2))
    tones = [np.sin(2 * np.pi * (low * time + 60 * time**2)) for low in (220, 330, 440)[:channels]]
    return 0.5 * beat[:, None] * np.stack(tones, 1)


def write_wav(path: Path, samples: np.ndarray, rate: int = RATE) -> np.ndarray:
    """Write 16-bit sound and hand it back."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return samples


def moving_disc(frames: int, width: int = 512, height: int = 256) -> list[np.ndarray]:
    """A bright disc that goes from left to right over a dark ground, frames of height × width × 3 bytes."""
    y, x = np.mgrid[0:height, 0:width]
    made = []
    for number in range(frames):
        along = number / (frames - 1)
        inside = (x - width * (0.15 + 0.7 * along)) ** 2 + (y - height * (0.3 + 0.4 * along)) ** 2 < (height / 5) ** 2
        picture = np.full((height, width, 3), (40, 44, 52), np.uint8)
        picture[inside] = (250, 240, 200)
        made.append(picture)
    return made


def write_video(
    path: Path, pictures: Sequence[np.ndarray], fps: int | Fraction = 25, sound: np.ndarray | None = None
) -> None:
    """An H.264 video of the pictures, with the sound as its AAC track where there is one."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=fps)
        video.height, video.width, _ = pictures[0].shape
        video.pix_fmt = "yuv420p"
        if sound is not None:
            audio = container.add_stream("aac", rate=RATE, layout="stereo" if sound.shape[1] == 2 else "mono")
        for picture in pictures:
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode())
        if sound is not None:
            block = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(sound.T.astype(np.float32)), format="fltp", layout=audio.layout.name
            )
            block.sample_rate = RATE
            container.mux(audio.encode(block))
            container.mux(audio.encode())


def track(path: Path) -> tuple[np.ndarray, int]:
    """The sound track of a video: samples × channels from -1 to 1, and their rate."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler("fltp", stream.layout, stream.rate)
        parts = [part.to_ndarray() for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        return np.concatenate(parts, axis=1).T, stream.rate
