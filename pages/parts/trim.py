"""The part of a sound or a video that is used: seen on its waveform or filmstrip, and chosen below it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import streamlit as st

from pages.parts import values, words
from workflows.manifest import Field, Mode
from workflows.values import Media

STEP = 0.1


@dataclass(frozen=True)
class Part:
    """From `begin` to `end`, in seconds."""

    begin: float
    end: float


def fields(mode: Mode, field: Field) -> tuple[Field, Field] | None:
    """The fields that hold where the part begins and how long it is; None where the mode uses all of the file."""
    starts = [other for other in mode.fields if other.start_of == field.name]
    seconds = mode.field("seconds")
    return (starts[0], seconds) if starts and seconds.follows == field.name else None


def part(mode: Mode, field: Field, media: Media) -> Part:
    """What the numbers of the form say, within the file."""
    held = fields(mode, field)
    if held is None:
        return Part(0.0, media.seconds)
    begin = min(max(0.0, values.get(mode, held[0].name) or 0.0), media.seconds)
    given = values.collect(mode)
    length = given["seconds"] if given["seconds"] is not None else values.following(mode, given)
    return Part(begin, min(media.seconds, begin + (length or 0.0)))


def trim(mode: Mode, field: Field, media: Media) -> None:
    """Draw the control, where there is anything to choose."""
    held = fields(mode, field)
    if held is None or media.seconds <= (held[1].min or 0.0) + STEP:
        return
    now, last = part(mode, field, media), _last(media)
    shown = (round(min(now.begin, last - STEP), 1), round(min(max(now.end, now.begin + STEP), last), 1))
    name = f"{field.name}.part"
    values.assign(mode, name, shown)
    widget = values.key(mode, name)
    with st.container(key=f"trim-{field.name}", gap="xxsmall"):
        st.slider(
            f"Part of the {field.title.lower()} that is used",
            0.0,
            last,
            step=STEP,
            format="%.1f s",
            key=widget,
            label_visibility="collapsed",
            on_change=_choose,
            args=(mode, field, media, widget, shown),
        )
        used, whole = words.seconds(now.end - now.begin), words.seconds(media.seconds)
        st.caption("All of it is used." if used == whole else f"{used} of {whole}, from {words.seconds(now.begin)} on.")


def _last(media: Media) -> float:
    """The end of the control: the file's own, to the next step."""
    return math.ceil(round(media.seconds / STEP, 3)) * STEP


def _choose(mode: Mode, field: Field, media: Media, widget: str, before: tuple[float, float]) -> None:
    """Take over what was chosen: never longer than the mode makes, the end that was moved leading the other one."""
    held = fields(mode, field)
    chosen = st.session_state.get(widget)
    if held is None or chosen is None:
        return
    start, seconds = held
    begin, end = within(chosen, before, (seconds.min or 0.0, seconds.max or math.inf), _last(media))
    values.assign(mode, start.name, round(begin, 1))
    values.assign(mode, "seconds", None)
    whole = values.following(mode, values.collect(mode)) or 0.0
    if abs(end - begin - whole) > STEP / 2 and end < _last(media):
        values.assign(mode, "seconds", round(end - begin, 1))


def within(
    chosen: tuple[float, float], before: tuple[float, float], limits: tuple[float, float], last: float
) -> tuple[float, float]:
    """The part that is meant by two ends, neither shorter nor longer than the limits: the end that moved is kept."""
    begin, end = chosen
    least, longest = limits
    length = min(max(end - begin, min(least, last)), longest)
    leads_end = begin == before[0] and end != before[1]
    begin = max(0.0, end - length) if leads_end else min(begin, last - length)
    return begin, min(last, begin + length)
