"""A mode's form, made from its manifest: nothing here knows a mode by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from client.jobs import manager
from pages.parts import markup, picture, sizes, values, words
from workflows.errors import StudioError
from workflows.manifest import MEDIA_TYPES, Field, Mode
from workflows.request import Request, parse
from workflows.values import Media

LINE_HEIGHT = 24
BOX_PADDING = 20
STAND_IN = "-"


@dataclass(frozen=True)
class Refusal:
    """Why nothing was sent, and the values it was about: it is shown until they change."""

    message: str
    hint: str
    about: dict[str, Any]


def form(mode: Mode, owner: str) -> None:
    """Draw the form and, when asked, send what it says."""
    values.settle(mode)
    chosen = values.preset(mode)
    fields = mode.fields_for(chosen, values.raw(mode))
    with st.container(border=True, key="form"):
        for field in _group(fields, "main"):
            if field.type in (*MEDIA_TYPES, "text"):
                WIDGETS[field.type](mode, field)
        _preset_control(mode, chosen.summary)
        with st.container(horizontal=True, key="measures", vertical_alignment="bottom"):
            _aspect_control(mode)
            for field in _group(fields, "main"):
                if field.type not in (*MEDIA_TYPES, "text"):
                    WIDGETS[field.type](mode, field)
        advanced = st.expander("Advanced", icon=":material/tune:", key=values.key(mode, "advanced"))
        with advanced, st.grid(2, min_column_width=130, gap="small"):
            for field in (*_group(fields, "size"), *_group(fields, "advanced")):
                WIDGETS[field.type](mode, field)
        _send_bar(mode, owner)


def _group(fields: tuple[Field, ...], group: str) -> list[Field]:
    return [field for field in fields if field.group == group]


def _preset_control(mode: Mode, summary: str) -> None:
    with st.container(key="preset", gap="xxsmall"):
        st.segmented_control(
            "Preset",
            [preset.name for preset in mode.presets],
            format_func=lambda name: mode.preset(name).title,
            required=True,
            key=values.key(mode, "preset"),
            persist_state="session",
            width="stretch",
        )
        st.caption(summary)


def _aspect_control(mode: Mode) -> None:
    st.segmented_control(
        "Size",
        list(sizes.ASPECTS),
        key=values.key(mode, "aspect"),
        help="The form of the picture. Any other size can be set under Advanced.",
        persist_state="session",
    )


def _text(mode: Mode, field: Field) -> None:
    height = field.lines * LINE_HEIGHT + BOX_PADDING
    st.text_area(
        field.title,
        key=values.key(mode, field.name),
        help=field.help,
        height=height,
        placeholder="" if field.default else field.help,
        persist_state="session",
    )


def _number(mode: Mode, field: Field) -> None:
    """A bounded number without a unit is a share and gets a slider; others are typed.

    What is typed has no limits here: the browser would keep a number outside them to itself, and the old one be sent.
    """
    kind = int if field.type == "int" else float
    step = None if field.step is None else kind(field.step)
    common: dict[str, Any] = {"key": values.key(mode, field.name), "help": field.help, "persist_state": "session"}
    if not field.unit and field.min is not None and field.max is not None:
        st.slider(field.title, kind(field.min), kind(field.max), step=step, **common)
        return
    label = f"{field.title} ({field.unit})" if field.unit else field.title
    st.number_input(label, format="%d" if kind is int else "%g", step=step, **common)


def _seed(mode: Mode, field: Field) -> None:
    st.text_input(
        field.title, key=values.key(mode, field.name), help=field.help, placeholder="Random", persist_state="session"
    )


WIDGETS: dict[str, Callable[[Mode, Field], None]] = {
    "text": _text,
    "int": _number,
    "float": _number,
    "seed": _seed,
    "image": picture.picture,
}


def _send_bar(mode: Mode, owner: str) -> None:
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
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.html(_spec(examined), width="content")
            st.button(
                "Generate",
                key=values.key(mode, "generate"),
                icon=":material/play_arrow:",
                type="primary",
                help="Or press Ctrl+Enter.",
                shortcut="Ctrl+Enter",
                on_click=_generate,
                args=(mode, owner),
            )


def _spec(examined: Request | StudioError) -> str:
    """What will really be made, as far as the values say it."""
    if isinstance(examined, StudioError):
        return markup.spec("", [])
    shape = examined.shape
    return markup.spec(words.size(shape.width, shape.height), words.length(shape))


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
        job = manager().submit(parse(mode.name, given), owner)
    except StudioError as error:
        values.put(mode, "refusal", Refusal(error.message, error.hint, given))
        return
    values.put(mode, "refusal", None)
    values.put(mode, "sent", job.id)
