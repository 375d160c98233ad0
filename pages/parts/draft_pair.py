"""A draft beside the real thing that was made of the same request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from client.jobs import Job
from client.states import Cancelled, Queued, Running, Succeeded
from pages.parts import job_card, markup, words
from pages.parts.variations import CARD_WIDTH, COLUMNS, VARIATIONS

UNLIKE = ("seed",)
"""What may differ between a draft and the real thing: a seed says nothing from one to the other."""


def of(real: Job | None, drafts: Sequence[Job]) -> Job | None:
    """The draft to be shown with a job: the newest that is younger or was made of the same request."""
    kept = (draft for draft in drafts if not isinstance(draft.state, Cancelled))
    return next(
        (draft for draft in kept if real is None or draft.created_at > real.created_at or same(draft, real)), None
    )


def same(draft: Job, real: Job) -> bool:
    """Whether both were made of the same request."""
    return (draft.mode, draft.preset, _asked(draft.values)) == (real.mode, real.preset, _asked(real.values))


def _asked(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in UNLIKE}


def fits_beside(draft: Job, real: Job) -> bool:
    """Whether they may stand side by side: both show the same, the draft already."""
    return (
        isinstance(draft.state, Succeeded)
        and isinstance(real.state, Queued | Running | Succeeded)
        and same(draft, real)
    )


def pair(draft: Job, real: Job) -> None:
    """Draw both side by side, with what they share once."""
    with st.container(border=True, key=f"pair-{real.id}", gap="small"):
        with st.grid(COLUMNS, min_column_width=CARD_WIDTH, gap="small", key="variations") as grid:
            for job, badge in ((draft, markup.draft_badge()), (real, markup.real_badge())):
                with grid.cell(), st.container(key=f"variation-{job.id}", gap="xsmall"):
                    st.html(badge)
                    VARIATIONS[type(job.state)](job, job.state)
        if isinstance(real.state, Running):
            st.html(markup.stages(real.stages, real.state.stage))
        st.html(markup.quote(job_card.prompt(real)))
        st.html(markup.line([words.size(real.shape.width, real.shape.height), *words.length(real.shape)]))
