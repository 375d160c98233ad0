"""The values of a mode's form, kept in the session: seeded with defaults, settled when they change, filled from a job.

A value that code changes gets a new key, and with it a new widget: what the browser still sends for the old one, having
not heard of the change, can't undo it. Keys are `<mode>.<name>` at first, `<mode>.<name>.<n>` after n such changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.parts import sizes
from workflows.manifest import MEDIA_TYPES, Field, Mode, Preset
from workflows.request import DEFAULT_PRESET
from workflows.values import Media


def key(mode: Mode, name: str) -> str:
    """The session key of a value, for its widget."""
    version = st.session_state.get(_version_key(mode, name), 0)
    return f"{mode.name}.{name}.{version}" if version else f"{mode.name}.{name}"


def _version_key(mode: Mode, name: str) -> str:
    return f"version.{mode.name}.{name}"


def get(mode: Mode, name: str) -> Any:
    """A value, None where there is none."""
    return st.session_state.get(key(mode, name))


def put(mode: Mode, name: str, value: Any) -> None:
    """Set a value that no widget holds."""
    st.session_state[key(mode, name)] = value


def assign(mode: Mode, name: str, value: Any) -> None:
    """Set a value that a widget holds; from a callback, or before the widget is drawn."""
    old = key(mode, name)
    if old in st.session_state:
        if st.session_state[old] == value:
            return
        del st.session_state[old]
        version = _version_key(mode, name)
        st.session_state[version] = st.session_state.get(version, 0) + 1
    st.session_state[key(mode, name)] = value


def preset(mode: Mode) -> Preset:
    """The preset that is chosen."""
    return mode.preset(get(mode, "preset") or DEFAULT_PRESET)


def raw(mode: Mode) -> dict[str, Any]:
    """What every field of the mode holds now, None where it holds nothing."""
    return {field.name: get(mode, field.name) for field in mode.fields}


def initial(field: Field) -> Any:
    """What a field's widget holds at first."""
    if field.type in MEDIA_TYPES:
        return None
    if field.type in ("text", "seed"):
        return str(field.default or "")
    return int(field.default or 0) if field.type == "int" else float(field.default or 0)


def settle(mode: Mode) -> None:
    """Bring the values into line with the preset and the aspect that are chosen; everything missing gets its default.

    After another preset: a value still at the old preset's default becomes the new one's, and the aspect keeps its
    name; a size of one's own and every other value that somebody set stay. After another aspect: width and height
    become its size. Then the aspect whose size is set is lit, or none.
    """
    st.session_state.setdefault(key(mode, "preset"), DEFAULT_PRESET)
    chosen, aspect = preset(mode), get(mode, "aspect")
    before = get(mode, "settled") or (chosen.name, aspect)
    if chosen.name != before[0]:
        _follow(mode, mode.preset(before[0]), chosen)
    for field in mode.fields_for(chosen, raw(mode)):
        st.session_state.setdefault(key(mode, field.name), initial(field))
    if aspect and (chosen.name, aspect) != before:
        width, height = sizes.for_aspect(aspect, mode, chosen)
        assign(mode, "width", width)
        assign(mode, "height", height)
    assign(mode, "aspect", sizes.aspect_of(get(mode, "width"), get(mode, "height"), mode, chosen))
    put(mode, "settled", (chosen.name, get(mode, "aspect")))


def _follow(mode: Mode, old: Preset, new: Preset) -> None:
    defaults = {field.name: initial(field) for field in mode.fields_for(old, raw(mode))}
    for field in mode.fields_for(new, raw(mode)):
        if field.name in defaults and get(mode, field.name) == defaults[field.name]:
            assign(mode, field.name, initial(field))


def collect(mode: Mode) -> dict[str, Any]:
    """What the form says now: the preset and every field that has an effect under it."""
    chosen = preset(mode)
    return {"preset": chosen.name} | {field.name: get(mode, field.name) for field in mode.fields_for(chosen, raw(mode))}


def fill(mode: Mode, preset_name: str, given: Mapping[str, Any]) -> None:
    """Set the form to the values of a job."""
    assign(mode, "preset", preset_name)
    for field in mode.fields_for(mode.preset(preset_name), given):
        value = given.get(field.name)
        if field.type in MEDIA_TYPES:
            put(mode, field.name, value if isinstance(value, Media) else None)
        else:
            assign(mode, field.name, initial(field) if value is None else type(initial(field))(value))
    put(mode, "settled", (preset_name, get(mode, "aspect")))
