"""What a sound or a video looks like as a whole: how loud it is over its length, and pictures from all along it.

Made when a file is uploaded and kept beside it under its name; made again where that is gone. What can't be read gives
nothing: a file without a glimpse is still a file.
"""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from client.examine import OPTIONS

log = logging.getLogger(__name__)
BARS = 160
"""How many values say how loud a sound is."""
RATE = 8000
PROBED_FRAMES = 4
PICTURES = 8
STRIP_HEIGHT = 72
WHOLE_SECONDS = 90.0
"""Longer sounds are sampled here and there, so that no file takes long."""
WHOLE_PIXELS = 1.5e9
"""Videos of more than that in all their frames are seen at their key frames only."""
UNSEEKABLE_SECONDS = 1200.0
"""What can't be sampled is read as a whole up to this length."""
_making = threading.Lock()
"""One at a time: each takes the whole machine."""

Levels = NDArray[np.float32]


def peaks(path: Path, seconds: float) -> tuple[float, ...]:
    """How loud the first sound track of a file is, `BARS` values from 0 to 1 over its length; empty where unknown."""
    kept = _made(
        path, "peaks.json", lambda: json.dumps([round(float(value), 3) for value in _peaks(path, seconds)]).encode()
    )
    return tuple(map(float, json.loads(kept))) if kept else ()


def filmstrip(path: Path, seconds: float) -> bytes:
    """`PICTURES` pictures of a video side by side, evenly over its length, as one JPEG; empty where unknown."""
    return _made(path, "strip.jpg", lambda: _filmstrip(path, seconds))


def _made(path: Path, ending: str, make: Callable[[], bytes]) -> bytes:
    """What is kept beside a file under such an ending, made where it is not there."""
    kept = path.with_name(f"{path.name}.{ending}")
    try:
        if not kept.is_file():
            with _making:
                if not kept.is_file():
                    _keep(kept, make())
        return kept.read_bytes()
    except (av.FFmpegError, OSError, ValueError, IndexError, StopIteration):
        log.exception("no %s of %s", ending, path.name)
        return b""


def _keep(path: Path, data: bytes) -> None:
    partial = path.with_name(f".{path.name}.part")
    partial.write_bytes(data)
    partial.replace(path)


def _open(path: Path) -> Any:
    return av.open(f"file:{path}", options=OPTIONS, metadata_errors="replace")


def _peaks(path: Path, seconds: float) -> Levels:
    if seconds <= WHOLE_SECONDS:
        return _levels(path, seconds, _whole)
    try:
        return _levels(path, seconds, _probed)
    except av.FFmpegError:
        # A FLAC without a table of places can't be entered in its middle.
        if seconds > UNSEEKABLE_SECONDS:
            raise
        return _levels(path, seconds, _whole)


def _levels(path: Path, seconds: float, read: Callable[[Any, Any, float], Iterator[tuple[float, Levels]]]) -> Levels:
    bars = np.zeros(BARS, np.float32)
    with _open(path) as container:
        for begin, samples in read(container, container.streams.audio[0], seconds):
            places = (BARS * (begin + np.arange(len(samples)) / RATE) / seconds).astype(int).clip(0, BARS - 1)
            np.maximum.at(bars, places, np.abs(samples))
    loudest = float(bars.max())
    return bars / loudest if loudest else bars


def _whole(container: Any, stream: Any, seconds: float) -> Iterator[tuple[float, Levels]]:
    """Every sample, as (seconds, samples)."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    at = 0
    for frame in container.decode(stream):
        for part in resampler.resample(frame):
            samples = part.to_ndarray()[0]
            yield at / RATE, samples
            at += len(samples)


def _probed(container: Any, stream: Any, seconds: float) -> Iterator[tuple[float, Levels]]:
    """A moment of each bar; the first frames after a leap may be empty."""
    for bar in range(BARS):
        begin = seconds * (bar + 0.5) / BARS
        container.seek(int(begin * av.time_base))
        resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        frames = islice(container.decode(stream), PROBED_FRAMES)
        parts = [part for frame in (*frames, None) for part in resampler.resample(frame)]
        loudest = max((float(np.abs(part.to_ndarray()).max(initial=0)) for part in parts), default=0.0)
        yield begin, np.array([loudest], np.float32)


def _filmstrip(path: Path, seconds: float) -> bytes:
    wanted = [seconds * (number + 0.5) / PICTURES for number in range(PICTURES)]
    with _open(path) as container:
        covers = av.stream.Disposition.attached_pic
        stream = next(stream for stream in container.streams.video if not stream.disposition & covers)
        pixels = stream.width * stream.height * float(stream.average_rate or 0) * seconds
        found = _every(container, stream, wanted) if pixels <= WHOLE_PIXELS else _key(container, stream, wanted)
        pictures = [_small(frame) for frame in found]
    strip = Image.new("RGB", (sum(picture.width for picture in pictures), STRIP_HEIGHT))
    left = 0
    for picture in pictures:
        strip.paste(picture, (left, 0))
        left += picture.width
    data = io.BytesIO()
    strip.save(data, "JPEG", quality=70)
    return data.getvalue()


def _every(container: Any, stream: Any, wanted: list[float]) -> Iterator[Any]:
    """The frames shown at these seconds, by decoding them all."""
    stream.thread_type = "AUTO"
    ahead, last = list(wanted), None
    for frame in container.decode(stream):
        while ahead and last is not None and frame.time is not None and frame.time > ahead[0]:
            ahead.pop(0)
            yield last
        last = frame
        if not ahead:
            return
    if last is not None:
        yield from [last] * len(ahead)


def _key(container: Any, stream: Any, wanted: list[float]) -> Iterator[Any]:
    """The key frames before these seconds."""
    stream.codec_context.skip_frame = "NONKEY"
    for second in wanted:
        container.seek(int(second * av.time_base))
        frame = next(container.decode(stream), None)
        if frame is not None:
            yield frame


def _small(frame: Any) -> Image.Image:
    image = Image.fromarray(frame.to_ndarray(format="rgb24")).rotate(frame.rotation, expand=True)
    return image.resize((max(1, round(image.width * STRIP_HEIGHT / image.height)), STRIP_HEIGHT))
