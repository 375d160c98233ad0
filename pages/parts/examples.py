"""The examples of a mode: each fills its form in one click, files included."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from client import settings
from client.jobs import manager
from client.media import admit_file
from pages.parts import markup, values
from workflows.errors import StudioError
from workflows.manifest import MEDIA_TYPES, Example, Mode
from workflows.values import Media

FOLDER = Path(__file__).parents[2] / "assets" / "examples"
POSTERS = "/app/static/examples"
"""Served by Streamlit as they are: what it serves from memory may be gone by the time that a slow browser asks."""
CARD_WIDTH = 200


def cards(mode: Mode) -> None:
    """Draw the examples as pictures of what comes of them."""
    with st.container(key="examples", gap="small"):
        st.html(markup.section("Or begin with an example"))
        with st.grid(len(mode.examples), min_column_width=CARD_WIDTH, gap="small") as grid:
            for number, example in enumerate(mode.examples):
                with grid.cell(), st.container(key=f"example-{number}", gap="xxsmall"):
                    st.image(f"{POSTERS}/{example.poster}", width="stretch", alt="")
                    _button(mode, example, f"example.{number}")


def row(mode: Mode) -> None:
    """Draw the examples as a row of buttons, for where there is no place for the pictures, and what went wrong."""
    with st.container(horizontal=True, key="example-row", gap="xsmall"):
        for number, example in enumerate(mode.examples):
            _button(mode, example, f"example.{number}.short")
    refusal = values.get(mode, "example.refusal")
    if refusal:
        st.html(markup.notice("error", *refusal, "error"))


def _button(mode: Mode, example: Example, name: str) -> None:
    st.button(
        example.title,
        key=values.key(mode, name),
        help="Fills the form with this example.",
        type="tertiary",
        on_click=fill,
        args=(mode, example),
    )


def fill(mode: Mode, example: Example) -> None:
    """Set the form to an example, under the preset that is chosen; from a callback."""
    values.put(mode, "example.refusal", None)
    given = dict(example.values)
    try:
        given |= {name: _file(mode, name, str(value)) for name, value in given.items() if _is_media(mode, name)}
    except StudioError as error:
        values.put(mode, "example.refusal", (error.message, error.hint))
        return
    values.fill(mode, values.preset(mode).name, given)
    shaping = given.get(mode.aspect_of)
    if isinstance(shaping, Media):
        values.settle(mode)
        values.shape_like(mode, shaping)


def _is_media(mode: Mode, name: str) -> bool:
    return mode.field(name).type in MEDIA_TYPES


def _file(mode: Mode, name: str, file: str) -> Media:
    field = mode.field(name)
    return admit_file(field, FOLDER / file, manager().uploads, field.title, settings.read().max_upload_mb)
