"""A mode's form, made from its manifest: nothing here knows a mode by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import streamlit as st

from client.jobs import manager
from pages.parts import markup, sizes, values, words
from pages.parts.clip import clip
from pages.parts.lora_rows import lora_rows
from pages.parts.picture import picture
from pages.parts.sound import sound
from workflows.errors import StudioError
from workflows.manifest import MEDIA_TYPES, Field, Mode, Preset
from workflows.request import MAX_VARIATIONS, Request, parse, remaining, variations
from workflows.values import Media

LINE_HEIGHT = 24
BOX_PADDING = 20
STAND_IN = "-"
FEW = 4
PICTURE_WIDTH = 164
VARIATIONS_WIDTH = 138


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
    before, beside = _main(fields)
    with st.container(border=True, key="form"):
        _flow(mode, before)
        _preset_control(mode, chosen)
        with st.container(horizontal=True, key="measures", vertical_alignment="bottom"):
            _aspect_control(mode)
            _draw(mode, beside)
        look, advanced = _group(fields, "look"), (*_group(fields, "size"), *_group(fields, "advanced"))
        with st.expander(_titles(look), icon=":material/theaters:", key=values.key(mode, "look")):
            _draw(mode, look)
        with (
            st.expander("Advanced", icon=":material/tune:", key=values.key(mode, "advanced")),
            st.grid(2, min_column_width=130, gap="small"),
        ):
            _draw(mode, advanced)
        _send_bar(mode, owner)


def _group(fields: tuple[Field, ...], group: str) -> list[Field]:
    return [field for field in fields if field.group == group]


def _main(fields: tuple[Field, ...]) -> tuple[list[Field], list[Field]]:
    """The main fields that a mode names before the size, which stand below each other, and those that go with it."""
    size = next((place for place, field in enumerate(fields) if field.group == "size"), len(fields))
    return _group(fields[:size], "main"), _group(fields[size:], "main")


def _titles(fields: Sequence[Field]) -> str:
    """What a group is about: the titles of its fields, those left out that another one calls up."""
    titles = [field.title for field in fields if not field.when]
    return " and ".join([", ".join(titles[:-1]), titles[-1]] if titles[1:] else titles)


def _draw(mode: Mode, fields: Iterable[Field]) -> None:
    for field in fields:
        WIDGETS[field.type](mode, field)


def _flow(mode: Mode, fields: Sequence[Field]) -> None:
    """Fields below each other, pictures that follow each other side by side where there is room."""
    for is_picture, run in groupby(fields, key=lambda field: field.type == "image"):
        neighbours = list(run)
        if is_picture and len(neighbours) > 1:
            with st.grid(len(neighbours), min_column_width=PICTURE_WIDTH, gap="small", key="pictures") as grid:
                for field in neighbours:
                    with grid.cell():
                        WIDGETS[field.type](mode, field)
        else:
            _draw(mode, neighbours)


def _preset_control(mode: Mode, chosen: Preset) -> None:
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
        st.caption(f"{chosen.summary} {chosen.cost}")


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
    common |= {"format": "%d" if kind is int else "%g", "step": step}
    if not field.follows:
        st.number_input(label, **common)
        return
    with st.container(key="following"):
        st.number_input(label, value=None, placeholder=_followed(mode, field), **common)


def _followed(mode: Mode, field: Field) -> str:
    """What an empty duration stands for."""
    given = values.collect(mode)
    title, seconds = mode.field(field.follows or "").title, values.following(mode, given)
    whole = f"As long as the {title.lower()}"
    if seconds is None:
        return whole
    is_cut = remaining(mode, given) - seconds > 0.05
    return f"{'The longest there is' if is_cut else whole}: {words.seconds(seconds)}"


def _seed(mode: Mode, field: Field) -> None:
    st.text_input(
        field.title, key=values.key(mode, field.name), help=field.help, placeholder="Random", persist_state="session"
    )


def _flag(mode: Mode, field: Field) -> None:
    st.toggle(field.title, key=values.key(mode, field.name), help=field.help, persist_state="session")


def _choice(mode: Mode, field: Field) -> None:
    """A few choices lie open, more are listed. What the chosen one means stands below; so does help that must be read,
    that of the look.
    """
    name = values.key(mode, field.name)
    common: dict[str, Any] = {"format_func": lambda choice: field.choices[choice].title, "key": name}
    common |= {"help": field.help, "persist_state": "session"}
    with st.container(key=f"field-{field.name}", gap="xxsmall"):
        if len(field.choices) <= FEW:
            st.segmented_control(field.title, list(field.choices), required=True, width="stretch", **common)
        else:
            st.selectbox(field.title, list(field.choices), **common)
        said = [field.choices[values.get(mode, field.name)].help, field.help if field.group == "look" else ""]
        if any(said):
            st.caption(" ".join(text for text in said if text))


WIDGETS: dict[str, Callable[[Mode, Field], None]] = {
    "text": _text,
    "int": _number,
    "float": _number,
    "seed": _seed,
    "flag": _flag,
    "choice": _choice,
    "loras": lora_rows,
    "image": picture,
    "audio": sound,
    "video": clip,
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
        return markup.spec(size, words.length(shape))
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
