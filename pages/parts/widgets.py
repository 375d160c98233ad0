"""The widget of each type of field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.parts import values, words
from pages.parts.clip import clip
from pages.parts.lora_rows import lora_rows
from pages.parts.picture import picture
from pages.parts.sound import sound
from workflows.manifest import Field, Mode
from workflows.request import remaining

LINE_HEIGHT = 24
BOX_PADDING = 20
FEW = 4


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
    if field.follows:
        common |= {"value": None, "placeholder": _followed(mode, field)}
    st.number_input(label, **common)


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
