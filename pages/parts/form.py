"""A mode's form, made from its manifest: nothing here knows a mode by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Literal

import streamlit as st

from pages.parts import examples, sizes, values, words
from pages.parts.send_bar import send_bar
from pages.parts.widgets import WIDGETS
from workflows.manifest import Field, Mode, Preset
from workflows.request import MAX_JOBS

PICTURE_WIDTH = 164


def form(mode: Mode, owner: str) -> None:
    """Draw the form and, when asked, send what it says."""
    values.settle(mode)
    chosen = values.preset(mode)
    fields = mode.fields_for(chosen, values.raw(mode))
    before, beside = _main(fields)
    with st.container(border=True, key="form"):
        examples.row(mode)
        _flow(mode, before)
        _preset_control(mode, chosen)
        _aspect_control(mode)
        # A duration that may follow a file says so, and takes a line of its own.
        is_short = not any(field.follows for field in beside)
        with st.container(key="sizes", gap="xxsmall"):
            with st.container(horizontal=True, key="measures", vertical_alignment="bottom"):
                _resolution_control(mode, chosen, "content" if is_short else "stretch")
                _draw(mode, beside if is_short else ())
            _resolution_means(mode, chosen)
        _draw(mode, () if is_short else beside)
        look, advanced = _group(fields, "look"), (*_group(fields, "size"), *_group(fields, "advanced"))
        with st.expander(_titles(look), icon=":material/theaters:", key=values.key(mode, "look")):
            _draw(mode, look)
        with (
            st.expander("Advanced", icon=":material/tune:", key=values.key(mode, "advanced")),
            st.grid(2, min_column_width=130, gap="small"),
        ):
            _draw(mode, advanced)
        send_bar(mode, owner)


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
            for field in neighbours:
                if field.name == "enhance":
                    with st.container(horizontal=True, key="prompting"):
                        WIDGETS[field.type](mode, field)
                        _listed(mode)
                else:
                    WIDGETS[field.type](mode, field)


def _listed(mode: Mode) -> None:
    """Whether the lines of the prompt are prompts of their own; it says something of the sending, not of the video."""
    st.toggle(
        "One video a line",
        key=values.key(mode, "listed"),
        help=f"Each line of the prompt makes a video of its own, with as many variations as are chosen; {MAX_JOBS} "
        "videos at once are the most. Blank lines are passed over.",
        persist_state="session",
    )


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
        "Aspect",
        list(sizes.ASPECTS),
        key=values.key(mode, "aspect"),
        help="The form of the picture. Any other size can be set under Advanced.",
        persist_state="session",
        width="stretch",
    )


def _resolution_control(mode: Mode, chosen: Preset, width: Literal["content", "stretch"]) -> None:
    st.segmented_control(
        "Resolution",
        list(chosen.resolutions),
        format_func=lambda name: chosen.resolutions[name].title,
        key=values.key(mode, "resolution"),
        persist_state="session",
        width=width,
    )


def _resolution_means(mode: Mode, chosen: Preset) -> None:
    """The size that is set, and what it is for."""
    lit = chosen.resolutions.get(values.get(mode, "resolution") or "")
    means = lit.help if lit else "A size of your own, set under Advanced."
    st.caption(f"{words.size(*values.size(mode))}. {means}")
