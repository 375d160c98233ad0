"""The settings page: what is in force and from where, and what the doctor finds."""

from __future__ import annotations

import os
import time

import streamlit as st
from huggingface_hub import constants

from client import origins
from client import settings as configuration
from client.doctor import doctor
from client.logs import MASK
from client.models.hub import Hub
from client.models.token import origin as token_origin
from pages.parts import acting, markup, words
from pages.parts.clock import zone
from pages.parts.frame import frame
from workflows.errors import StudioError

POLL_SECONDS = 1.0


def settings() -> None:
    """Draw the page."""
    frame("Settings", "What is set, from where, and whether it works.")
    configured = configuration.read()
    if not acting.may_act():
        acting.closed("Its settings are hidden.")
        return
    _doctor()
    with st.container(key="section-settings"):
        st.html(markup.section("Settings"))
    st.caption("They are read when the studio starts: flags first, then the environment, then the defaults.")
    rows = [
        markup.SettingRow(one.setting.env, one.setting.flag, one.value, one.origin, one.setting.meaning)
        for one in origins.given(configured, os.environ)
    ]
    st.html(markup.settings(rows))
    with st.container(key="section-hub"):
        st.html(markup.section("Hugging Face hub"))
    try:
        st.html(markup.settings(_hub(Hub.from_environment())))
    except StudioError as error:
        st.html(markup.notice("error", error.message, error.hint, "error"))


def _doctor() -> None:
    """The doctor's part of the page, looked at again while it works."""
    begun = doctor.busy

    def body() -> None:
        _findings()
        if begun and not doctor.busy:
            st.rerun()

    st.fragment(body, run_every=POLL_SECONDS if begun else None)()


def _look() -> None:
    doctor.look()
    st.rerun()


def _findings() -> None:
    report, busy = doctor.report(), doctor.busy
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="section-doctor"
    ):
        st.html(markup.section("Doctor"), width="content")
        label = "Looking…" if busy else "Look again" if report else "Look"
        st.button(label, key="doctor", icon=":material/stethoscope:", disabled=busy, on_click=_look)
    if busy:
        st.html(markup.notice("quiet", "The doctor looks.", "This takes some seconds.", "hourglass_empty"))
    elif report is None:
        text = "It looks at Python, disk, GPU, ports, ComfyUI and the models, and says what to do."
        st.html(markup.empty("stethoscope", "The doctor has not looked yet", text))
    elif report.failure:
        st.html(markup.notice("error", "The doctor could not look.", f"Reason: {report.failure}.", "error"))
    else:
        said = (
            "A problem keeps the engine from working." if report.blocked else "Nothing keeps the engine from working."
        )
        st.html(markup.line([said, words.when(report.made, time.time(), zone())]))
        st.html(markup.findings((one.name, one.level, one.text, one.do) for one in report.findings))


def _hub(hub: Hub) -> list[markup.SettingRow]:
    """What of the hub's own variables concerns the studio; the token's text is never shown."""
    named = {
        "HF_ENDPOINT": (hub.name, "Where model files come from."),
        "HF_HUB_CACHE": (str(hub.cache), "The cache that they are kept in."),
        "HF_HUB_OFFLINE": ("yes" if hub.offline else "no", "Whether nothing is asked of the hub."),
    }
    rows = [markup.SettingRow(name, "", value, _origin(name), meaning) for name, (value, meaning) in named.items()]
    at = token_origin(hub)
    token = markup.SettingRow(
        "HF_TOKEN",
        "",
        MASK if hub.token else "",
        "environment" if at.startswith("the variable") else "file" if at else "default",
        f"The hub's token; without the variable it is read from {constants.HF_TOKEN_PATH}.",
    )
    return [*rows, token]


def _origin(name: str) -> str:
    also = {"HF_HUB_CACHE": ("HF_HOME", "XDG_CACHE_HOME")}.get(name, ())
    return "environment" if any(os.environ.get(one) for one in (name, *also)) else "default"
