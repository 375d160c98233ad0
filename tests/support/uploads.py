"""Real media files for tests to upload, made here: each is what its extension says."""

from __future__ import annotations

import io
import wave

import av
import numpy as np
from PIL import Image

RATE = 44100
FPS = 25


def png(width: int, height: int, color: str = "teal") -> bytes:
    """A picture of one color."""
    data = io.BytesIO()
    Image.new("RGB", (width, height), color).save(data, "PNG")
    return data.getvalue()


def wav(seconds: float) -> bytes:
    """Syllables: a tone that swells four times a second; mono, 16 bits."""
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((_syllables(seconds) * 20000).astype("<i2").tobytes())
    return data.getvalue()


def clip(seconds: float, width: int = 640, height: int = 480) -> bytes:
    """A bright box that slides over a dark ground, H.264 at 25 fps, with the sound of `wav`."""
    data = io.BytesIO()
    with av.open(data, "w", format="mp4") as container:
        video, audio = container.add_stream("libx264", rate=FPS), container.add_stream("aac", rate=RATE)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        frames = round(seconds * FPS)
        for number in range(frames):
            pixels = np.full((height, width, 3), (30, 60, 80), np.uint8)
            left = round(number / frames * width * 0.7)
            pixels[height // 3 : 2 * height // 3, left : left + width // 4] = (230, 190, 90)
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        sound = av.AudioFrame.from_ndarray(_syllables(seconds)[None].astype(np.float32), format="fltp", layout="mono")
        sound.sample_rate = RATE
        for stream, last in ((video, [None]), (audio, [sound, None])):
            for frame in last:
                container.mux(stream.encode(frame))
    return data.getvalue()


def _syllables(seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return np.sin(2 * np.pi * 220 * time) * np.sin(2 * np.pi * 2 * time) ** 2


FILES = {
    "image": ("still.png", "image/png", png(320, 200)),
    "audio": ("words.wav", "audio/wav", wav(1.5)),
    "video": ("source.mp4", "video/mp4", clip(1.2, 320, 240)),
}
"""One of each kind: name, type and content."""
