"""The visitor's time zone."""

from __future__ import annotations

from datetime import tzinfo
from zoneinfo import ZoneInfo

import streamlit as st


def zone() -> tzinfo | None:
    """The time zone the browser reports, None (the studio's own) where it reports none that is known."""
    name = st.context.timezone
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, KeyError):
        return None
