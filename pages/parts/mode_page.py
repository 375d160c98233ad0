"""The page of a mode: its form on the left, its jobs on the right."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import streamlit as st

from client.jobs import Job, manager
from client.states import Cancelled, Failed
from pages.parts import alerts, draft_pair, examples, job_card, markup, values
from pages.parts.form import form
from pages.parts.frame import engine_notice, frame
from pages.parts.variations import cancel_all, members, variations
from workflows import manifest
from workflows.errors import StudioError
from workflows.manifest import Mode

RECENT = 12
MOST_ROWS = 5
"""Jobs listed below the one that is shown in full."""
FEW = 2
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
    first = _featured([job for job in recent if not job.draft], [job for job in waiting if not job.draft])
    draft = draft_pair.of(first, [job for job in recent if job.draft])
    if first is None and draft is None:
        st.html(markup.empty(mode.icon, "Your video appears here", "It keeps rendering when you leave this page."))
        examples.cards(mode)
        return
    together = [*([draft] if draft else []), *(members(first) if first else [])]
    featured = {job.id for job in together}
    unfinished = [job for job in recent if isinstance(job.state, Failed | Cancelled)]
    others = [job for job in (*waiting, *unfinished) if job.id not in featured]
    beyond = [job for job in waiting if job.id not in featured][MOST_ROWS:]

    def draw(jobs: Sequence[Job]) -> None:
        _featured_cards([job for job in jobs if job.id in featured])
        job_card.each(job_card.row)([job for job in jobs if job.id not in featured])
        _more(len(beyond), [job for job in waiting if not job.cancelling])
        _dismiss([job for job in unfinished if job.id not in featured])

    job_card.watch([*together, *others[:MOST_ROWS]], draw)
    if values.get(mode, "sent") in {job.id for job in waiting}:
        values.put(mode, "sent", None)
        st.html(SHOW_RESULT, unsafe_allow_javascript=True)


def _featured_cards(jobs: Sequence[Job]) -> None:
    """The jobs shown in full: a draft beside what it is a draft of, else the younger above; variations side by side."""
    drafts, real = [job for job in jobs if job.draft], [job for job in jobs if not job.draft]
    if len(drafts) == len(real) == 1 and draft_pair.fits_beside(drafts[0], real[0]):
        draft_pair.pair(drafts[0], real[0])
        return
    draw_drafts, draw_real = partial(job_card.each(job_card.card), drafts), partial(_real, real)
    is_draft_younger = bool(drafts) and all(job.created_at < drafts[0].created_at for job in real)
    for draw in (draw_drafts, draw_real) if is_draft_younger else (draw_real, draw_drafts):
        draw()


def _real(jobs: Sequence[Job]) -> None:
    if len(jobs) > 1:
        variations(jobs)
    else:
        job_card.each(job_card.card)(jobs)


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


def _dismiss(unfinished: Sequence[Job]) -> None:
    """A way to be rid of many jobs that did not finish."""
    if len(unfinished) > FEW:
        st.button(
            f"Dismiss all {len(unfinished)} that did not finish",
            key="dismiss-all",
            icon=":material/delete:",
            type="tertiary",
            on_click=_dismiss_all,
            args=([job.id for job in unfinished],),
        )


def _dismiss_all(ids: Sequence[str]) -> None:
    for job_id in ids:
        # Another tab may have dismissed it.
        with suppress(StudioError):
            manager().delete(job_id)
    st.rerun()


def _featured(recent: Sequence[Job], waiting: Sequence[Job]) -> Job | None:
    """The job shown in full: what runs or runs next, else the newest that somebody did not cancel, else the newest."""
    kept = [job for job in recent if not isinstance(job.state, Cancelled)]
    return next(iter([*waiting, *kept, *recent]), None)
