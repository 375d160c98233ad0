"""The field for one's own LoRAs: rows of a name from the engine's list and a strength."""

from __future__ import annotations

import streamlit as st

from client.jobs import manager
from pages.parts import values, words
from workflows.manifest import Field, Mode

NONE_LISTED = "The engine has none of your own. Those in a ComfyUI server's folder models/loras appear here."


def lora_rows(mode: Mode, field: Field) -> None:
    """Draw the rows, and a button for one more while there may be one."""
    names, rows = manager().loras(), values.loras(mode, field)
    with st.container(key=f"field-{field.name}", gap="xsmall"):
        st.markdown(field.title, help=field.help)
        if not names and not rows:
            st.caption(NONE_LISTED)
            return
        st.caption(words.sentence(field.help))
        for row in rows:
            _row(mode, field, row, names)
        if names and len(rows) < field.max_rows:
            st.button(
                "Add a LoRA",
                key=values.key(mode, f"{field.name}.add"),
                icon=":material/add:",
                on_click=values.add_lora,
                args=(mode, field),
            )


def _row(mode: Mode, field: Field, row: int, names: tuple[str, ...]) -> None:
    key = values.key(mode, f"{field.name}.{row}.name")
    chosen = st.session_state.get(key)
    # What an engine no longer lists stays chosen until somebody takes it away: the refusal should name it.
    options = names if chosen is None or chosen in names else (chosen, *names)
    with st.container(key=f"lora-{row}", gap="xxsmall"):
        with st.container(horizontal=True, wrap=False, gap="xsmall"):
            st.selectbox(
                f"LoRA {row}",
                options,
                index=None,
                key=key,
                format_func=lambda name: (
                    words.lora(name) if name in names else f"{words.lora(name)} (not on this engine)"
                ),
                placeholder="Choose a LoRA",
                label_visibility="collapsed",
                persist_state="session",
            )
            st.button(
                "Remove",
                key=values.key(mode, f"{field.name}.{row}.remove"),
                icon=":material/close:",
                type="tertiary",
                on_click=values.remove_lora,
                args=(mode, field, row),
            )
        st.slider(
            "Strength",
            field.min,
            field.max,
            step=field.step,
            key=values.key(mode, f"{field.name}.{row}.strength"),
            persist_state="session",
        )
