"""What a visitor hears of jobs while looking elsewhere: the window's title, and the browser's notifications.

Both are the browser's doing; what is said here is the script that asks for it. Whether to notify is kept in the
browser, for all pages of the studio, and nothing is asked for before somebody turns it on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from client.jobs import Job, manager
from client.states import Cancelled, Failed, Running, Succeeded
from pages.parts import words
from pages.parts.whole import whole
from workflows import manifest

OPEN = "alerts.open"
ENDED = "alerts.ended"
"""Told again and again, as the next run of the page may take the place of the one that told it first, and sets the
window's title, too. The browser knows what it has said already."""
MOST_ENDED = 8
SCRIPT = Path(__file__).with_name("alerts.js").read_text(encoding="utf-8")
PROMPT_LENGTH = 120
BELL = """<div class="s-bell" hidden>
<button type="button" role="switch" aria-checked="false"><span></span>Notify me when a video is ready</button>
<p hidden>The browser blocks notifications from this address. Allow them in its settings for this site.</p>
</div>"""


def listen(visitor: str, page: str) -> None:
    """Say how far the visitor's jobs are and which have ended since this was last asked; `page` is the usual title."""
    # A draft is ready before anybody has looked away.
    active = [job for job in manager().active(visitor) if not job.draft]
    before: tuple[str, ...] = st.session_state.get(OPEN, ())
    now = tuple(job.id for job in active)
    gone = [job for job in (manager().get(job_id) for job_id in before if job_id not in now) if job is not None]
    told: tuple[dict[str, str], ...] = st.session_state.get(ENDED, ())
    told = (*told, *(entry for job in gone for entry in ended(job)))[-MOST_ENDED:]
    with whole():
        st.session_state[OPEN], st.session_state[ENDED] = now, told
    if active or before or told:
        with st.container(key="alerts"):
            _run({"title": title(active) or page, "page": page, "ended": told, "again": time.monotonic()})


def title(active: Sequence[Job]) -> str:
    """The window's title while jobs are open: "● 42 % · Text to Video"; empty while there are none."""
    running = [job for job in active if isinstance(job.state, Running)]
    if not active:
        return ""
    job = (running or active)[0]
    more = f" +{len(active) - 1}" if len(active) > 1 else ""
    far = f"{int(100 * job.state.fraction)} %" if isinstance(job.state, Running) else "Waiting"
    return f"● {far}{more} · {manifest.mode(job.mode).title}"


def ended(job: Job) -> list[dict[str, str]]:
    """What is said of a job that has ended; nothing of one that somebody has cancelled."""
    if isinstance(job.state, Cancelled):
        return []
    mode = manifest.mode(job.mode).title
    prompt = words.clip(str(job.values.get("prompt") or ""), PROMPT_LENGTH)
    if isinstance(job.state, Succeeded):
        return [{"id": job.id, "title": f"Done · {mode}", "body": prompt}]
    message = job.state.message if isinstance(job.state, Failed) else prompt
    return [{"id": job.id, "title": f"Failed · {mode}", "body": message}]


def bell() -> None:
    """The switch that turns the browser's notifications on and off."""
    with st.container(key="bell"):
        st.html(BELL)
        _run({"bell": True})


def _run(said: dict[str, Any]) -> None:
    # No text of a job may end the script that it stands in.
    told = json.dumps(said).replace("<", "\\u003c")
    st.html(f"<script>{SCRIPT}({told});</script>", unsafe_allow_javascript=True)
