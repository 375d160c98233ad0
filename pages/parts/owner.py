"""Whose jobs a visitor sees: an anonymous id, the same in every tab and after every reload.

It comes from the cookie that the studio's server sets. Where there is none (plain `streamlit run`, a frame of another
site) it stands in the address as `?u=`, and every link keeps it.
"""

from __future__ import annotations

import re
import uuid

import streamlit as st

COOKIE = "studio_owner"
PARAMETER = "u"
KEY = "studio.owner"
VALID = re.compile(r"[0-9a-f]{32}")


def current() -> str:
    """The visitor's id; a new one, put into the address, for a visitor who has none."""
    cookie = _valid(st.context.cookies.get(COOKIE))
    if cookie:
        return cookie
    owner = _valid(st.query_params.get(PARAMETER)) or st.session_state.get(KEY) or uuid.uuid4().hex
    st.session_state[KEY] = owner
    if st.query_params.get(PARAMETER) != owner:
        st.query_params[PARAMETER] = owner
    return owner


def link(**parameters: str) -> dict[str, str]:
    """Query parameters of a link to another page, the id among them where the address carries it."""
    kept = {} if _valid(st.context.cookies.get(COOKIE)) else {PARAMETER: current()}
    return {**kept, **parameters}


def _valid(text: object) -> str | None:
    return text if isinstance(text, str) and VALID.fullmatch(text) else None
