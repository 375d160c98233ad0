"""Small real videos for tests."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import av
import numpy as np


def mp4(frames: int = 3, width: int = 64, height: int = 64) -> bytes:
    """An H.264 MP4 of grey frames."""
    buffer = BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), 40 * number, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


def describe(path: Path) -> dict[str, object]:
    """Width, height, frame count, rate and audio streams of a video, by decoding it."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        found = {
            "width": video.codec_context.width,
            "height": video.codec_context.height,
            "fps": float(video.average_rate or 0),
            "audio": len(container.streams.audio),
            "codec": video.codec_context.name,
        }
        return {**found, "frames": sum(1 for _ in container.decode(video=0))}


def frames(path: Path) -> list[np.ndarray]:
    """All frames, height × width × 3 bytes each."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def frame(path: Path, number: int) -> np.ndarray:
    """One frame."""
    return frames(path)[number]


def blocks(image: np.ndarray, size: int = 32) -> np.ndarray:
    """Mean colours of `size` × `size` blocks: what survives a codec and a latent."""
    rows, columns = image.shape[0] // size, image.shape[1] // size
    cut = image[: rows * size, : columns * size, :3].astype(float)
    return cut.reshape(rows, size, columns, size, 3).mean(axis=(1, 3))


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's correlation of two pictures, from -1 to 1."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])
