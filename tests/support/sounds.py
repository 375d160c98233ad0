"""Small real sounds for tests, and measures of them."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np

CODECS = {
    ".wav": "pcm_s16le",
    ".flac": "flac",
    ".mp3": "libmp3lame",
    ".ogg": "libopus",
    ".m4a": "aac",
    ".mp4": "aac",
    ".mkv": "aac",
    ".webm": "libopus",
    ".mov": "aac",
}

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


def syllables(seconds: float, rate: int = 48000, channels: int = 2, seed: int = 0) -> np.ndarray:
    """Tones that come and go at random like speech: float (channels, samples), at most 0.6 loud."""
    rng = np.random.default_rng(seed)
    count = round(seconds * rate)
    time = np.arange(count) / rate
    knots = rng.choice([0.0, 0.2, 1.0], max(4, round(seconds * 9)))
    envelope = np.interp(time, np.linspace(0, seconds, len(knots)), knots)
    pitch = np.interp(time, np.linspace(0, seconds, 8), rng.uniform(180, 600, 8))
    voice = np.sin(2 * np.pi * np.cumsum(pitch) / rate) + 0.4 * np.sin(2 * np.pi * np.cumsum(2.01 * pitch) / rate)
    sides = [0.42 * envelope * voice * (1 - 0.2 * side) for side in range(channels)]
    return np.stack(sides).astype(np.float32)


def write_sound(path: Path, samples: np.ndarray, rate: int) -> None:
    """Write float (channels, samples) in the format of the path's suffix."""
    with av.open(str(path), "w") as container:
        _encode(container, _track(container, path.suffix, samples, rate), samples, rate)


def write_video(path: Path, pictures: Iterable[np.ndarray], fps: Fraction | int = 24, **more: Any) -> None:
    """Write H.264 video of `pictures` (even sizes); `sound` (channels, samples) at 48 kHz goes with it.

    `gop` is how many frames lie between key frames.
    """
    sound: np.ndarray | None = more.get("sound")
    with av.open(str(path), "w") as container:
        options = {"g": str(more.get("gop", 12)), "crf": "12", "preset": "veryfast"}
        stream = container.add_stream("libx264", rate=fps, options=options)
        track = None if sound is None else _track(container, path.suffix, sound, 48000)
        for index, picture in enumerate(pictures):
            if not index:
                stream.height, stream.width, stream.pix_fmt = *picture.shape[:2], "yuv420p"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
        if sound is not None:
            _encode(container, track, sound, 48000)


def _track(container: Any, suffix: str, samples: np.ndarray, rate: int) -> Any:
    return container.add_stream(CODECS[suffix], rate=rate, layout=LAYOUTS[samples.shape[0]])


def _encode(container: Any, stream: Any, samples: np.ndarray, rate: int) -> None:
    layout = LAYOUTS[samples.shape[0]]
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples, np.float32), format="fltp", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    container.mux(stream.encode(frame))
    container.mux(stream.encode())


def sound_of(path: Path, rate: int = 48000) -> np.ndarray:
    """The first sound track, stereo, at `rate`."""
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=rate)
    with av.open(str(path)) as container:
        parts = [part.to_ndarray() for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate([*parts, *(part.to_ndarray() for part in resampler.resample(None))], 1)


def alike(heard: np.ndarray, wanted: np.ndarray) -> float:
    """Pearson's correlation of two sounds (channels, samples), over the shorter one, channels averaged."""
    count = min(heard.shape[1], wanted.shape[1])
    return float(np.corrcoef(heard[:, :count].mean(0), wanted[:, :count].mean(0))[0, 1])


def envelope(samples: np.ndarray, rate: int, fps: float, frames: int) -> np.ndarray:
    """How loud the sound is during each frame of a video."""
    mono = samples.mean(0)
    edges = [round(index * rate / fps) for index in range(frames + 1)]
    return np.array([np.sqrt(np.square(mono[a:b]).mean()) if a < len(mono) else 0.0 for a, b in pairwise(edges)])
