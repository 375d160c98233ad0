"""One video of the library: the picture, how it was made, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from client.jobs import Job, manager
from client.states import Succeeded, is_final
from pages.parts import files, job_card, markup, owner, values, words
from pages.parts.clock import zone
from pages.parts.frame import page_of
from pages.parts.gallery import gallery
from pages.parts.variations import members
from workflows import manifest
from workflows.errors import StudioError
from workflows.manifest import MEDIA_TYPES, Field, Mode
from workflows.values import Media


def detail(job_id: str, visitor: str) -> None:
    """Draw the page of a job, if it is this visitor's."""
    with st.container(key="back"):
        st.page_link("pages/Library.py", label="All videos", icon=":material/arrow_back:", query_params=owner.link())
    job = manager().get(job_id)
    if job is None or job.owner != visitor:
        st.html(markup.empty("search_off", "This video is not in your library", "It may have been deleted."))
        return
    left, right = st.columns([7, 5], gap="medium")
    with left:
        _picture(job)
    with right:
        _about(job)
    _siblings(job)


def _siblings(job: Job) -> None:
    """The other videos that were made together with this one."""
    made = [other for other in members(job) if other.id != job.id and isinstance(other.state, Succeeded)]
    if made:
        with st.container(key="section-siblings"):
            st.html(markup.section("Made together", len(made)))
        gallery(made)


def _picture(job: Job) -> None:
    if isinstance(job.state, Succeeded):
        job_card.video(job)
    else:
        job_card.watch([job], job_card.each(job_card.card))


def _about(job: Job) -> None:
    mode = manifest.mode(job.mode)
    with st.container(key="about", gap="small"):
        st.html(markup.tile(mode.tag, [mode.title, mode.preset(job.preset).title]))
        st.html(markup.quote(str(job.values.get("prompt", ""))))
        if job.enhanced:
            st.html(markup.enhanced(job.enhanced))
        if is_final(job.state):
            _actions(job, mode)
        st.html(markup.facts(_facts(job, mode)))


def _actions(job: Job, mode: Mode) -> None:
    with st.container(horizontal=True, key="actions", gap="xsmall"):
        job_card.download(job, "primary")
        if st.button("Make again", key="again", icon=":material/refresh:", help="Fills the form with these settings."):
            values.fill(mode, job.preset, job.values)
            st.switch_page(page_of(mode), query_params=owner.link())
        st.download_button(
            "Graph",
            files.graph_writer(job.id),
            file_name=files.download_name(job, "json"),
            mime="application/json",
            key="graph",
            icon=":material/account_tree:",
            help="The workflow in ComfyUI's API format, as it was sent.",
            type="tertiary",
            on_click="ignore",
        )
        with st.popover("Delete", icon=":material/delete:", type="tertiary"):
            st.markdown("Delete this video and its settings for good?")
            if st.button("Delete for good", key="delete", type="primary", width="stretch"):
                _delete(job.id)


def _delete(job_id: str) -> None:
    try:
        manager().delete(job_id)
    except StudioError as error:
        st.error(f"{error.message} {error.hint}")
        return
    st.switch_page("pages/Library.py", query_params=owner.link())


def _facts(job: Job, mode: Mode) -> list[tuple[str, str]]:
    """Every setting that had an effect, then what came of it."""
    shape, here = job.shape, zone()
    own = {"prompt", "width", "height", "seconds", "fps"}
    fields = [field for field in mode.fields_for(mode.preset(job.preset), job.values) if field.name not in own]
    settings = [pair for field in fields for pair in SHOWN.get(field.type, _said)(field, job.values.get(field.name))]
    name = files.video(job)
    return [
        ("Size", words.size(shape.width, shape.height)),
        ("Length", " · ".join(words.length(shape))),
        *settings,
        *_place(job),
        ("Made", words.moment(job.finished_at or job.created_at, here)),
        ("Took", words.span(job.elapsed(0)) if job.started_at else "-"),
        *([("File", words.megabytes((manager().folder / name).stat().st_size))] if name else []),
        ("Job", job.id),
    ]


def _place(job: Job) -> list[tuple[str, str]]:
    """Which one of several variations it is."""
    seeds = list(dict.fromkeys(member.values.get("seed") for member in members(job)))
    return [("Variation", f"{seeds.index(job.values.get('seed')) + 1} of {len(seeds)}")] if seeds[1:] else []


Pairs = list[tuple[str, str]]


def _said(field: Field, value: Any) -> Pairs:
    if value is None:
        return []
    return [(field.title, f"{words.number(value) if isinstance(value, float) else value} {field.unit}".strip())]


def _media(field: Field, value: Any) -> Pairs:
    return [(field.title, words.media(value))] if isinstance(value, Media) else []


def _choice(field: Field, value: Any) -> Pairs:
    return [(field.title, field.choices[value].title if value in field.choices else str(value))]


def _flag(field: Field, value: Any) -> Pairs:
    return [(field.title, "Yes")] if value else []


def _loras(field: Field, value: Any) -> Pairs:
    return [("LoRA", f"{words.lora(lora.name)} at {words.number(lora.strength)}") for lora in value or ()]


SHOWN: dict[str, Callable[[Field, Any], Pairs]] = {
    **dict.fromkeys(MEDIA_TYPES, _media),
    "choice": _choice,
    "flag": _flag,
    "loras": _loras,
}
