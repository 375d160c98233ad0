"""Two videos side by side, played together, with what differs between them."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from client.jobs import Job, manager
from client.states import Succeeded
from pages.parts import files, markup, owner, words
from pages.parts.facts import mode_of, settings

LETTERS = ("A", "B")
IN_SYNC = Path(__file__).with_name("compare.js").read_text(encoding="utf-8")
"""Listens on the place of both videos, so that it goes on when Streamlit draws them anew."""


def compare(text: str, visitor: str) -> None:
    """Draw two videos, named by their ids with a comma between them, if they are this visitor's."""
    with st.container(key="back"):
        st.page_link("pages/Library.py", label="All videos", icon=":material/arrow_back:", query_params=owner.link())
    jobs = [job for job in map(manager().get, dict.fromkeys(text.split(","))) if job is not None]
    shown = [
        job for job in jobs if job.owner == visitor and job.deleted_at is None and isinstance(job.state, Succeeded)
    ]
    if len(shown) != len(LETTERS):
        st.html(markup.empty("compare", "Two videos are needed", "Select two in the Library, then press Compare."))
        return
    with st.container(key="compare", gap="small"):
        for letter, column, job in zip(LETTERS, st.columns(len(LETTERS), gap="small"), shown, strict=True):
            with column:
                _side(letter, job)
        st.html(markup.sync(1 / min(job.shape.fps for job in shown)))
    st.html(f"<script>{IN_SYNC}</script>", unsafe_allow_javascript=True)
    _differences(shown)


def _side(letter: str, job: Job) -> None:
    name = files.video(job)
    with st.container(key=f"side-{letter.lower()}", gap="xsmall"):
        if name is None:
            st.html(
                markup.screen(job.shape.width, job.shape.height, None, "The file is no longer in the library.", False)
            )
        else:
            # Two sounds at once help nobody.
            with st.container(key=f"video-{job.id}"):
                st.video(
                    files.source(name), muted=letter != LETTERS[0], alt=f"{letter}: {job.values.get('prompt', '')}"
                )
        st.page_link(
            "pages/Library.py",
            label=words.literal(f"{letter}: {words.clip(str(job.values.get('prompt', '')), 90)}"),
            query_params=owner.link(job=job.id),
        )


def _differences(jobs: list[Job]) -> None:
    tables = [dict([("Mode", mode_of(job).title), *settings(job, mode_of(job))]) for job in jobs]
    prompts = [str(job.values.get("prompt", "")) for job in jobs]
    names = list(dict.fromkeys(name for table in tables for name in table))
    rows = [("Prompt", prompts), *((name, [table.get(name, "-") for table in tables]) for name in names)]
    apart = [row for row in rows if len(set(row[1])) > 1]
    alike = [(name, said[0]) for name, said in rows if len(set(said)) == 1]
    with st.container(key="section-apart"):
        st.html(markup.section("What differs"))
    if apart:
        st.html(markup.versus(LETTERS, apart))
    else:
        st.html(markup.line(["Nothing: the settings are the same."]))
    with st.expander("The same in both", key="alike"):
        st.html(markup.facts(alike))
