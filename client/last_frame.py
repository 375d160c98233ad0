"""The last frame of a finished video, as a picture that the next one can begin with."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av
from PIL import Image

from client.media import admit
from workflows.errors import StudioError
from workflows.values import Media

NEAR_SECONDS = 2.0
"""So close to the end a search begins; there is a key frame before it, from which decoding must begin."""


def last_frame(video: Path, source: str, uploads: Path, title: str, max_mb: int) -> Media:
    """The last frame as a PNG among the uploads, where a person calls it `source`.

    Raises StudioError `video_gone` where the video can't be read any more, and those of `admit`.
    """
    try:
        image = _decoded(video)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise StudioError("video_gone", value=video.name) from error
    data = io.BytesIO()
    image.save(data, "PNG")
    return admit("image", data, source, uploads, title, max_mb)


def _decoded(video: Path) -> Image.Image:
    with av.open(str(video)) as container:
        if not container.streams.video:
            raise ValueError("no video")
        stream = container.streams.video[0]
        if container.duration:
            container.seek(max(0, int(container.duration - NEAR_SECONDS * av.time_base)))
        frame = _last(container, stream)
        if frame is None:
            container.seek(0)
            frame = _last(container, stream)
        if frame is None:
            raise ValueError("no frame")
        return Image.fromarray(frame.to_ndarray(format="rgb24"))


def _last(container: Any, stream: Any) -> Any:
    last = None
    for frame in container.decode(stream):
        last = frame
    return last
