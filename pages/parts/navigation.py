"""The sidebar: every page, in the sections Create, Library and System. Below 1024 px it is a drawer over the page."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.parts import owner
from workflows import manifest
from workflows.manifest import Mode

ROOT = Path(__file__).parents[2]
QUEUE = ("pages/Queue.py", "Queue", "queue_play_next")
SYSTEM = {
    "Engine": "memory",
    "Models": "deployed_code",
    "Settings": "tune",
    "Estimates": "monitoring",
}
"""The pages of the last section, with their icons."""
DRAWER = Path(__file__).with_name("drawer.js").read_text(encoding="utf-8")
"""Streamlit's own sidebar is a drawer on phones only, and closes after links of its own navigation only."""
ELAPSED = Path(__file__).with_name("elapsed.js").read_text(encoding="utf-8")
LINKS = Path(__file__).with_name("links.js").read_text(encoding="utf-8")


def page_of(mode: Mode) -> str:
    """The page file of a mode, named after its title."""
    return f"pages/{mode.title.replace(' ', '_')}.py"


def sidebar() -> None:
    """Draw the sidebar."""
    st.logo(str(ROOT / "assets" / "logo.svg"), size="large", icon_image=str(ROOT / "assets" / "mark.svg"))
    with st.sidebar:
        _link("Home.py", "Home", "home")
        st.caption("Create")
        for mode in manifest.modes():
            _link(page_of(mode), mode.title, mode.icon)
        _link(*QUEUE)
        st.caption("Library")
        _link("pages/Library.py", "Library", "grid_view")
        st.caption("System")
        for name in SYSTEM:
            to_system(name)
        st.html(f"<script>{DRAWER}\n{ELAPSED}\n{LINKS}</script>", unsafe_allow_javascript=True)


def to_system(name: str) -> None:
    """A link to a page of the section System."""
    _link(f"pages/{name}.py", name, SYSTEM[name])


def _link(page: str, label: str, icon: str) -> None:
    st.page_link(page, label=label, icon=f":material/{icon}:", query_params=owner.link())
