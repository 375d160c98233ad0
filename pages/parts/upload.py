"""A field for a file: a place to drop it, or what was chosen, with what was found in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from client import settings
from client.jobs import manager
from client.media import admit
from pages.parts import files, markup, values, words
from workflows.errors import StudioError
from workflows.manifest import Field, Mode
from workflows.values import Media

SOURCE_LENGTH = 32


@dataclass(frozen=True)
class Kind:
    """A kind of file: what it may be called, and how one that was chosen is shown.

    `facts` are short ones for the line below it, after the file's name and before its size. `has_role` says that the
    field's help tells what becomes of the file, not only what it may be, and stays in sight. `prepare` makes what is
    shown of a file of so many seconds, so that it is there when the page is drawn.
    """

    extensions: Sequence[str]
    symbol: str
    show: Callable[[Mode, Field, Media], None]
    facts: Callable[[Mode, Media], Sequence[str]]
    has_role: bool = False
    prepare: Callable[[Path, float], object] | None = None


def upload(mode: Mode, field: Field, kind: Kind) -> None:
    """Draw the field."""
    media = values.get(mode, field.name)
    with st.container(key=f"upload-{field.name}", gap="xsmall"):
        if isinstance(media, Media) and Path(media.path).is_file():
            _chosen(mode, field, media, kind)
        else:
            values.put(mode, field.name, None)
            _empty(mode, field, kind)


def _empty(mode: Mode, field: Field, kind: Kind) -> None:
    turn = values.get(mode, f"{field.name}.turn") or 0
    widget = values.key(mode, f"{field.name}.upload.{turn}")
    st.file_uploader(
        field.title,
        type=list(kind.extensions),
        key=widget,
        help=field.help,
        max_upload_size=settings.read().max_upload_mb,
        on_change=_admit,
        args=(mode, field, kind, widget),
    )
    st.caption(words.sentence(field.help))
    refusal = values.get(mode, f"{field.name}.refusal")
    if refusal:
        st.html(markup.notice("error", refusal[0], refusal[1], kind.symbol))


def _admit(mode: Mode, field: Field, kind: Kind, widget: str) -> None:
    """Examine what was chosen and let go of the upload, which would otherwise stay in memory."""
    chosen = files.chosen(widget)
    if chosen is None:
        return
    values.put(mode, f"{field.name}.refusal", None)
    try:
        limit = settings.read().max_upload_mb
        media = admit(field.type, chosen, chosen.name, manager().uploads, field.title, limit)
    except StudioError as error:
        values.put(mode, f"{field.name}.refusal", (error.message, error.hint))
    else:
        if kind.prepare:
            kind.prepare(Path(media.path), media.seconds)
        values.put(mode, field.name, media)
        if field.name == mode.aspect_of:
            values.shape_like(mode, media)
    files.let_go(chosen)
    values.put(mode, f"{field.name}.turn", (values.get(mode, f"{field.name}.turn") or 0) + 1)


def _chosen(mode: Mode, field: Field, media: Media, kind: Kind) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", wrap=False):
        st.markdown(field.title, help=field.help, width="content")
        st.button(
            "Replace",
            key=values.key(mode, f"{field.name}.replace"),
            icon=":material/swap_horiz:",
            type="tertiary",
            on_click=values.put,
            args=(mode, field.name, None),
        )
    kind.show(mode, field, media)
    source = words.clip(media.source, SOURCE_LENGTH)
    st.html(markup.line([source, *kind.facts(mode, media), words.megabytes(media.size)]))
    if kind.has_role:
        st.caption(words.sentence(field.help))
