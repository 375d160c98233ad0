"""The page of a mode: its form on the left, its newest job on the right."""

from __future__ import annotations

import streamlit as st

from client.jobs import manager
from client.states import is_final
from pages.parts import job_card, markup, values
from pages.parts.form import form
from pages.parts.frame import engine_notice, frame
from workflows import manifest
from workflows.manifest import Mode

SHOW_RESULT = """<script>
(() => {
  const result = document.querySelector(".st-key-result");
  const top = result ? result.getBoundingClientRect().top : 0;
  if (top > window.innerHeight * 0.8 || top < 0) result.scrollIntoView({ behavior: "smooth", block: "start" });
})();
</script>"""
"""On a phone the result stands below the form, out of sight of whoever has just pressed Generate."""


def mode_page(name: str) -> None:
    """Draw the page of the mode."""
    mode = manifest.mode(name)
    owner = frame(mode.title, mode.summary, mode.tag)
    engine_notice()
    left, right = st.columns([5, 7], gap="medium")
    with left:
        form(mode, owner)
    with right, st.container(key="result"):
        _result(mode, owner)


def _result(mode: Mode, owner: str) -> None:
    newest = manager().jobs(owner, limit=1, mode=mode.name)
    if not newest:
        st.html(markup.empty(mode.icon, "Your video appears here", "It keeps rendering when you leave this page."))
        return
    others = [job for job in reversed(manager().active(owner)) if job.mode == mode.name and job.id != newest[0].id]
    first = newest[0].id
    job_card.watch([*newest, *others], lambda job: job_card.card(job) if job.id == first else job_card.row(job))
    if values.get(mode, "sent") == first and not is_final(newest[0].state):
        values.put(mode, "sent", None)
        st.html(SHOW_RESULT, unsafe_allow_javascript=True)
