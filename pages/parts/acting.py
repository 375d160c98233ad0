"""Whether a visitor may act on the machine: see logs and settings, restart the engine, fetch models."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Collection

import streamlit as st

from client import settings
from pages.parts import markup

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via")
"""Headers of a visit that came by a proxy or a tunnel, and so perhaps from anywhere."""


def may_act() -> bool:
    """What STUDIO_ADMIN says, of this visit."""
    configured = settings.read()
    # Under plain `streamlit run` Streamlit's own option decides where it listens, not STUDIO_HOST.
    served = bool(os.environ.get("STUDIO_ROUTES"))
    address = configured.host if served else str(st.get_option("server.address") or "")
    return allowed(configured.admins, address, [name for name in FORWARDED if st.context.headers.get(name)])


def allowed(admins: str, address: str, forwarded: Collection[str]) -> bool:
    """The same from facts: the setting, the address listened on ("" = every one), and what tells of a proxy."""
    return admins == "yes" or (admins == "auto" and _is_loopback(address) and not forwarded)


def closed(text: str) -> None:
    """Say that this visitor may not act, and how that is changed; `text` says what is missing here."""
    st.html(
        markup.notice("quiet", "Others can reach this studio.", f"{text} `STUDIO_ADMIN=yes` opens them to all.", "lock")
    )


def _is_loopback(address: str) -> bool:
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
