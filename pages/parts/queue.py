"""The queue page: what runs and what waits, one's own with their prompts, everybody else's as a number."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from client.jobs import Job, manager
from client.order import Move, Traffic
from client.states import Queued, Running, is_final
from pages.parts import job_card, live, markup, owner, words
from pages.parts.frame import engine_notice, frame
from workflows import manifest

LOOK_SECONDS = 1.0
MOVES: tuple[tuple[Move, str, str], ...] = (
    ("first", "Move to the front", "vertical_align_top"),
    ("up", "Move up", "arrow_upward"),
    ("down", "Move down", "arrow_downward"),
)


def queue() -> None:
    """Draw the page."""
    visitor = frame("Queue", "What runs now, and what comes next.")
    engine_notice()
    live.follow(lambda: _body(visitor), visitor, LOOK_SECONDS, LOOK_SECONDS)


def _body(visitor: str) -> None:
    traffic, jobs = manager().traffic(visitor), manager().active(visitor)
    st.html(markup.line(_others(traffic)))
    if not jobs:
        st.html(markup.empty("queue_play_next", "Nothing of yours waits", "What you generate lines up here."))
        with st.container(key="to-library", horizontal=True, horizontal_alignment="center"):
            st.page_link("Home.py", label="Make a video", icon=":material/add:", query_params=owner.link())
            st.page_link("pages/Library.py", label="Library", icon=":material/grid_view:", query_params=owner.link())
        return
    sent, held = [job for job in jobs if not job.held], [job for job in jobs if job.held]
    if sent:
        with st.container(key="section-engine"):
            st.html(markup.section("On the engine", len(sent)))
        job_card.each(job_card.row)(sent)
    if held:
        with st.container(key="section-held"):
            st.html(markup.section("Waiting here", len(held)))
            st.caption("One job at a time goes to the engine. The others can be moved until their turn comes.")
        for place, job in enumerate(held):
            _waiting(job, place, held)


def _others(traffic: Traffic) -> list[str]:
    """What other people have in the queue, as numbers."""
    if not traffic.others_running and not traffic.others_waiting:
        return ["Nobody else has anything in the queue."]
    running = [f"{traffic.others_running} running"] if traffic.others_running else []
    waiting = [f"{traffic.others_waiting} waiting"] if traffic.others_waiting else []
    return ["Of other people", *running, *waiting]


def _waiting(job: Job, place: int, line: Sequence[Job]) -> None:
    with st.container(border=True, key=f"held-{job.id}", gap="xsmall"):
        st.html(markup.task(manifest.mode(job.mode).tag, job_card.prompt(job)))
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.html(markup.line([_ahead(job), *job_card.facts(job)[:2]]), width="content")
            with st.container(horizontal=True, gap="xsmall", key=f"moves-{job.id}", width="content"):
                for move, label, icon in MOVES:
                    st.button(
                        label,
                        key=f"{move}-{job.id}",
                        icon=f":material/{icon}:",
                        help=label,
                        disabled=place == (len(line) - 1 if move == "down" else 0),
                        on_click=manager().move,
                        args=(job.id, move),
                    )
                job_card.cancel_button(job)


def _ahead(job: Job) -> str:
    if is_final(job.state) or isinstance(job.state, Running):
        return ""
    ahead = job.state.position if isinstance(job.state, Queued) else None
    return "next" if not ahead else f"{words.number(ahead)} ahead"
