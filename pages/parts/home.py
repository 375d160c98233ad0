"""The home page: what is ready, what runs, what was made last."""

from __future__ import annotations

import streamlit as st

from client.jobs import manager
from client.preflight import ModeCheck
from client.states import Failed
from pages.parts import job_card, markup, owner
from pages.parts.frame import engine_notice, frame, page_of
from pages.parts.gallery import gallery
from workflows import manifest

LATEST = 8
MOST_FAILED = 4
ENTRY_WIDTH = 280


def home() -> None:
    """Draw the page."""
    visitor = frame("Make a video", "Short videos with sound, made on your own engine.")
    engine_notice()
    if manager().engine().draft:
        st.html(
            markup.notice(
                "quiet",
                "This is the draft engine.",
                "It shows framing, timing and movement in seconds, on any computer. Its videos are sketches.",
                "draw",
            )
        )
    _entries()
    _running(visitor)
    _unfinished(visitor)
    _latest(visitor)


def _entries() -> None:
    modes, found = manifest.modes(), manager().engine().preflight
    with st.grid(min(3, len(modes)), min_column_width=ENTRY_WIDTH, gap="small", key="entries") as grid:
        for mode in modes:
            with grid.cell(), st.container(border=True, key=f"entry-{mode.name}", gap="xsmall"):
                st.html(markup.entry(mode.icon, mode.tag, _state(found and found.mode(mode.name))))
                st.page_link(page_of(mode), label=mode.title, query_params=owner.link())
                st.caption(mode.summary)


def _state(found: ModeCheck | None) -> str:
    """Whether the engine can run a mode; "" where that is unknown, and for the draft engine, which always can."""
    if found is None:
        return ""
    if found.ready:
        return "Ready"
    if found.usable:
        return f"Ready: {', '.join(preset.name for preset in found.presets if preset.gap.empty)}"
    files = len(found.gap.files)
    if found.needs:
        return f"Needs ComfyUI {found.needs}"
    return f"{files} file{'' if files == 1 else 's'} missing" if files and not found.gap.nodes else "Nodes missing"


def _running(visitor: str) -> None:
    active = manager().active(visitor)
    if active:
        with st.container(key="section-running"):
            st.html(markup.section("Running", len(active)))
        job_card.watch(active, job_card.each(job_card.row))


def _unfinished(visitor: str) -> None:
    failed = [job for job in manager().jobs(visitor) if isinstance(job.state, Failed)]
    if failed:
        with st.container(key="section-unfinished"):
            st.html(markup.section("Did not finish", len(failed)))
        job_card.watch(failed[:MOST_FAILED], job_card.each(job_card.row))


def _latest(visitor: str) -> None:
    made = manager().library(visitor, limit=LATEST)
    with st.container(
        key="section-latest", horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.html(markup.section("Made last"), width="content")
        if made:
            st.page_link("pages/Library.py", label="All in the Library", query_params=owner.link())
    if made:
        gallery(made)
    else:
        st.html(markup.empty("grid_view", "Nothing made yet", "What you make is kept here and in the Library."))
