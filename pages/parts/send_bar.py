"""The end of a form: what will really be made, and the buttons that have it made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from client.jobs import manager
from pages.parts import forecast, markup, values, words
from workflows.errors import StudioError
from workflows.manifest import MEDIA_TYPES, Mode
from workflows.request import MAX_VARIATIONS, Request, parse, variations
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
    if refusal and refusal.about != given:
        values.put(mode, "refusal", None)
        refusal = None
    examined = _examined(mode, given)
    problem = refusal or (examined if isinstance(examined, StudioError) else None)
    with st.container(key="send", gap="small"):
        if problem:
            st.html(markup.notice("error", problem.message, problem.hint, "error"))
        st.html(_spec(mode, given, examined))
        with st.container(horizontal=True, wrap=False, gap="small"):
            st.selectbox(
                "Variations",
                range(1, MAX_VARIATIONS + 1),
                format_func=words.variations,
                key=values.key(mode, "variations"),
                label_visibility="collapsed",
                persist_state="session",
                width=VARIATIONS_WIDTH,
            )
            st.button(
                "Generate",
                key=values.key(mode, "generate"),
                icon=":material/play_arrow:",
                type="primary",
                help="Or press Ctrl+Enter.",
                shortcut="Ctrl+Enter",
                width="stretch",
                on_click=_generate,
                args=(mode, owner),
            )


def _spec(mode: Mode, given: Mapping[str, Any], examined: Request | StudioError) -> str:
    """What will really be made, as far as the values say it."""
    if isinstance(examined, StudioError):
        return markup.spec("", [])
    shape, followed = examined.shape, mode.field("seconds").follows
    size = words.size(shape.width, shape.height)
    if not followed or isinstance(given[followed], Media):
        return markup.spec(size, words.length(shape), forecast.facts(examined.shape, manager().estimate(examined)))
    if given["seconds"] is None:
        return markup.spec(size, [f"as long as the {mode.field(followed).title.lower()}"])
    return markup.spec(size, [words.seconds(shape.seconds)] if mode.rate_of else words.length(shape))


def _examined(mode: Mode, given: dict[str, Any]) -> Request | StudioError:
    """The values so far as a request, or what is wrong with them; what is still empty is no problem yet."""
    filled = dict(given)
    for field in mode.fields:
        if field.required and not filled.get(field.name):
            filled[field.name] = Media(STAND_IN) if field.type in MEDIA_TYPES else STAND_IN
    try:
        return parse(mode.name, filled, draw_seed=lambda: 0)
    except StudioError as error:
        return error


def _generate(mode: Mode, owner: str) -> None:
    # The click may come together with a change of the preset that no run has settled yet.
    values.settle(mode)
    given = values.collect(mode)
    try:
        requests = variations(parse(mode.name, given), values.get(mode, "variations") or 1)
        jobs = manager().submit_all(requests, owner)
    except StudioError as error:
        values.put(mode, "refusal", Refusal(error.message, error.hint, given))
        return
    values.put(mode, "refusal", None)
    values.put(mode, "sent", jobs[0].id)
