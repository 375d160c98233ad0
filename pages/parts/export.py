"""An export as people see it: how far it is, then where it can be had."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from client.exporting import Export
from client.jobs import manager
from client.store import Row
from pages.parts import files, markup, words
from pages.parts.clock import zone

POLL_SECONDS = 0.5


def begin(visitor: str, ids: Sequence[str]) -> None:
    """Pack these videos."""
    if ids:
        manager().exports.start(visitor, ids, _named)


def _named(row: Row, extension: str) -> str:
    return files.named(row.mode, row.request, row.id, extension)


def bar(visitor: str) -> None:
    """Draw the visitor's export, if there is one, again and again until it has ended."""
    if manager().exports.get(visitor) is None:
        return
    ended = _ended(visitor)

    def body() -> None:
        found = manager().exports.get(visitor)
        if found is not None:
            _draw(visitor, found)
        if not ended and _ended(visitor):
            st.rerun()

    st.fragment(body, run_every=None if ended else POLL_SECONDS)()


def _ended(visitor: str) -> bool:
    found = manager().exports.get(visitor)
    return found is None or found.ended


def _draw(visitor: str, found: Export) -> None:
    if found.error is not None:
        st.html(markup.notice("error", found.error.message, found.error.hint, "error"))
    with st.container(key="export", horizontal=True, gap="small", vertical_alignment="center"):
        if found.name:
            st.html(markup.line([_packed(found), words.megabytes(found.size)]), width="content")
            _download(found)
        elif found.error is None:
            st.html(markup.line([f"Packing {min(found.done + 1, found.of)} of {found.of}"]), width="content")
            st.progress(found.done / found.of, width=160)
        st.button(
            "Close" if found.ended else "Cancel",
            key="export-close",
            icon=":material/close:",
            type="tertiary",
            on_click=manager().exports.drop,
            args=(visitor,),
        )


def _packed(found: Export) -> str:
    packed = f"{words.videos(found.of - found.lost)} packed"
    return f"{packed}, {found.lost} without their file left out" if found.lost else packed


def _download(found: Export) -> None:
    count = found.of - found.lost
    name = f"ltx-studio-{count}-{'video' if count == 1 else 'videos'}-{datetime.now(zone()):%Y-%m-%d}.zip"
    address = files.exported(found.name)
    if address:
        st.html(markup.download(address, name, "Download ZIP"), width="content")
        return
    st.download_button(
        "Download ZIP",
        files.export_opener(found.name),
        file_name=name,
        mime="application/zip",
        key="export-download",
        icon=":material/download:",
        type="primary",
        on_click="ignore",
    )
