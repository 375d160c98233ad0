"""Finished videos as posters in a grid; a poster leads to its page in the Library."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

import streamlit as st

from client.jobs import Job, manager
from pages.parts import files, markup, owner, selection, words
from pages.parts.clock import zone
from workflows import manifest

COLUMNS = 4
TILE_WIDTH = 150
PROMPT_LENGTH = 70

Use = Literal["open", "keep", "select"]
"""What a poster is for: to be opened; that and to be made a favourite; to be selected."""


def gallery(jobs: Sequence[Job], use: Use = "open") -> None:
    """Draw the posters, in the order given."""
    with st.grid(COLUMNS, min_column_width=TILE_WIDTH, gap="small", key="gallery") as grid:
        for job in jobs:
            with grid.cell(), st.container(key=f"tile-{job.id}", gap="xxsmall"):
                _tile(job, use)


def _tile(job: Job, use: Use) -> None:
    prompt = words.clip(str(job.values.get("prompt", "")), PROMPT_LENGTH)
    if job.poster and (manager().folder / job.poster).is_file():
        st.image(files.source(job.poster), width="stretch", alt=prompt)
    else:
        st.html(markup.screen(16, 9, None, "", working=False))
    if use == "select":
        selection.box(job.id, words.literal(prompt))
    else:
        st.page_link("pages/Library.py", label=words.literal(prompt), query_params=owner.link(job=job.id))
    length = f"{words.number(round(job.shape.seconds, 1))} s"
    ended = words.when(job.finished_at or job.created_at, time.time(), zone())
    st.html(markup.tile(manifest.mode(job.mode).tag, [length, ended], job.sketch))
    if use == "keep":
        star(job, words.clip(prompt, 40))


def star(job: Job, named: str) -> None:
    """A star that makes the video a favourite or not; its name says of which video."""
    with st.container(key=f"{'starred' if job.favourite else 'star'}-{job.id}"):
        st.button(
            words.literal(f"{'No favourite any more' if job.favourite else 'Favourite'}: {named}"),
            key=f"favourite-{job.id}",
            icon=":material/star:",
            type="tertiary",
            on_click=manager().shelf.set_favourite,
            args=(job.owner, [job.id], not job.favourite),
        )
