"""The field for a picture: chosen, examined at once, shown with what will be cropped."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path

import streamlit as st
from PIL import Image, ImageDraw, ImageOps

from client import settings
from client.jobs import manager
from client.media import admit
from pages.parts import markup, sizes, values, words
from workflows.errors import StudioError
from workflows.manifest import Field, Mode
from workflows.values import Media

TYPES = ["png", "jpg", "jpeg", "webp"]
PREVIEW_SIDE = 800
SHADE = 0.28
OUTLINE = (224, 164, 88)

Box = tuple[int, int, int, int]


def picture(mode: Mode, field: Field) -> None:
    """Draw the field: a place to drop a picture, or the picture that was chosen."""
    media = values.get(mode, field.name)
    if isinstance(media, Media) and Path(media.path).is_file():
        _chosen(mode, field, media)
        return
    values.put(mode, field.name, None)
    turn = values.get(mode, f"{field.name}.turn") or 0
    widget = values.key(mode, f"{field.name}.upload.{turn}")
    st.file_uploader(
        field.title,
        type=TYPES,
        key=widget,
        help=field.help,
        max_upload_size=settings.read().max_upload_mb,
        on_change=_admit,
        args=(mode, field, widget),
    )
    refusal = values.get(mode, f"{field.name}.refusal")
    if refusal:
        st.html(markup.notice("error", refusal[0], refusal[1], "broken_image"))


def _admit(mode: Mode, field: Field, widget: str) -> None:
    """Examine what was chosen and let go of the upload, which would otherwise stay in memory."""
    upload = st.session_state.get(widget)
    if upload is None:
        return
    values.put(mode, f"{field.name}.refusal", None)
    try:
        limit = settings.read().max_upload_mb
        media = admit("image", upload.getvalue(), upload.name, manager().uploads, field.title, limit)
    except StudioError as error:
        values.put(mode, f"{field.name}.refusal", (error.message, error.hint))
    else:
        values.put(mode, field.name, media)
    values.put(mode, f"{field.name}.turn", (values.get(mode, f"{field.name}.turn") or 0) + 1)


def _chosen(mode: Mode, field: Field, media: Media) -> None:
    width, height = sizes.shown(values.get(mode, "width")), sizes.shown(values.get(mode, "height"))
    with st.container(key="picture", gap="xsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"{field.title}", width="content")
            st.button(
                "Replace",
                key=values.key(mode, f"{field.name}.replace"),
                icon=":material/swap_horiz:",
                type="tertiary",
                on_click=values.put,
                args=(mode, field.name, None),
            )
        st.image(_preview(media.path, width, height), width="stretch", alt=f"{field.title}: {media.source}")
        st.html(
            markup.line(
                [
                    words.clip(media.source, 32),
                    words.size(media.width, media.height),
                    words.megabytes(media.size),
                    crop_words(media.width, media.height, width, height),
                ]
            )
        )


def crop_box(width: int, height: int, to_width: int, to_height: int) -> Box:
    """The part of a picture that fills the video: scaled to cover it, cut at the center; left, top, right, bottom."""
    scale = max(to_width / width, to_height / height)
    kept_width, kept_height = min(width, round(to_width / scale)), min(height, round(to_height / scale))
    left, top = (width - kept_width) // 2, (height - kept_height) // 2
    return left, top, left + kept_width, top + kept_height


def crop_words(width: int, height: int, to_width: int, to_height: int) -> str:
    """What of a picture will not be in the video, in words."""
    left, top, right, bottom = crop_box(width, height, to_width, to_height)
    across, down = 1 - (right - left) / width, 1 - (bottom - top) / height
    if max(across, down) < 0.005:
        return "used whole"
    side, share = ("left and right", across) if across > down else ("top and bottom", down)
    return f"{round(100 * share) or 1} % cropped at {side}"


@lru_cache(maxsize=32)
def _preview(path: str, to_width: int, to_height: int) -> bytes:
    """A small JPEG of a picture in which what will be cropped is dimmed."""
    with Image.open(path) as opened:
        opened.draft("RGB", (PREVIEW_SIDE, PREVIEW_SIDE))
        image = ImageOps.exif_transpose(opened).convert("RGB")
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    box = crop_box(*image.size, to_width, to_height)
    shaded = image.point([round(value * SHADE) for value in range(256)] * 3)
    shaded.paste(image.crop(box), box)
    if box != (0, 0, *image.size):
        ImageDraw.Draw(shaded).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), outline=OUTLINE, width=2)
    data = io.BytesIO()
    shaded.save(data, "JPEG", quality=85)
    return data.getvalue()
