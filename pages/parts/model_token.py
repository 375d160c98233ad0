"""The hub's token on a page: whether there is one and whether the hub takes it, never its text."""

from __future__ import annotations

import streamlit as st

from client.models import token as tokens
from client.models.hub import Hub
from pages.parts import markup
from pages.parts.whole import whole
from workflows.errors import StudioError

KEY = "models.token"
SAID = {
    "accepted": ("The hub accepts the token.", "", "verified"),
    "refused": ("The hub refuses the token.", "Make a new one and set `HF_TOKEN`, or run `hf auth login`.", "error"),
}


def token() -> None:
    """Draw what is known, and a button that asks the hub."""
    try:
        hub = Hub.from_environment()
    except StudioError as error:
        st.html(markup.notice("error", error.message, error.hint, "error"))
        return
    origin = tokens.origin(hub)
    if not origin:
        text = "None of the files that the modes need by default asks for one. Set `HF_TOKEN` where a licence does."
        st.html(markup.notice("quiet", "No token is set.", text, "key_off"))
        return
    with st.container(horizontal=True, vertical_alignment="center", key="token"):
        st.html(markup.line([f"A token is set, from {origin}"]), width="content")
        if st.button("Check it", icon=":material/key:", key="token-check"):
            with st.spinner("Asking the hub"):
                found = tokens.check(hub)
            # The hub takes seconds: what it said is kept, whatever was clicked meanwhile.
            with whole():
                st.session_state[KEY] = found
    verdict, reason = st.session_state.get(KEY, ("", ""))
    if verdict in SAID:
        title, text, symbol = SAID[verdict]
        st.html(markup.notice("error" if verdict == "refused" else "quiet", title, text, symbol))
    elif verdict == "unknown":
        st.html(markup.notice("warn", "The hub could not be asked.", f"{reason}.", "cloud_off"))
