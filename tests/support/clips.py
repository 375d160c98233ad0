"""Small real sound files and videos in many containers."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
from PIL import Image

SOUNDS = {
    "mp3": ("mp3", "libmp3lame", 44100),
    "wav": ("wav", "pcm_s16le", 22050),
    "flac": ("flac", "flac", 44100),
    "ogg": ("ogg", "libopus", 48000),
    "m4a": ("ipod", "aac", 44100),
}
"""Extension to muxer, codec and rate."""
VIDEOS = {
    "mp4": ("mp4", "libx264"),
    "mov": ("mov", "libx264"),
    "webm": ("webm", "libvpx-vp9"),
    "mkv": ("matroska", "libx264"),
}
"""Extension to muxer and codec."""


def sound(kind: str = "wav", seconds: float = 1.0, layout: str = "stereo") -> bytes:
    """A tone of 440 Hz."""
    muxer, codec, rate = SOUNDS[kind]
    buffer = BytesIO()
    with av.open(buffer, "w", format=muxer) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.layout = layout
        _encode_tone(container, stream, rate, seconds, layout)
    return buffer.getvalue()


def _encode_tone(container, stream, rate: int, seconds: float, layout: str) -> None:
    tone = (np.sin(np.arange(int(rate * seconds)) / rate * 440 * 2 * np.pi) * 0.5).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(
        np.stack([tone] * (2 if layout == "stereo" else 1)), format="fltp", layout=layout
    )
    frame.sample_rate, frame.pts = rate, 0
    size = stream.codec_context.frame_size or 1024
    fitting = av.AudioResampler(format=stream.format, layout=layout, rate=rate, frame_size=size)
    for piece in [*fitting.resample(frame), *fitting.resample(None)]:
        container.mux(stream.encode(piece))
    container.mux(stream.encode())


def video(
    kind: str = "mp4",
    frames: int = 24,
    size: tuple[int, int] = (64, 48),
    fps: int = 24,
    sound_seconds: float | None = None,
    times: Sequence[int] | None = None,
    **options: str,
) -> bytes:
    """Noise of `frames` frames, with an AAC tone where it is to be heard; `times` are in frames where not regular."""
    muxer, codec = VIDEOS[kind]
    with TemporaryDirectory() as folder:
        # In a file: a muxer that moves the table to the front reads again what it has written.
        path = Path(folder, "clip")
        with av.open(str(path), "w", format=muxer, options=options) as container:
            stream = container.add_stream(codec, rate=fps)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            if times:
                stream.codec_context.max_b_frames = 0
            audio = container.add_stream("aac", rate=44100, layout="stereo") if sound_seconds is not None else None
            noise = np.random.default_rng(1)
            for number in range(frames):
                pixels = noise.integers(0, 255, (size[1], size[0], 3), np.uint8)
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                frame.pts, frame.time_base = times[number] if times else number, Fraction(1, fps)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
            if audio is not None and sound_seconds:
                _encode_tone(container, audio, 44100, sound_seconds, "stereo")
        return path.read_bytes()


def turned(data: bytes) -> bytes:
    """An MP4 or MOV of one track as a phone held upright writes it: to be shown turned by 90 degrees."""
    at = data.index(b"tkhd") + 4
    assert data[at] == 0, "a track header of version 0"
    matrix = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    return data[: at + 40] + matrix + data[at + 40 + 36 :]


def picture(fmt: str = "PNG") -> bytes:
    """A picture of 64×48 pixels."""
    buffer = BytesIO()
    Image.new("RGB", (64, 48), "teal").save(buffer, fmt)
    return buffer.getvalue()


def with_cover() -> bytes:
    """An MP3 with a cover picture in its tags."""
    muxer, codec, rate = SOUNDS["mp3"]
    buffer = BytesIO()
    with av.open(buffer, "w", format=muxer) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.layout = "stereo"
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
        container.mux(cover.encode(frame))
        container.mux(cover.encode())
        _encode_tone(container, stream, rate, 1.0, "stereo")
    return buffer.getvalue()


def mjpeg(width: int, height: int) -> bytes:
    """One grey frame of that size in a MOV."""
    buffer = BytesIO()
    with av.open(buffer, "w", format="mov") as container:
        stream = container.add_stream("mjpeg", rate=24)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p"
        container.mux(stream.encode(av.VideoFrame(width, height, "yuvj420p")))
        container.mux(stream.encode())
    return buffer.getvalue()
