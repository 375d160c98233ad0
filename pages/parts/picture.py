"""The field for a picture: shown with what will be cropped."""

from __future__ import annotations

from functools import lru_cache

import streamlit as st
from PIL import Image, ImageOps

from pages.parts import crop, markup, upload, values, words
from workflows.manifest import Field, Mode
from workflows.values import Media

EXTENSIONS = ("png", "jpg", "jpeg", "webp")


def picture(mode: Mode, field: Field) -> None:
    """Draw the field."""
    upload.upload(mode, field, PICTURE)


def _show(mode: Mode, field: Field, media: Media) -> None:
    kept = crop.box(media.width, media.height, *values.size(mode))
    about = f"{field.title}: {media.source}"
    with st.container(key=f"picture-{field.name}"):
        st.html(markup.cropped(_thumbnail(media.path), about, (media.width, media.height), kept))


def _facts(mode: Mode, media: Media) -> list[str]:
    size = values.size(mode)
    return [words.size(media.width, media.height), crop.words(media.width, media.height, *size)]


@lru_cache(maxsize=32)
def _thumbnail(path: str) -> bytes:
    with Image.open(path) as opened:
        opened.draft("RGB", (crop.SIDE, crop.SIDE))
        image = ImageOps.exif_transpose(opened).convert("RGB")
    return crop.thumbnail(image)


PICTURE = upload.Kind(EXTENSIONS, "broken_image", _show, _facts, has_role=True)
