"""The values of a mode's form, kept in the session: seeded with defaults, read by callbacks, filled from a job.

Keys are `<mode>.<field>`; beside the fields there are `preset`, `aspect` and what a form remembers about itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.parts import sizes
from workflows.manifest import MEDIA_TYPES, Field, Mode, Preset
from workflows.request import DEFAULT_PRESET, Media


def key(mode: Mode, name: str) -> str:
    """The session key of a value of the form."""
    return f"{mode.name}.{name}"


def get(mode: Mode, name: str) -> Any:
    """A value of the form, None where there is none."""
    return st.session_state.get(key(mode, name))


def put(mode: Mode, name: str, value: Any) -> None:
    """Set a value of the form; from a callback, or before its widget is drawn."""
    st.session_state[key(mode, name)] = value


def preset(mode: Mode) -> Preset:
    """The preset that is chosen."""
    return mode.preset(get(mode, "preset") or DEFAULT_PRESET)


def initial(field: Field) -> Any:
    """What a field's widget holds at first."""
    if field.type in MEDIA_TYPES:
        return None
    if field.type in ("text", "seed"):
        return str(field.default or "")
    return int(field.default or 0) if field.type == "int" else float(field.default or 0)


def seed(mode: Mode) -> None:
    """Give every value that is not there yet its default."""
    st.session_state.setdefault(key(mode, "preset"), DEFAULT_PRESET)
    chosen = preset(mode)
    st.session_state.setdefault(key(mode, "drawn_preset"), chosen.name)
    for field in mode.fields_for(chosen):
        st.session_state.setdefault(key(mode, field.name), initial(field))
    relate(mode)


def follow_preset(mode: Mode) -> None:
    """After the preset has changed: a value still at the old preset's default becomes the new one's.

    The aspect stays; a size of one's own and every other value that somebody set stay as they are.
    """
    old, new = mode.preset(get(mode, "drawn_preset") or DEFAULT_PRESET), preset(mode)
    aspect = get(mode, "aspect")
    defaults = {field.name: initial(field) for field in mode.fields_for(old)}
    for field in mode.fields_for(new):
        if get(mode, field.name) == defaults.get(field.name):
            put(mode, field.name, initial(field))
    put(mode, "drawn_preset", new.name)
    if aspect:
        take_aspect(mode, aspect)


def take_aspect(mode: Mode, aspect: str) -> None:
    """Give width and height the size of an aspect."""
    width, height = sizes.for_aspect(aspect, mode, preset(mode))
    put(mode, "width", width)
    put(mode, "height", height)


def relate(mode: Mode) -> None:
    """Light the aspect whose size is set, or none."""
    put(mode, "aspect", sizes.aspect_of(get(mode, "width"), get(mode, "height"), mode, preset(mode)))


def collect(mode: Mode) -> dict[str, Any]:
    """What the form says now: the preset and every field that has an effect under it."""
    chosen = preset(mode)
    return {"preset": chosen.name} | {field.name: get(mode, field.name) for field in mode.fields_for(chosen)}


def fill(mode: Mode, preset_name: str, given: Mapping[str, Any]) -> None:
    """Set the form to the values of a job."""
    put(mode, "preset", preset_name)
    put(mode, "drawn_preset", preset_name)
    for field in mode.fields_for(mode.preset(preset_name)):
        value = given.get(field.name)
        if value is None:
            put(mode, field.name, initial(field))
        else:
            put(mode, field.name, value if isinstance(value, Media) else type(initial(field))(value))
    relate(mode)
