"""What a file really is: a picture, a sound or a video, told by its content and never by its name.

FFmpeg is only let near the containers listed here and opens no other file or address, whatever a file asks for.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from PIL import Image, UnidentifiedImageError

from workflows.errors import StudioError

IMAGE_FORMATS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}
MAX_PIXELS = 64_000_000
"""Above what cameras make, far below what would fill the memory of a small machine."""
ORIENTATION = 0x0112
"""EXIF tag; 5 to 8 mean that the picture is seen turned by 90 degrees."""

SOUND_CONTAINERS = ("mp3", "wav", "flac", "ogg")
VIDEO_CONTAINERS = ("mov", "matroska")
SELF_FRAMED = ("mp3", "ogg")
"""Containers without a length of their own: what is there is all there is."""
WEBM_CODECS = ("vp8", "vp9", "av1", "libdav1d", "opus", "vorbis")
PICTURE_BRANDS = ("avif", "heic", "heix", "heim", "heis", "mif1")
"""Pictures in the container of MP4, by its major brand."""
OPENINGS = (b"\x1a\x45\xdf\xa3", b"OggS", b"fLaC", b"RIFF", b"ID3")
MAX_VIDEO_PIXELS = 36_000_000
"""A frame of 8K; the engine holds all frames in memory, four bytes a colour."""
MAX_HOURS = 4
OPTIONS = {
    "format_whitelist": ",".join((*SOUND_CONTAINERS, *VIDEO_CONTAINERS)),
    "protocol_whitelist": "file",
    "max_streams": "64",
    "max_pixels": str(MAX_VIDEO_PIXELS),
}
CUT_SECONDS, CUT_SHARE = 0.25, 0.02
"""A file is cut off when more than both of these are missing of the length it states."""


@dataclass(frozen=True)
class Content:
    """What was found: the extension that fits, the size it is seen with in pixels, seconds, frames per second."""

    extension: str
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    fps: float = 0.0
    sound: bool = False


def picture(path: Path, source: str, title: str) -> Content:
    """A PNG, JPEG or WebP that decodes to its end; a camera's rotation is applied to its size.

    Raises StudioError `file_not_image` or `image_too_large`.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures; ours is the stricter check below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=list(IMAGE_FORMATS)) as image:
                _check_pixels(image.width * image.height, source, title)
                image.load()
                turned = image.getexif().get(ORIENTATION, 1) >= 5
                width, height = (image.height, image.width) if turned else image.size
                return Content(IMAGE_FORMATS[image.format or ""], width, height)
    except Image.DecompressionBombError as error:
        pixels = re.search(r"\d+", str(error))
        _check_pixels(int(pixels[0]) if pixels else MAX_PIXELS + 1, source, title)
        raise
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, KeyError) as error:
        raise StudioError("file_not_image", title=title, value=source) from error


def _check_pixels(pixels: int, source: str, title: str) -> None:
    if pixels > MAX_PIXELS:
        raise StudioError("image_too_large", title=title, value=source, pixels=pixels, high=MAX_PIXELS)


def sound(path: Path, source: str, title: str) -> Content:
    """An MP3, WAV, FLAC, OGG or M4A, or the first sound track of a video.

    Raises StudioError `file_not_audio`, `video_without_sound`, `file_undecodable`, `file_cut_off`,
    `file_without_length` or `file_too_long`.
    """
    refusal = StudioError("file_not_audio", title=title, value=source)
    with _open(path, refusal, source, title) as container:
        if not container.streams.audio and _moving(container):
            raise StudioError("video_without_sound", title=title, value=source)
        if not container.streams.audio:
            raise refusal
        # The engine takes the first of several.
        track = container.streams.audio[0]
        _decode_first(container, track, source, title)
        extension, index = _extension(container), track.index
    return Content(extension, seconds=_seconds(path, index, source, title), sound=True)


def video(path: Path, source: str, title: str) -> Content:
    """An MP4, MOV, WebM or MKV. Its size is the one it is seen with, its rate the average one.

    Raises StudioError `file_not_video`, `video_too_large`, `file_undecodable`, `file_cut_off`, `file_without_length`
    or `file_too_long`.
    """
    refusal = StudioError("file_not_video", title=title, value=source)
    with _open(path, refusal, source, title) as container:
        stream = _moving(container)
        if stream is None or container.format.name in SOUND_CONTAINERS:
            raise refusal
        _check_frame(stream.codec_context, source, title)
        frame = _decode_first(container, stream, source, title)
        _check_frame(frame, source, title)
        turned = round(frame.rotation / 90) % 2 == 1
        width, height = (frame.height, frame.width) if turned else (frame.width, frame.height)
        extension, index, rate = _extension(container), stream.index, float(stream.average_rate or 0)
        # Of several sound tracks the engine takes a video's last.
        tracks = [track.index for track in container.streams.audio][-1:]
    seconds, frames = _length(path, index, source, title)
    heard = bool(tracks) and _is_heard(path, tracks[0], refusal, source, title)
    rate = rate or frames / seconds
    # The engine counts frames: where times and average rate disagree, no more is promised than there are.
    return Content(extension, width, height, min(seconds, frames / rate), rate, heard)


def _open(path: Path, refusal: StudioError, source: str, title: str) -> Any:
    """The container; raises `refusal` where it is none of ours, StudioError `file_cut_off` where only it begins so."""
    try:
        # Named as a file outright: a folder's name must not be taken for a protocol.
        container = av.open(f"file:{path}", options=OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, ValueError, OSError) as error:
        # "Invalid argument" is the answer for a container that is not listed.
        if not isinstance(error, av.error.ArgumentError) and _begins_like_media(path):
            raise StudioError("file_cut_off", title=title, value=source) from error
        raise refusal from error
    if container.metadata.get("major_brand", "").strip() in PICTURE_BRANDS:
        container.close()
        raise refusal
    return container


def _begins_like_media(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(12)
    return head.startswith(OPENINGS) or head[4:8] == b"ftyp"


def _moving(container: Any) -> Any:
    """The first video stream that is not a cover picture; None where there is none."""
    covers = av.stream.Disposition.attached_pic
    return next((stream for stream in container.streams.video if not stream.disposition & covers), None)


def _check_frame(sized: Any, source: str, title: str) -> None:
    pixels = sized.width * sized.height if sized is not None else 0
    if pixels > MAX_VIDEO_PIXELS:
        raise StudioError("video_too_large", title=title, value=source, pixels=pixels, high=MAX_VIDEO_PIXELS)


def _decode_first(container: Any, stream: Any, source: str, title: str) -> Any:
    """The first frame of a stream. Raises StudioError `file_undecodable`."""
    try:
        frame = next(container.decode(stream), None) if stream.codec_context is not None else None
    except (av.FFmpegError, ValueError, OSError) as error:
        raise StudioError("file_undecodable", title=title, value=source) from error
    if frame is None:
        raise StudioError("file_undecodable", title=title, value=source)
    return frame


def _is_heard(path: Path, index: int, refusal: StudioError, source: str, title: str) -> bool:
    """Whether a video's sound track holds anything. Raises StudioError `file_undecodable` where it can't be read."""
    with _open(path, refusal, source, title) as container:
        track = container.streams[index]
        if not any(packet.size for packet in container.demux(track)):
            return False
    with _open(path, refusal, source, title) as container:
        _decode_first(container, container.streams[index], source, title)
    return True


def _extension(container: Any) -> str:
    name = str(container.format.name)
    if "matroska" in name:
        codecs = [stream.codec_context.name for stream in container.streams if stream.codec_context is not None]
        return "webm" if all(codec in WEBM_CODECS for codec in codecs) else "mkv"
    if "mov" in name:
        if container.metadata.get("major_brand", "").startswith("qt"):
            return "mov"
        return "mp4" if _moving(container) else "m4a"
    return name


def _seconds(path: Path, index: int, source: str, title: str) -> float:
    return _length(path, index, source, title)[0]


def _length(path: Path, index: int, source: str, title: str) -> tuple[float, int]:
    """Seconds and packets of a stream, by reading the file to its end without decoding it.

    Raises StudioError `file_cut_off`, `file_without_length` or `file_too_long`.
    """
    ends: dict[int, float] = {}
    first, packets, broken = 0.0, 0, False
    cut_off = StudioError("file_cut_off", title=title, value=source)
    with _open(path, cut_off, source, title) as container:
        stated = float(container.duration / av.time_base) if container.duration else 0.0
        own = container.streams[index]
        own_stated = float(own.duration * own.time_base) if own.duration and own.type == "audio" else 0.0
        name = container.format.name
        try:
            for packet in container.demux():
                if packet.pts is None or not packet.size:
                    continue
                begin = float(packet.pts * packet.time_base)
                end = begin + float((packet.duration or 0) * packet.time_base)
                if packet.stream_index == index:
                    # What an encoder put before the beginning has a negative time and is not heard.
                    first = max(begin, 0.0) if packets == 0 else min(first, max(begin, 0.0))
                    packets += 1
                ends[packet.stream_index] = max(end, ends.get(packet.stream_index, 0.0))
                broken = bool(packet.is_corrupt)
        except (av.FFmpegError, ValueError, OSError):
            broken = True
    missing = stated - max(ends.values(), default=0.0)
    if broken or (name not in SELF_FRAMED and missing > max(CUT_SECONDS, CUT_SHARE * stated)):
        raise cut_off
    seconds = ends.get(index, 0.0) - first
    if own_stated:
        # Without what an encoder has put behind the end to fill its last packet.
        seconds = min(seconds, own_stated)
    if seconds <= 0:
        raise StudioError("file_without_length", title=title, value=source)
    if seconds > MAX_HOURS * 3600:
        raise StudioError("file_too_long", title=title, value=source, hours=seconds / 3600, high=MAX_HOURS)
    return seconds, packets


EXAMINERS: dict[str, Callable[[Path, str, str], Content]] = {"image": picture, "audio": sound, "video": video}
"""By the kind of file a field takes."""
