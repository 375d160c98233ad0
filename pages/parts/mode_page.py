"""The page of a mode: its form on the left, its jobs on the right."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from client.jobs import Job, manager
from client.states import Cancelled, Failed
from pages.parts import alerts, examples, job_card, markup, values
from pages.parts.form import form
from pages.parts.frame import engine_notice, frame
from pages.parts.variations import cancel_all, members, variations
from workflows import manifest
from workflows.manifest import Mode

RECENT = 12
MOST_ROWS = 5
"""Jobs listed below the one that is shown in full."""
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
    engine_notice(mode)
    left, right = st.columns([5, 7], gap="medium")
    with left:
        form(mode, owner)
    with right, st.container(key="result"):
        _result(mode, owner)
        alerts.bell()


def _result(mode: Mode, owner: str) -> None:
    recent = manager().jobs(owner, limit=RECENT, mode=mode.name)
    waiting = [job for job in manager().active(owner) if job.mode == mode.name]
    first = _featured(recent, waiting)
    if first is None:
        st.html(markup.empty(mode.icon, "Your video appears here", "It keeps rendering when you leave this page."))
        examples.cards(mode)
        return
    together = members(first)
    featured = {job.id for job in together}
    unfinished = [job for job in recent if isinstance(job.state, Failed | Cancelled)]
    others = [job for job in (*waiting, *unfinished) if job.id not in featured]
    beyond = [job for job in waiting if job.id not in featured][MOST_ROWS:]

    def draw(jobs: Sequence[Job]) -> None:
        shown = [job for job in jobs if job.id in featured]
        if len(shown) > 1:
            variations(shown)
        else:
            job_card.each(job_card.card)(shown)
        job_card.each(job_card.row)([job for job in jobs if job.id not in featured])
        _more(len(beyond), [job for job in waiting if not job.cancelling])

    job_card.watch([*together, *others[:MOST_ROWS]], draw)
    if values.get(mode, "sent") in {job.id for job in waiting}:
        values.put(mode, "sent", None)
        st.html(SHOW_RESULT, unsafe_allow_javascript=True)


def _more(count: int, waiting: Sequence[Job]) -> None:
    """How many jobs wait beyond those that are shown, and a way to end all."""
    if len(waiting) > MOST_ROWS:
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.html(markup.line([f"and {count} more in the queue"] if count else []), width="content")
            st.button(
                f"Cancel all {len(waiting)}",
                key="cancel-waiting",
                icon=":material/close:",
                on_click=cancel_all,
                args=([job.id for job in waiting],),
            )


def _featured(recent: Sequence[Job], waiting: Sequence[Job]) -> Job | None:
    """The job shown in full: what runs or runs next, else the newest that somebody did not cancel, else the newest."""
    kept = [job for job in recent if not isinstance(job.state, Cancelled)]
    return next(iter([*waiting, *kept, *recent]), None)
