"""The field for a video: its first frame with what will be cropped, a player, and the part that is used."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import av
import streamlit as st
from PIL import Image

from client import glimpse
from pages.parts import crop, files, markup, trim, upload, values, words
from workflows.manifest import Field, Mode
from workflows.values import Media

EXTENSIONS = ("mp4", "m4v", "mov", "webm", "mkv")


def clip(mode: Mode, field: Field) -> None:
    """Draw the field."""
    upload.upload(mode, field, CLIP)


def _show(mode: Mode, field: Field, media: Media) -> None:
    used = trim.part(mode, field, media)
    begin = used.begin if used.begin < media.seconds else 0.0
    frame, player = st.tabs(["First frame", "Play"])
    with frame, st.container(key=f"picture-{field.name}"):
        kept = crop.box(media.width, media.height, *values.size(mode))
        about = f"{field.title}: {media.source}, its frame at {begin:g} s"
        st.html(markup.cropped(_thumbnail(media.path, begin), about, (media.width, media.height), kept))
    with player, st.container(key=f"video-{field.name}"):
        st.video(files.uploaded(media), start_time=int(begin), alt=f"{field.title}: {media.source}")
    strip = glimpse.filmstrip(Path(media.path), media.seconds)
    if strip:
        about = f"{field.title}: pictures from all along it"
        st.html(markup.filmstrip(strip, about, used.begin / media.seconds, used.end / media.seconds))
    trim.trim(mode, field, media)


def _facts(mode: Mode, media: Media) -> list[str]:
    size = values.size(mode)
    return [
        words.size(media.width, media.height),
        words.seconds(media.seconds),
        f"{words.number(media.fps)} fps",
        "with sound" if media.sound else "without sound",
        crop.words(media.width, media.height, *size),
    ]


@lru_cache(maxsize=32)
def _thumbnail(path: str, begin: float) -> bytes:
    return crop.thumbnail(_frame(path, begin))


def _frame(path: str, begin: float) -> Image.Image:
    """The frame that is seen at a second of a video, turned as it is seen; the last one where there is none."""
    with av.open(path) as container:
        covers = av.stream.Disposition.attached_pic
        stream = next(stream for stream in container.streams.video if not stream.disposition & covers)
        if begin:
            container.seek(int(begin * av.time_base))
        last = None
        for frame in container.decode(stream):
            last = frame
            if frame.time is None or frame.time + 0.5 / float(stream.average_rate or 24) >= begin:
                break
        assert last is not None
        return Image.fromarray(last.to_ndarray(format="rgb24")).rotate(last.rotation, expand=True)


CLIP = upload.Kind(EXTENSIONS, "videocam_off", _show, _facts, prepare=glimpse.filmstrip)
