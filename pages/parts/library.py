"""The library page: what was made, newest first, one video with everything about it, two compared, or the storage."""

from __future__ import annotations

import math

import streamlit as st

from client.jobs import manager
from client.shelf import Wanted
from pages.parts import export, library_filter, markup, owner, selection, undo, words
from pages.parts.compare import compare
from pages.parts.detail import detail
from pages.parts.drop import drop
from pages.parts.frame import frame
from pages.parts.gallery import gallery
from pages.parts.storage import storage

PER_PAGE = 12
STORAGE = "storage"
VIEWS = ("job", "compare", "view")


def library() -> None:
    """Draw the page: what the address names, else the posters."""
    visitor = frame("Library", "Everything you made, newest first.")
    asked = {name: st.query_params[name] for name in VIEWS if name in st.query_params}
    # A link that stays on its page does not change the address by itself.
    st.query_params.from_dict(owner.link(**asked))
    if "job" in asked:
        detail(asked["job"], visitor)
    elif "compare" in asked:
        compare(asked["compare"], visitor)
    elif asked.get("view") == STORAGE:
        storage(visitor)
    else:
        _overview(visitor)


def _overview(visitor: str) -> None:
    if not manager().shelf.is_empty(visitor):
        _found(visitor, library_filter.library_filter())
    else:
        st.html(markup.empty("grid_view", "Nothing made yet", "Make a video and it is kept here."))
        _storage_button()
    drop(visitor)
    undo.bar(visitor)


def _found(visitor: str, wanted: Wanted) -> None:
    count = manager().shelf.count(visitor, wanted)
    pages = max(1, math.ceil(count / PER_PAGE))
    # Each filter has a page of its own: a page number that code sets would race with what the browser still sends.
    key = f"library.page.{library_filter.signature(wanted)}"
    page = min(st.session_state.get(key, 1), pages)
    _actions(visitor, wanted, count)
    export.bar(visitor)
    if not count:
        st.html(markup.empty("filter_alt", "Nothing matches", "Look for something else, or show everything."))
        st.button(
            "Show everything", key="clear-filters", icon=":material/filter_alt_off:", on_click=library_filter.clear
        )
        return
    jobs = manager().library(visitor, PER_PAGE, PER_PAGE * (page - 1), wanted)
    gallery(jobs, "select" if selection.active() else "keep")
    if pages > 1:
        with st.container(horizontal=True, horizontal_alignment="center"):
            st.pagination(pages, key=key, persist_state="session")
    if selection.active():
        selection.bar(visitor, [job.id for job in jobs])


def _actions(visitor: str, wanted: Wanted, count: int) -> None:
    """How many there are, and what can be done with all of them."""
    with st.container(key="found", horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.html(markup.line([words.videos(count)]), width="content")
        with st.container(key="tools", horizontal=True, width="content", gap="xsmall"):
            st.button(
                "Select",
                key="select",
                icon=":material/check_box:",
                type="tertiary",
                disabled=selection.active() or not count,
                on_click=selection.begin,
            )
            st.button(
                "Export all",
                key="export-all",
                icon=":material/folder_zip:",
                type="tertiary",
                help=f"Packs {words.videos(count)} with settings and graphs into a ZIP file.",
                disabled=not count,
                on_click=_export,
                args=(visitor, wanted),
            )
            _storage_button()


def _storage_button() -> None:
    if st.button("Storage", key="storage", icon=":material/hard_drive:", type="tertiary"):
        st.switch_page("pages/Library.py", query_params=owner.link(view=STORAGE))


def _export(visitor: str, wanted: Wanted) -> None:
    export.begin(visitor, manager().shelf.ids(visitor, wanted))
