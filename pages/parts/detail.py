"""One video of the library: the picture, how it was made, and what can be done with it."""

from __future__ import annotations

import time

import streamlit as st

from client.jobs import Job, manager
from client.states import Succeeded, is_final
from pages.parts import facts, files, job_card, markup, owner, reuse, selection, undo
from pages.parts.frame import page_of
from pages.parts.gallery import gallery
from pages.parts.variations import members
from pages.parts.whole import whole
from workflows.errors import StudioError
from workflows.manifest import Mode

REFUSAL = "library.detail.refusal"


def detail(job_id: str, visitor: str) -> None:
    """Draw the page of a job, if it is this visitor's."""
    with st.container(key="back"):
        st.page_link("pages/Library.py", label="All videos", icon=":material/arrow_back:", query_params=owner.link())
    job = manager().get(job_id)
    if job is None or job.owner != visitor:
        st.html(markup.empty("search_off", "This video is not in your library", "It may have been deleted."))
        return
    if job.deleted_at is not None:
        st.html(markup.empty("delete", "You have deleted this video", "It can still be had back."))
        restore, ids = manager().shelf.restore, [job.id]
        st.button("Restore", key="restore", icon=":material/undo:", on_click=restore, args=(visitor, ids))
        return
    left, right = st.columns([7, 5], gap="medium")
    with left:
        _picture(job)
    with right:
        _about(job)
    _siblings(job)


def _siblings(job: Job) -> None:
    """The other videos that were made together with this one."""
    made = [other for other in members(job) if other.id != job.id and isinstance(other.state, Succeeded)]
    if made:
        with st.container(key="section-siblings"):
            st.html(markup.section("Made together", len(made)))
        gallery(made)


def _picture(job: Job) -> None:
    if isinstance(job.state, Succeeded):
        job_card.video(job)
        with st.container(horizontal=True, key="actions", gap="xsmall"):
            _file_actions(job)
    else:
        job_card.watch([job], job_card.each(job_card.card))


def _about(job: Job) -> None:
    mode = facts.mode_of(job)
    with st.container(key="about", gap="small"):
        st.html(markup.tile(mode.tag, [mode.title, mode.preset(job.preset).title], job.sketch))
        st.html(markup.quote(str(job.values.get("prompt", ""))))
        if job.enhanced:
            st.html(markup.enhanced(job.enhanced))
        if is_final(job.state):
            _next_actions(job, mode)
        refusal = st.session_state.pop(REFUSAL, None)
        if refusal:
            st.html(markup.notice("error", refusal[0], refusal[1], "error"))
        st.html(markup.facts(facts.settings(job, mode)))
        with st.container(key="section-outcome"):
            st.html(markup.section("How it went"))
        st.html(markup.facts(facts.outcome(job), code="Job"))


def _file_actions(job: Job) -> None:
    """What concerns this video itself."""
    job_card.download(job, "primary")
    st.button(
        "Favourite",
        key="favourite",
        icon=":material/star:",
        type="secondary" if job.favourite else "tertiary",
        help="No favourite any more." if job.favourite else "Retention leaves favourites alone.",
        on_click=manager().shelf.set_favourite,
        args=(job.owner, [job.id], not job.favourite),
    )
    if st.button(
        "Compare", key="compare", icon=":material/compare:", type="tertiary", help="Then choose the other one."
    ):
        selection.begin(job.id)
        st.switch_page("pages/Library.py", query_params=owner.link())
    _graph(job)
    if st.button("Delete", key="delete", icon=":material/delete:", type="tertiary"):
        with whole():
            manager().shelf.discard(job.owner, [job.id], time.time())
            undo.offer([job.id])
        st.switch_page("pages/Library.py", query_params=owner.link())


def _graph(job: Job) -> None:
    st.download_button(
        "Graph",
        files.graph_writer(job.id),
        file_name=files.download_name(job, "json"),
        mime="application/json",
        key="graph",
        icon=":material/account_tree:",
        help="The workflow in ComfyUI's API format, as it was sent.",
        type="tertiary",
        on_click="ignore",
    )


def _next_actions(job: Job, mode: Mode) -> None:
    """What comes next from it."""
    with st.container(horizontal=True, key="next", gap="xsmall"):
        if st.button("Reuse settings", key="again", icon=":material/tune:", help="Fills the form with all of them."):
            reuse.fill(mode, job.preset, job.values)
            st.switch_page(page_of(mode), query_params=owner.link())
        st.button(
            "Vary seed",
            key="vary",
            icon=":material/casino:",
            help="Sends the same request with another seed, at once.",
            on_click=_vary,
            args=(job,),
        )
        if isinstance(job.state, Succeeded) and st.button(
            "Use last frame",
            key="last-frame",
            icon=":material/last_page:",
            help="Opens Image to Video with the last frame as the first one.",
        ):
            _go_on(job)
        if not isinstance(job.state, Succeeded):
            _graph(job)


def _vary(job: Job) -> None:
    try:
        made = reuse.vary(job)
    except StudioError as error:
        st.session_state[REFUSAL] = (error.message, error.hint)
    else:
        st.query_params["job"] = made.id


def _go_on(job: Job) -> None:
    try:
        mode = reuse.go_on(job)
    except StudioError as error:
        st.session_state[REFUSAL] = (error.message, error.hint)
        st.rerun()
    st.switch_page(page_of(mode), query_params=owner.link())
