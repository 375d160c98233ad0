"""Several jobs that differ in nothing but the seed, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from client.jobs import Job, manager
from client.states import Cancelled, Failed, Queued, Running, Succeeded, is_final
from pages.parts import job_card, markup, words

COLUMNS = 2
CARD_WIDTH = 230


def members(job: Job) -> list[Job]:
    """The jobs that were sent together with this one, itself among them."""
    return manager().group(job.group) if job.group else [job]


def count(jobs: Sequence[Job]) -> int:
    """How many variations they are; one that was run again is not another one."""
    return len({job.values.get("seed") for job in jobs})


def variations(jobs: Sequence[Job]) -> None:
    """Draw the jobs: what they share once, then a card for each."""
    first = jobs[0]
    with st.container(border=True, key=f"group-{first.group}", gap="small"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.html(markup.section(words.variations(count(jobs))), width="content")
            _cancel_button([job for job in jobs if not is_final(job.state)])
        with st.grid(COLUMNS, min_column_width=CARD_WIDTH, gap="small", key="variations") as grid:
            for job in jobs:
                with grid.cell(), st.container(key=f"variation-{job.id}", gap="xsmall"):
                    VARIATIONS[type(job.state)](job, job.state)
        st.html(markup.quote(job_card.prompt(first)))
        st.html(markup.line([words.size(first.shape.width, first.shape.height), *words.length(first.shape)]))


def _cancel_button(active: Sequence[Job]) -> None:
    if len(active) > 1:
        st.button(
            "Cancel all",
            key="cancel-all",
            icon=":material/close:",
            disabled=all(job.cancelling for job in active),
            on_click=cancel_all,
            args=([job.id for job in active],),
        )


def cancel_all(job_ids: Sequence[str]) -> None:
    """Ask for these jobs to be stopped."""
    for job_id in job_ids:
        manager().cancel(job_id)


def _open(job: Job, state: Queued | Running) -> None:
    preview = job.preview if isinstance(state, Running) else None
    st.html(markup.screen(job.shape.width, job.shape.height, preview, "", working=preview is None))
    job_card.progress(job, state)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.html(markup.line([job_card.seed(job)]), width="content")
        job_card.cancel_button(job)


def _succeeded(job: Job, _: Succeeded) -> None:
    job_card.video(job)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="xsmall"):
        st.html(markup.line([job_card.seed(job), job_card.made_in(job)]), width="content")
        with st.container(horizontal=True, width="content", vertical_alignment="center", gap="xsmall"):
            job_card.open_in_library(job, "Open")
            job_card.download(job)


def _failed(job: Job, state: Failed) -> None:
    st.html(markup.notice("error", state.message, state.hint, "error"))
    _ended(job, "Retry" if state.retryable else None)


def _cancelled(job: Job, _: Cancelled) -> None:
    st.html(markup.screen(job.shape.width, job.shape.height, None, "Cancelled", working=False))
    _ended(job, "Run again")


def _ended(job: Job, again: str | None) -> None:
    st.html(markup.line([job_card.seed(job)]))
    job_card.again_or_dismiss(job, again)


VARIATIONS: dict[type, Callable[[Job, Any], None]] = {
    Queued: _open,
    Running: _open,
    Succeeded: _succeeded,
    Failed: _failed,
    Cancelled: _cancelled,
}
