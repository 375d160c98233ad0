"""The field for a sound: shown as a player."""

from __future__ import annotations

import streamlit as st

from pages.parts import files, upload, words
from pages.parts.clip import EXTENSIONS as VIDEO_EXTENSIONS
from workflows.manifest import Field, Mode
from workflows.values import Media

EXTENSIONS = ("mp3", "wav", "flac", "ogg", "oga", "opus", "m4a", *VIDEO_EXTENSIONS)


def sound(mode: Mode, field: Field) -> None:
    """Draw the field."""
    upload.upload(mode, field, SOUND)


def _show(mode: Mode, field: Field, media: Media) -> None:
    st.audio(files.uploaded(media), alt=f"{field.title}: {media.source}")


def _facts(mode: Mode, media: Media) -> list[str]:
    return [words.seconds(media.seconds)]


SOUND = upload.Kind(EXTENSIONS, "music_off", _show, _facts)
