"""The way back after deleting: a bar that stays until it is used or closed."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from client.jobs import manager
from pages.parts import markup, words

KEY = "library.undo"


def offer(ids: Sequence[str]) -> None:
    """Offer to bring these back, which have just been deleted."""
    st.session_state[KEY] = list(ids)


def _close() -> None:
    st.session_state[KEY] = []


def _restore(visitor: str, ids: Sequence[str]) -> None:
    # A second click, or another tab, may have brought them back already.
    if not manager().shelf.restore(visitor, ids) and not any(manager().get(job_id) for job_id in ids):
        st.toast("Too late: what was deleted is gone for good.", icon=":material/error:")
    _close()


def bar(visitor: str) -> None:
    """Draw the bar where there is something to bring back."""
    ids = st.session_state.get(KEY) or []
    if not ids:
        return
    with st.container(key="undo", horizontal=True, gap="small", vertical_alignment="center"):
        st.html(markup.line([f"{words.videos(len(ids))} deleted"]), width="content")
        st.button("Undo", key="undo-delete", icon=":material/undo:", on_click=_restore, args=(visitor, ids))
        st.button("Close", key="undo-close", icon=":material/close:", type="tertiary", on_click=_close)
