"""The field for a picture: shown with what will be cropped."""

from __future__ import annotations

from functools import lru_cache

import streamlit as st
from PIL import Image, ImageOps

from pages.parts import crop, upload, values, words
from workflows.manifest import Field, Mode
from workflows.values import Media

EXTENSIONS = ("png", "jpg", "jpeg", "webp")


def picture(mode: Mode, field: Field) -> None:
    """Draw the field."""
    upload.upload(mode, field, PICTURE)


def _show(mode: Mode, field: Field, media: Media) -> None:
    with st.container(key=f"picture-{field.name}"):
        st.image(_outlined(media.path, *values.size(mode)), width="stretch", alt=f"{field.title}: {media.source}")


def _facts(mode: Mode, media: Media) -> list[str]:
    size = values.size(mode)
    return [words.size(media.width, media.height), crop.words(media.width, media.height, *size)]


@lru_cache(maxsize=32)
def _outlined(path: str, to_width: int, to_height: int) -> bytes:
    with Image.open(path) as opened:
        opened.draft("RGB", (crop.SIDE, crop.SIDE))
        image = ImageOps.exif_transpose(opened).convert("RGB")
    return crop.outlined(image, to_width, to_height)


PICTURE = upload.Kind(EXTENSIONS, "broken_image", _show, _facts, has_role=True)
