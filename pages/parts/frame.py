"""The frame around every page: page settings, style, sidebar, and the header line with the engine."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from client import settings
from client.engine import Engine
from client.jobs import manager
from client.preflight import ModeCheck
from pages.parts import alerts, live, markup, navigation, owner, words
from pages.parts.navigation import ROOT, page_of
from workflows.manifest import Mode

__all__ = ["ROOT", "engine_notice", "external", "frame", "page_of"]

STYLE = Path(__file__).with_name("style.css")
NAME = "LTX-2.3 Studio"
SIDEBAR_WIDTH = 236
WATCH_SECONDS = 3.0


def frame(title: str, summary: str = "", tag: str = "") -> str:
    """Draw what all pages share, before anything else; returns the visitor's id."""
    st.set_page_config(
        page_title=f"{title} · {NAME}",
        page_icon=str(ROOT / "assets" / "favicon.png"),
        layout="wide",
        initial_sidebar_state=SIDEBAR_WIDTH,
    )
    st.html(STYLE)
    visitor = owner.current()
    navigation.sidebar()
    with st.container(key="header", horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.html(markup.heading(title, tag, summary), width="content")
        _status(visitor, f"{title} · {NAME}")
    return visitor


def _status(visitor: str, page: str) -> None:
    """The engine, the queue and what is said of jobs elsewhere, looked at again and again; the whole page is drawn anew
    when the engine comes or goes, or can make more or less than before.
    """
    seen, is_external = manager().engine(), external()

    def line() -> None:
        now = manager().engine()
        with st.container(key="status", horizontal=True, vertical_alignment="center", width="content"):
            st.html(markup.engine(now, is_external), width="content")
            st.page_link(
                "pages/Queue.py",
                label=words.queue(manager().traffic(visitor)),
                icon=":material/queue_play_next:",
                query_params=owner.link(),
                width="content",
            )
        alerts.listen(visitor, page)
        if (now.status, now.preflight, now.refusal) != (seen.status, seen.preflight, seen.refusal):
            st.rerun()

    live.follow(line, visitor, WATCH_SECONDS, live.OTHERS_SECONDS)


def external() -> bool:
    """Whether the engine is a server that somebody else runs."""
    return settings.read().comfyui_url is not None


def engine_notice(mode: Mode | None = None) -> None:
    """Say so, and what to do, where no engine answers, or where it lacks what the mode needs.

    It has its place on the page without a notice, too: what moves is shown twice until the page is drawn to its end.
    """
    place, engine = st.empty(), manager().engine()
    if engine.status != "alive":
        place.html(markup.notice("warn", *_absence(engine), "power_off"))
    elif mode and engine.preflight and not engine.preflight.mode(mode.name).ready:
        place.html(markup.notice("warn", *_lack(engine.preflight.mode(mode.name)), "extension_off"))


def _lack(found: ModeCheck) -> tuple[str, str]:
    title = "Not every preset can run on this engine." if found.usable else "This engine can't run this mode yet."
    pull = f"`python3 -m bootstrap models pull --mode {found.name}` fetches what is missing."
    rest = "`python -m client preflight` lists everything."
    return title, f"{found.sentence()} {rest if external() or found.needs or not found.gap.files else pull}"


def _absence(engine: Engine) -> tuple[str, str]:
    where = f"`{engine.url}`"
    if engine.refusal:
        return "The ComfyUI server does not let the studio in.", f"{engine.refusal} What you made before stays here."
    if external():
        return (
            "The ComfyUI server does not answer.",
            f"Check that it runs at {where} and that this machine can reach it. What you made before stays here.",
        )
    title = "The engine is not ready yet." if engine.status == "starting" else "The engine does not answer."
    return (
        title,
        f"Nothing answers at {where}. If it is not just starting, run `python3 -m bootstrap up`, "
        "or name a ComfyUI server in `STUDIO_COMFYUI_URL`. This page notices by itself.",
    )
