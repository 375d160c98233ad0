"""The end of a form: what will really be made, and the buttons that have it made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from client import settings
from client.jobs import Job, manager
from pages.parts import forecast, markup, values, words
from workflows.errors import StudioError
from workflows.manifest import MEDIA_TYPES, Mode
from workflows.request import MAX_VARIATIONS, Request, check_jobs, parse, prompts, random_seed, variations
from workflows.values import Media

STAND_IN = "-"
VARIATIONS_WIDTH = 138


@dataclass(frozen=True)
class Refusal:
    """Why nothing was sent, and the values it was about: it is shown until they change."""

    message: str
    hint: str
    about: dict[str, Any]


def send_bar(mode: Mode, owner: str) -> None:
    """Draw what stands below the fields."""
    given = values.collect(mode)
    refusal = values.get(mode, "refusal")
    if refusal and refusal.about != _about(mode, given):
        values.put(mode, "refusal", None)
        refusal = None
    examined = _examined(mode, given)
    problem = refusal or (examined if isinstance(examined, StudioError) else None)
    with st.container(key="send", gap="small"):
        if problem:
            st.html(markup.notice("error", problem.message, problem.hint, "error"))
        if isinstance(examined, StudioError):
            st.html(markup.spec("", []))
        else:
            _outlook(mode, given, examined)
        drafts = manager().can_draft()
        with st.container(horizontal=True, key="buttons", gap="small"):
            st.selectbox(
                "Variations",
                range(1, MAX_VARIATIONS + 1),
                format_func=words.variations,
                key=values.key(mode, "variations"),
                label_visibility="collapsed",
                persist_state="session",
                width=VARIATIONS_WIDTH,
            )
            if drafts:
                st.button(
                    "Draft",
                    key=values.key(mode, "draft"),
                    icon=":material/draw:",
                    help="A sketch of the same request in seconds, by the built-in draft engine: framing, timing and "
                    "movement, not the model.",
                    width="stretch",
                    on_click=_draft,
                    args=(mode, owner),
                )
            count = 1 if isinstance(examined, StudioError) else sum(map(len, examined))
            st.button(
                "Generate" if count == 1 else f"Generate {count} videos",
                key=values.key(mode, "generate"),
                icon=":material/play_arrow:",
                type="primary",
                help="Or press Ctrl+Enter.",
                shortcut="Ctrl+Enter",
                width="stretch",
                on_click=_generate,
                args=(mode, owner),
            )


Groups = list[tuple[Request, ...]]
"""For each prompt its variations."""


def _outlook(mode: Mode, given: Mapping[str, Any], groups: Groups) -> None:
    """What will really be made and what it takes, as far as the values say it; where that is too much, what is not."""
    request = groups[0][0]
    shape, followed = request.shape, mode.field("seconds").follows
    size = words.size(shape.width, shape.height)
    if followed and not isinstance(given[followed], Media):
        length = [words.seconds(shape.seconds)] if mode.rate_of else words.length(shape)
        unset = [f"as long as the {mode.field(followed).title.lower()}"]
        st.html(markup.spec(size, unset if given["seconds"] is None else length))
        return
    estimate = manager().estimate(request)
    several = sum(map(len, groups)) > 1
    st.html(markup.spec(size, words.length(shape), forecast.facts(shape, estimate, several)))
    found = forecast.concern(request, estimate, settings.read().budget_cap)
    if found:
        st.html(markup.notice("warn", found.title, found.text, "warning"))
        if found.changes:
            st.button(
                f"Change to {forecast.said(mode, found.changes)}",
                key=values.key(mode, "fit"),
                icon=":material/compress:",
                on_click=values.change,
                args=(mode, found.changes),
                width="stretch",
            )


def refuse(mode: Mode, message: str, hint: str) -> None:
    """Say what is the matter with the values in the form, until they change."""
    values.put(mode, "refusal", Refusal(message, hint, _about(mode, values.collect(mode))))


def _about(mode: Mode, given: Mapping[str, Any]) -> dict[str, Any]:
    """All that a refusal may be about."""
    return {
        **given,
        "listed": bool(values.get(mode, "listed")),
        "variations": values.get(mode, "variations") or 1,
    }


def _examined(mode: Mode, given: dict[str, Any]) -> Groups | StudioError:
    """The values so far as requests, or what is wrong with them; what is still empty is no problem yet."""
    filled = dict(given)
    for field in mode.fields:
        if field.required and not filled.get(field.name):
            filled[field.name] = Media(STAND_IN) if field.type in MEDIA_TYPES else STAND_IN
    try:
        return _requests(mode, filled, lambda: 0)
    except StudioError as error:
        return error


def _requests(mode: Mode, given: dict[str, Any], draw_seed: Callable[[], int] = random_seed) -> Groups:
    """A request for each prompt and variation. Raises StudioError where one of them can't be made."""
    text = given["prompt"]
    listed = prompts(text) if values.get(mode, "listed") else ()
    count = values.get(mode, "variations") or 1
    check_jobs(count * len(listed))
    return [variations(parse(mode.name, {**given, "prompt": prompt}, draw_seed), count) for prompt in listed or (text,)]


def _generate(mode: Mode, owner: str) -> None:
    _send(mode, lambda groups: manager().submit_list(groups, owner))


def _draft(mode: Mode, owner: str) -> None:
    """Have the first of the prompts drawn, once."""
    _send(mode, lambda groups: [manager().submit_draft(groups[0][0], owner)])


def _send(mode: Mode, submit: Callable[[Groups], Sequence[Job]]) -> None:
    # The click may come together with a change of the preset that no run has settled yet.
    values.settle(mode)
    given = values.collect(mode)
    try:
        jobs = submit(_requests(mode, given))
    except StudioError as error:
        refuse(mode, error.message, error.hint)
        return
    values.put(mode, "refusal", None)
    values.put(mode, "sent", jobs[0].id)
