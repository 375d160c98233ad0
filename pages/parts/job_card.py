"""A job as people see it: waiting, running, done, failed or cancelled, and what can be done about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import streamlit as st

from client import engine_events
from client.jobs import Job, manager
from client.states import Cancelled, Failed, Queued, Running, Succeeded, is_final
from pages.parts import files, forecast, live, markup, navigation, owner, values, words
from pages.parts.frame import page_of
from workflows import manifest
from workflows.errors import StudioError

PROMPT_LENGTH = 220

TOLD: dict[str, str] = {
    "ended": "The engine ended and is started again.",
    "restarted": "The engine is restarted.",
    "gave_up": "The engine is given up.",
}
"""What is said of what happens to the engine while a job waits for it."""
MENDED_ON = {
    "model_missing": "Models",
    **dict.fromkeys(("engine_unreachable", "engine_silent", "engine_out_of_memory"), "Engine"),
}
"""The page, by code, on which something can be done about it."""

Draw = Callable[[Sequence[Job]], None]
ButtonType = Literal["primary", "secondary", "tertiary"]


def watch(jobs: Sequence[Job], draw: Draw) -> None:
    """Draw the jobs, again at every change while one of them waits or runs; when one ends, the whole page once."""
    active = {job.id for job in jobs if not is_final(job.state)}

    def body() -> None:
        now = [fresh for fresh in (manager().get(job.id) for job in jobs) if fresh is not None]
        draw(now)
        if {job.id for job in now if not is_final(job.state)} != active:
            st.rerun()

    if active:
        live.follow(body, jobs[0].owner)
    else:
        st.fragment(body)()


def each(draw: Callable[[Job], None]) -> Draw:
    """Draws jobs one below the other."""

    def draw_all(jobs: Sequence[Job]) -> None:
        for job in jobs:
            draw(job)

    return draw_all


def card(job: Job) -> None:
    """A job in full, with its picture."""
    with st.container(border=True, key=f"job-{job.id}", gap="small"):
        if job.draft:
            st.html(markup.draft_badge())
        CARDS[type(job.state)](job, job.state)


def row(job: Job) -> None:
    """A job that waits or runs, or did not finish, in a few lines."""
    with st.container(border=True, key=f"row-{job.id}", gap="xsmall"):
        with st.container(horizontal=True, wrap=False, vertical_alignment="center"):
            st.html(markup.task("DRAFT" if job.draft else manifest.mode(job.mode).tag, prompt(job)))
            if not is_final(job.state):
                cancel_button(job)
        if isinstance(job.state, Queued | Running):
            progress(job, job.state)
        elif isinstance(job.state, Failed):
            st.html(markup.notice("error", job.state.message, job.state.hint, "error"))
            again_or_dismiss(job, "Retry" if job.state.retryable else None)
        elif isinstance(job.state, Cancelled):
            st.html(markup.notice("quiet", "Cancelled.", "", "cancel"))
            again_or_dismiss(job, "Run again")


def _queued(job: Job, state: Queued) -> None:
    st.html(markup.screen(job.shape.width, job.shape.height, None, "", working=True))
    progress(job, state)
    _foot(job)


def _running(job: Job, state: Running) -> None:
    st.html(markup.screen(job.shape.width, job.shape.height, job.preview, "", working=job.preview is None))
    progress(job, state)
    st.html(markup.stages(job.stages, state.stage))
    _foot(job)


def _foot(job: Job) -> None:
    st.html(markup.quote(prompt(job)))
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.html(markup.line(facts(job)), width="content")
        cancel_button(job)


def progress(job: Job, state: Queued | Running) -> None:
    """How far it is, in words and as a bar."""
    with st.container(key=f"progress-{job.id}", gap="xsmall"):
        _progress_lines(job, state)
    if state.note:
        st.html(markup.notice("warn", state.note, "", "hourglass_empty"))
    for event in engine_events.since(manager().folder.parent, job.created_at):
        if event.what in TOLD:
            st.html(markup.notice("warn", TOLD[event.what], f"It {event.why}.", "restart_alt"))


def _progress_lines(job: Job, state: Queued | Running) -> None:
    if isinstance(state, Running):
        step = f"step {state.step} of {state.of}" if state.of else ""
        st.html(markup.progress_head(state.stage or "Starting", step, f"{int(100 * state.fraction)} %"))
        st.progress(min(1.0, max(0.0, state.fraction)))
        st.html(markup.line(_times(job, state), "s-times"))
    else:
        title, detail = _waiting(state)
        st.html(markup.progress_head(title, detail, ""))
        st.progress(0.0)


def _waiting(state: Queued) -> tuple[str, str]:
    if state.position is None:
        return "Sending to the engine", ""
    if state.position == 0:
        return "Next in line", ""
    return "Waiting", f"{state.position} {'job' if state.position == 1 else 'jobs'} ahead"


def _times(job: Job, state: Running) -> list[str]:
    return [f"{words.clock(job.elapsed(time.time()))} elapsed", _left(state)]


def _left(state: Running) -> str:
    if state.eta is None:
        return "estimating the time left"
    low, high = (state.eta if bound is None else bound for bound in (state.eta_low, state.eta_high))
    return f"about {words.between(low, high)} left"


def cancel_button(job: Job) -> None:
    """A button that asks for the job to be stopped."""
    st.button(
        "Cancelling…" if job.cancelling else "Cancel",
        key=f"cancel-{job.id}",
        icon=":material/close:",
        disabled=job.cancelling,
        on_click=manager().cancel,
        args=(job.id,),
    )


def _succeeded(job: Job, _: Succeeded) -> None:
    video(job)
    st.html(markup.quote(prompt(job)))
    if job.enhanced:
        with st.expander("Enhanced prompt", icon=":material/auto_awesome:", key=f"enhanced-{job.id}"):
            st.html(markup.quote(job.enhanced))
    st.html(markup.line([*facts(job), made_in(job)]))
    with st.container(horizontal=True, vertical_alignment="center"):
        download(job, "primary")
        open_in_library(job, "Open in Library")


def open_in_library(job: Job, label: str) -> None:
    """A link to the job's page."""
    link = owner.link(job=job.id)
    st.page_link("pages/Library.py", label=label, icon=":material/grid_view:", query_params=link)


def made_in(job: Job) -> str:
    """How long it took."""
    return f"made in {words.span(job.elapsed(0))}"


def prompt(job: Job) -> str:
    """The prompt in short."""
    return words.clip(str(job.values.get("prompt", "")), PROMPT_LENGTH)


def _failed(job: Job, state: Failed) -> None:
    st.html(markup.notice("error", state.message, state.hint, "error"))
    _ended(job, "Retry" if state.retryable else None)
    if state.detail:
        with st.expander("Technical detail", key=f"detail-{job.id}"):
            st.code(f"{state.code}\n\n{state.detail}", language=None, wrap_lines=True)


def _cancelled(job: Job, _: Cancelled) -> None:
    st.html(markup.notice("quiet", "Cancelled.", "Nothing was kept of this job.", "cancel"))
    _ended(job, "Run again")


def _ended(job: Job, again: str | None) -> None:
    st.html(markup.quote(prompt(job)))
    st.html(markup.line(facts(job)))
    again_or_dismiss(job, again)


def again_or_dismiss(job: Job, again: str | None) -> None:
    """Buttons that start the job anew, smaller or under that name, that fill the form with it, and that remove it."""
    with st.container(horizontal=True, gap="xsmall"):
        _smaller(job)
        _mend(job)
        if again:
            _action(again, f"retry-{job.id}", "refresh", "secondary", manager().retry, job)
        if st.button("Edit", key=f"edit-{job.id}", icon=":material/edit:", help="Fills the form with these settings."):
            edit(job)
        _action("Dismiss", f"dismiss-{job.id}", "delete", "tertiary", manager().delete, job)


def _smaller(job: Job) -> None:
    """A button that tries a failed job again with what fits, where that is known."""
    key = f"fitting.{job.id}"
    # Nothing is known to fit an engine that has yet to say what it computes on.
    if key not in st.session_state and manager().engine().status != "starting":
        st.session_state[key] = manager().fitting(job)
    changes = st.session_state.get(key)
    if changes:
        label = f"Try {forecast.said(manifest.mode(job.mode), changes)}"
        _action(label, f"smaller-{job.id}", "compress", "primary", manager().retry_smaller, job)


def _mend(job: Job) -> None:
    """A link to the page on which what a failed job lacked can be had."""
    found = MENDED_ON.get(job.state.code) if isinstance(job.state, Failed) else None
    if found:
        navigation.to_system(found)


def edit(job: Job) -> None:
    """Fill the form of the job's mode with what was sent, and go there."""
    mode = manifest.mode(job.mode)
    values.fill(mode, job.preset, job.values)
    st.switch_page(page_of(mode), query_params=owner.link())


def _action(label: str, key: str, symbol: str, kind: ButtonType, act: Callable[[str], object], job: Job) -> None:
    """A button for what changes which jobs there are."""
    st.button(label, key=key, icon=f":material/{symbol}:", type=kind, on_click=_change, args=(act, job.id))


def _change(act: Callable[[str], object], job_id: str) -> None:
    """Do it, and draw the whole page anew: the card alone would not show it."""
    try:
        act(job_id)
    except StudioError as error:
        st.toast(f"{error.message} {error.hint}", icon=":material/error:")
    else:
        st.rerun()


CARDS: dict[type, Callable[[Job, Any], None]] = {
    Queued: _queued,
    Running: _running,
    Succeeded: _succeeded,
    Failed: _failed,
    Cancelled: _cancelled,
}


def video(job: Job) -> None:
    """The job's video, or that its file is gone."""
    name = files.video(job)
    if name is None:
        st.html(markup.screen(job.shape.width, job.shape.height, None, "The file is no longer in the library.", False))
        return
    with st.container(key=f"video-{job.id}"):
        st.video(files.source(name), alt=prompt(job))


def download(job: Job, look: Literal["primary", "secondary"] = "secondary") -> None:
    """What saves the job's video: a link, so that it goes from the disk to the browser; a button without the route."""
    name = files.video(job)
    if name is None:
        return
    saved, address = files.download_name(job, name.rsplit(".", 1)[-1]), files.download(name)
    if address:
        st.html(markup.download(address, saved, "Download", look), width="content")
        return
    st.download_button(
        "Download",
        files.opener(name),
        file_name=saved,
        mime="video/mp4",
        key=f"download-{job.id}",
        icon=":material/download:",
        type=look,
        on_click="ignore",
    )


def facts(job: Job) -> list[str]:
    """Size, length and seed."""
    return [words.size(job.shape.width, job.shape.height), *words.length(job.shape), seed(job)]


def seed(job: Job) -> str:
    """The seed in words."""
    return f"seed {job.values.get('seed')}"
