"""The values of a mode's form, kept in the session: seeded with defaults, settled when they change, filled from a job.

A value that code changes gets a new key, and with it a new widget: what the browser still sends for the old one, having
not heard of the change, can't undo it. Keys are `<mode>.<name>` at first, `<mode>.<name>.<n>` after n such changes.

A field of LoRAs is held by the widgets of its rows; `<mode>.<name>.rows` numbers them, and no number is used twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from pages.parts import sizes
from pages.parts.whole import whole
from workflows.manifest import MEDIA_TYPES, Field, Mode, Preset
from workflows.request import DEFAULT_PRESET, UNKNOWN_RATE, remaining, whole_length
from workflows.values import Lora, Media


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


@whole()
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
    return {field.name: held(mode, field) for field in mode.fields}


def held(mode: Mode, field: Field) -> Any:
    """What a field holds now; of LoRAs the rows that name one."""
    if field.type != "loras":
        return get(mode, field.name)
    rows = ((get(mode, f"{field.name}.{row}.name"), row) for row in loras(mode, field))
    return tuple(Lora(name, get(mode, f"{field.name}.{row}.strength")) for name, row in rows if name)


def size(mode: Mode) -> sizes.Size:
    """Width and height in pixels that the numbers stand for now."""
    chosen = preset(mode)
    return sizes.shown(get(mode, "width"), chosen), sizes.shown(get(mode, "height"), chosen)


def loras(mode: Mode, field: Field) -> tuple[int, ...]:
    """The numbers of a field's rows."""
    return get(mode, f"{field.name}.rows") or ()


def add_lora(mode: Mode, field: Field, lora: Lora | None = None) -> None:
    """Add a row, empty or with a LoRA."""
    row = (get(mode, f"{field.name}.count") or 0) + 1
    put(mode, f"{field.name}.count", row)
    put(mode, f"{field.name}.{row}.name", lora.name if lora else None)
    put(mode, f"{field.name}.{row}.strength", float(lora.strength if lora else field.default or 0))
    put(mode, f"{field.name}.rows", (*loras(mode, field), row))


def remove_lora(mode: Mode, field: Field, row: int) -> None:
    """Take a row away."""
    put(mode, f"{field.name}.rows", tuple(other for other in loras(mode, field) if other != row))


def initial(field: Field) -> Any:
    """What a field's widget holds at first: None where the value follows another, or there is none."""
    return None if field.type in MEDIA_TYPES or field.follows else _as_held(field, field.default)


def _as_held(field: Field, value: Any) -> Any:
    """A value as the field's widget holds it."""
    return HELD_AS[field.type](value or HELD_AS[field.type]())


HELD_AS: dict[str, Callable[..., Any]] = {
    "text": str,
    "seed": str,
    "choice": str,
    "int": int,
    "float": float,
    "flag": bool,
}


@whole()
def settle(mode: Mode) -> None:
    """Bring the values into line with the preset, the aspect and the resolution that are chosen; everything missing
    gets its default.

    After another preset: a value still at the old preset's default becomes the new one's, and aspect and resolution
    keep their names; a size of one's own and every other value that somebody set stay. After another aspect or
    resolution: width and height become its size. Then those whose size is set are lit, or none.
    """
    st.session_state.setdefault(key(mode, "preset"), DEFAULT_PRESET)
    chosen, wanted = preset(mode), (get(mode, "aspect"), get(mode, "resolution"))
    before = get(mode, "settled") or (chosen.name, *wanted)
    if chosen.name != before[0]:
        _follow(mode, mode.preset(before[0]), chosen)
    for field in mode.fields_for(chosen, raw(mode)):
        if field.type != "loras":
            st.session_state.setdefault(key(mode, field.name), initial(field))
    if (chosen.name, *wanted) != before and any(wanted):
        width, height = sizes.size_of(_wanted(mode, *wanted), mode, chosen)
        assign(mode, "width", width)
        assign(mode, "height", height)
    place = sizes.place_of(get(mode, "width"), get(mode, "height"), mode, chosen)
    assign(mode, "aspect", place.aspect if place else None)
    assign(mode, "resolution", place.resolution if place else None)
    put(mode, "settled", (chosen.name, get(mode, "aspect"), get(mode, "resolution")))


def _wanted(mode: Mode, aspect: str | None, resolution: str | None) -> sizes.Place:
    """The place that is meant where only one of the two is lit, or the preset has no such resolution."""
    known = resolution if resolution in preset(mode).resolutions else sizes.STANDARD
    return sizes.Place(aspect or sizes.nearest(*size(mode)), known or sizes.STANDARD)


def shape_like(mode: Mode, media: Media) -> None:
    """Choose the aspect nearest to a picture's form, unless the size is one of one's own; from a callback."""
    if media.width and get(mode, "aspect"):
        assign(mode, "aspect", sizes.nearest(media.width, media.height))


def _follow(mode: Mode, old: Preset, new: Preset) -> None:
    given = raw(mode)
    defaults = {field.name: initial(field) for field in mode.fields_for(old, given) if field.type in HELD_AS}
    for field in mode.fields_for(new, given):
        if field.name in defaults and get(mode, field.name) == defaults[field.name]:
            assign(mode, field.name, initial(field))


def collect(mode: Mode) -> dict[str, Any]:
    """What the form says now: the preset and every field that has an effect under it."""
    chosen, given = preset(mode), raw(mode)
    return {"preset": chosen.name} | {field.name: given[field.name] for field in mode.fields_for(chosen, given)}


@whole()
def fill(mode: Mode, preset_name: str, given: Mapping[str, Any]) -> None:
    """Set the form to the values of a job."""
    assign(mode, "preset", preset_name)
    for field in mode.fields_for(mode.preset(preset_name), given):
        FILL.get(field.type, _fill_widget)(mode, field, given)
    put(mode, "settled", (preset_name, get(mode, "aspect"), get(mode, "resolution")))


def change(mode: Mode, changes: Mapping[str, Any]) -> None:
    """Set some fields, the preset among them where it is named; from a callback."""
    if "preset" in changes:
        assign(mode, "preset", changes["preset"])
        settle(mode)
    for name, value in changes.items():
        if name != "preset":
            assign(mode, name, HELD_AS[mode.field(name).type](value))


def _fill_widget(mode: Mode, field: Field, given: Mapping[str, Any]) -> None:
    value = given.get(field.name)
    if value is None or (field.follows and value == following(mode, given)):
        assign(mode, field.name, initial(field))
    else:
        assign(mode, field.name, HELD_AS[field.type](value))


def _fill_media(mode: Mode, field: Field, given: Mapping[str, Any]) -> None:
    value = given.get(field.name)
    put(mode, field.name, value if isinstance(value, Media) else None)


def _fill_loras(mode: Mode, field: Field, given: Mapping[str, Any]) -> None:
    put(mode, f"{field.name}.rows", ())
    for lora in given.get(field.name) or ():
        add_lora(mode, field, lora)


FILL: dict[str, Callable[[Mode, Field, Mapping[str, Any]], None]] = {
    **dict.fromkeys(MEDIA_TYPES, _fill_media),
    "loras": _fill_loras,
}


def following(mode: Mode, given: Mapping[str, Any]) -> float | None:
    """The seconds that a duration without a value stands for; None while what it follows is missing or unknown."""
    if not remaining(mode, given):
        return None
    rate = given.get("fps")
    usable = rate if isinstance(rate, int | float) and rate > 0 else UNKNOWN_RATE
    return whole_length(mode, {**given, "fps": usable})
