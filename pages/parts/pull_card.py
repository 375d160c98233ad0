"""A pull of model files as people see it: how far it is, what holds it up, how it ended."""

from __future__ import annotations

import time

import streamlit as st

from client.models.service import Fetching, Pull, service
from pages.parts import markup, words

FILE_STATES = {
    "done": "in place",
    "failed": "failed",
    "stopped": "stopped",
    "checking": "checking",
    "waiting": "waiting",
}


def card() -> None:
    """Draw the newest pull, if there was one."""
    pull = service().pulling()
    if pull is None:
        return
    with st.container(border=pull.under_way, key="pull", gap="small"):
        if pull.under_way:
            _under_way(pull)
        else:
            _ended(pull)
        for file in pull.files if pull.phase != "done" else ():
            st.html(markup.meter(file.file, file.done, file.bytes or 1, _file(file)))


def _under_way(pull: Pull) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        title = "Looking what is missing" if pull.phase == "planning" else "Fetching"
        share = f"{100 * pull.done / pull.bytes:.0f} %" if pull.bytes else ""
        st.html(markup.progress_head(title, f"{share}", ""), width="content")
        st.button("Cancel", key="pull-cancel", icon=":material/close:", on_click=service().cancel)
    st.progress(min(1.0, pull.done / pull.bytes) if pull.bytes else 0.0)
    rate = f"{pull.rate / 1e6:.0f} MB/s" if pull.rate else ""
    left = f"about {words.span(max(1, pull.left))} left" if pull.left is not None else ""
    amount = f"{words.gigabytes(pull.done)} of {words.gigabytes(pull.bytes)}" if pull.bytes else ""
    st.html(markup.line([amount, rate, left, f"{words.clock(time.time() - pull.begun)} elapsed"], "s-times"))


def _ended(pull: Pull) -> None:
    if pull.phase == "done":
        st.html(markup.notice("quiet", "Everything that was asked for is in its place.", "", "check_circle"))
        return
    if pull.phase == "failed" and pull.problem:
        st.html(markup.notice("error", pull.problem.message, pull.problem.hint, "error"))
    elif pull.phase == "interrupted":
        text = "What had come is kept."
        st.html(markup.notice("warn", "The studio ended while files were fetched.", text, "pause_circle"))
    else:
        st.html(markup.notice("quiet", "Cancelled.", "What had come is kept.", "cancel"))
    label = "Try again" if pull.phase == "failed" else "Go on"
    st.button(label, key="pull-again", icon=":material/play_arrow:", on_click=service().pull, args=(pull.choice,))


def _file(file: Fetching) -> str:
    amount = f"{words.gigabytes(file.done)} of {words.gigabytes(file.bytes)}" if file.bytes else ""
    return " · ".join(part for part in (FILE_STATES.get(file.state, ""), file.note, amount) if part)
