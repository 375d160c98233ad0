"""A log as people look into it: its end, filtered, looked at again and again, and as a file to keep."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from client import logs
from client.logs import Log
from pages.parts import markup

POLL_SECONDS = 3.0
SHOWN = 400
HEIGHT = 420


def view(known: Sequence[Log], secrets: Sequence[str]) -> None:
    """Draw the choice of a log, the filter, and the lines."""
    if not known:
        text = "A studio that `python3 -m bootstrap up` started keeps logs in its data folder."
        st.html(markup.notice("quiet", "No log is kept here.", text, "description"))
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="log-tools"):
        titles = [log.title for log in known]
        title = st.selectbox("Which", titles, key="log.which", width=240)
        text = st.text_input("Only lines with", key="log.filter", placeholder="error", width="stretch")
    log = next((log for log in known if log.title == title), known[0])
    st.fragment(lambda: _lines(log, text or "", secrets), run_every=POLL_SECONDS)()


def _lines(log: Log, text: str, secrets: Sequence[str]) -> None:
    every = logs.tail(log.path, secrets)
    found = logs.matching(every, text)
    with st.container(key="log-lines"):
        if found:
            st.code("\n".join(found[-SHOWN:]), language=None, height=HEIGHT, wrap_lines=True)
        elif every:
            st.html(markup.empty("search_off", "No line fits", f"{len(every)} lines have been looked at."))
        else:
            st.html(markup.empty("description", "Nothing is written yet", ""))
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.html(markup.line([f"the last {min(SHOWN, len(found))} of {len(found)} lines"]), width="content")
        st.download_button(
            "Download",
            # All of it, read when asked for: what is shown changes every few seconds, and would be kept each time.
            lambda: "\n".join(logs.matching(logs.tail(log.path, secrets, logs.WHOLE_BYTES), text)) + "\n",
            file_name=f"{log.path.stem}.log",
            mime="text/plain",
            key="log-download",
            icon=":material/download:",
            on_click="ignore",
            disabled=not found,
        )
