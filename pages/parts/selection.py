"""Which videos of the library are selected, over all its pages, and what can be done with them together."""

from __future__ import annotations

import time

import streamlit as st

from client.jobs import manager
from pages.parts import export, markup, owner, undo
from pages.parts.whole import whole

IDS, ON, TURN = "library.selected", "library.selecting", "library.selected.turn"
COMPARED = 2


def active() -> bool:
    """Whether videos are being selected."""
    return bool(st.session_state.get(ON))


def ids() -> list[str]:
    """The selected videos in the order in which they were selected."""
    return list(st.session_state.get(IDS, ()))


@whole()
def begin(*chosen: str) -> None:
    """Begin to select, with these to begin with."""
    st.session_state[ON] = True
    _set(list(chosen))


def end() -> None:
    """Stop selecting."""
    st.session_state[ON] = False
    _set([])


def _set(chosen: list[str]) -> None:
    """Select exactly these. The boxes get new keys: what the browser still sends for the old ones is not heard."""
    st.session_state[IDS] = chosen
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1


def box(job_id: str, label: str) -> None:
    """A box that selects a video."""
    key = f"select-{job_id}-{st.session_state.get(TURN, 0)}"
    st.checkbox(label, value=job_id in ids(), key=key, on_change=_toggle, args=(job_id, key))


def _toggle(job_id: str, key: str) -> None:
    kept = [other for other in ids() if other != job_id]
    st.session_state[IDS] = [*kept, job_id] if st.session_state.get(key) else kept


def bar(visitor: str, page: list[str]) -> None:
    """What can be done with those that are selected; `page` are the ids of what is shown."""
    chosen = ids()
    none = not chosen
    with st.container(key="selected", horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.html(markup.line([f"{len(chosen)} selected"]), width="content")
        st.button("Select page", key="select-page", type="tertiary", on_click=_set, args=(_with(chosen, page),))
        if st.button(
            "Compare",
            key="compare-selected",
            icon=":material/compare:",
            disabled=len(chosen) != COMPARED,
            help="Two videos side by side.",
        ):
            st.switch_page("pages/Library.py", query_params=owner.link(compare=",".join(chosen)))
        st.button(
            "Favourite",
            key="favourite-selected",
            icon=":material/star:",
            disabled=none,
            on_click=_favourite,
            args=(visitor,),
        )
        st.button(
            "Export",
            key="export-selected",
            icon=":material/folder_zip:",
            disabled=none,
            on_click=_export,
            args=(visitor,),
        )
        st.button(
            "Delete", key="delete-selected", icon=":material/delete:", disabled=none, on_click=_delete, args=(visitor,)
        )
        st.button("Done", key="select-end", type="tertiary", on_click=end)


def _with(chosen: list[str], page: list[str]) -> list[str]:
    return [*chosen, *(job_id for job_id in page if job_id not in chosen)]


def _favourite(visitor: str) -> None:
    manager().shelf.set_favourite(visitor, ids(), True)
    end()


def _export(visitor: str) -> None:
    export.begin(visitor, ids())
    end()


def _delete(visitor: str) -> None:
    chosen = ids()
    manager().shelf.discard(visitor, chosen, time.time())
    undo.offer(chosen)
    end()
