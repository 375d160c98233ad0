"""Writing H.264 + AAC MP4 files.

Encoder settings, thread count included, are fixed, so the same frames give the same file on every machine.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from math import ceil
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Colorspace

from bootstrap.draft.render.media import Clip, Frames, Pixels, Sound

RENDER_THREADS = min(4, max(2, (os.cpu_count() or 2) - 1))
FRAMES_AHEAD = 2 * RENDER_THREADS

X264 = {"preset": "superfast", "crf": "22", "threads": "2", "x264-params": "aq-strength=0.5"}
"""Grain needs few bits: at full strength, adaptive quantization would spend most of the time on it."""

BT709 = 1
AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}
"""Of any other number of channels the first two are written."""

Tick = Callable[[int, int], None]
"""Called with (frames done, frames in all) after each frame; may raise to stop the writing."""


def frame_rate(fps: float) -> Fraction:
    """The rate written for `fps`: to a thousandth of a frame, as ComfyUI's SaveVideo rounds it (23.976 → 2997/125)."""
    return Fraction(round(fps * 1000), 1000)


def write_mp4(path: Path, clip: Clip, tags: Mapping[str, str], tick: Tick) -> None:
    """Encode `clip` into `path`, with each of `tags` as a container tag of that name.

    The file is written under a temporary name beside it and renamed when complete; nothing stays behind when `tick`
    or the encoder raises. Sound past the last frame is cut, missing sound is not padded. Raises ValueError for a size
    that 4:2:0 video can't have.
    """
    frames = clip.frames
    if frames.width % 2 or frames.height % 2:
        raise ValueError(f"H.264 video needs an even width and height; this is {frames.width}x{frames.height}.")
    part = path.with_name(f".{path.name}.part")
    try:
        _encode(part, clip, tags, tick)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _encode(path: Path, clip: Clip, tags: Mapping[str, str], tick: Tick) -> None:
    frames = clip.frames
    pixel_format = "yuv420p10le" if clip.bit_depth == 10 else "yuv420p"
    with av.open(path, "w", format="mp4", options={"movflags": "use_metadata_tags+faststart"}) as container:
        container.metadata.update(tags)
        video = container.add_stream("libx264", rate=clip.rate, options=dict(X264))
        video.width, video.height, video.pix_fmt = frames.width, frames.height, pixel_format
        video.codec_context.colorspace = video.codec_context.color_primaries = video.codec_context.color_trc = BT709
        audio = None
        chunks: Iterator[av.AudioFrame] = iter(())
        if clip.sound is not None:
            channels, rate = clip.sound.samples.shape[0], clip.sound.rate
            audio = container.add_stream(
                "aac",
                rate=rate if rate in AAC_RATES else 48000,
                layout=LAYOUTS.get(channels, "stereo"),
            )
            chunks = _audio_chunks(clip.sound, clip.rate, frames.count)
        for index, pixels in enumerate(_rendered_ahead(frames)):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            picture = picture.reformat(format=pixel_format, dst_colorspace=Colorspace.ITU709)
            container.mux(video.encode(picture))
            if audio is not None and (chunk := next(chunks, None)) is not None:
                container.mux(audio.encode(chunk))
            tick(index + 1, frames.count)
        container.mux(video.encode())
        if audio is not None:
            container.mux(audio.encode())


def _rendered_ahead(frames: Frames) -> Iterator[Pixels]:
    """The frames in order, the next few already being rendered by other threads.

    The first is rendered alone: what all frames share is then made once.
    """
    yield frames.frame(0)
    with ThreadPoolExecutor(RENDER_THREADS, thread_name_prefix="render") as pool:
        waiting: deque[Future[Pixels]] = deque()
        try:
            for index in range(1, frames.count):
                waiting.append(pool.submit(frames.frame, index))
                if len(waiting) > FRAMES_AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _audio_chunks(sound: Sound, rate: Fraction, count: int) -> Iterator[av.AudioFrame]:
    """The sound cut along the video's frames, so that both interleave in the file."""
    layout = LAYOUTS.get(sound.samples.shape[0], "stereo")
    samples = sound.samples if sound.samples.shape[0] in LAYOUTS else sound.samples[:2]
    total = min(samples.shape[1], ceil(count * sound.rate / rate))
    start = 0
    for index in range(count):
        end = total if index == count - 1 else min(total, round((index + 1) * sound.rate / rate))
        if end > start:
            block = np.ascontiguousarray(samples[:, start:end], dtype=np.float32)
            chunk = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
            chunk.sample_rate, chunk.pts, chunk.time_base = sound.rate, start, Fraction(1, sound.rate)
            yield chunk
        start = end
