"""The library page: what was made, newest first, and one video with everything about it."""

from __future__ import annotations

import math

import streamlit as st

from client.jobs import manager
from pages.parts import markup, owner
from pages.parts.detail import detail
from pages.parts.frame import frame
from pages.parts.gallery import gallery
from workflows import manifest

PER_PAGE = 12
ALL = "all"


def library() -> None:
    """Draw the page: a video's own when the address names one, else the posters."""
    visitor = frame("Library", "Everything you made, newest first.")
    job_id = st.query_params.get("job")
    # A link that stays on its page does not change the address by itself.
    st.query_params.from_dict(owner.link(job=job_id) if job_id else owner.link())
    if job_id:
        detail(job_id, visitor)
    else:
        _overview(visitor)


def _overview(visitor: str) -> None:
    total = manager().library_count(visitor)
    if not total:
        st.html(markup.empty("grid_view", "Nothing made yet", "Make a video and it is kept here."))
        return
    mode = _filter()
    count = manager().library_count(visitor, mode)
    pages = max(1, math.ceil(count / PER_PAGE))
    # Each filter has a page of its own: a page number that code sets would race with what the browser still sends.
    key = f"library.page.{mode or ALL}"
    page = min(st.session_state.get(key, 1), pages)
    if not count:
        st.html(markup.empty("filter_alt", "Nothing in this mode yet", f"There are {total} in all."))
        return
    gallery(manager().library(visitor, limit=PER_PAGE, offset=PER_PAGE * (page - 1), mode=mode))
    if pages > 1:
        with st.container(horizontal=True, horizontal_alignment="center"):
            st.pagination(pages, key=key, persist_state="session")


def _filter() -> str | None:
    titles = {ALL: "All"} | {mode.name: mode.title for mode in manifest.modes()}
    st.session_state.setdefault("library.mode", ALL)
    chosen = st.pills(
        "Mode",
        list(titles),
        format_func=titles.__getitem__,
        required=True,
        key="library.mode",
        label_visibility="collapsed",
        persist_state="session",
    )
    return None if chosen in (None, ALL) else chosen
