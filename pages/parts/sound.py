"""The field for a sound: its waveform with the part that is used, and a player."""

from __future__ import annotations

import math
from pathlib import Path

import streamlit as st

from client import glimpse
from pages.parts import files, markup, trim, upload, words
from pages.parts.clip import EXTENSIONS as VIDEO_EXTENSIONS
from workflows.manifest import Field, Mode
from workflows.values import Media

EXTENSIONS = ("mp3", "wav", "flac", "ogg", "oga", "opus", "m4a", *VIDEO_EXTENSIONS)


def sound(mode: Mode, field: Field) -> None:
    """Draw the field."""
    upload.upload(mode, field, SOUND)


def _show(mode: Mode, field: Field, media: Media) -> None:
    used = trim.part(mode, field, media)
    loud = glimpse.peaks(Path(media.path), media.seconds)
    if loud:
        about = f"{field.title}: how loud it is over its length"
        st.html(markup.waveform(loud, about, used.begin / media.seconds, used.end / media.seconds))
    trim.trim(mode, field, media)
    begin, end = int(used.begin), math.ceil(used.end)
    st.audio(files.uploaded(media), start_time=begin, end_time=end, alt=f"{field.title}: {media.source}")


def _facts(mode: Mode, media: Media) -> list[str]:
    return [words.seconds(media.seconds)]


SOUND = upload.Kind(EXTENSIONS, "music_off", _show, _facts, prepare=glimpse.peaks)
