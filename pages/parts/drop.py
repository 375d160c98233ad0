"""The place of the Library where a video is dropped to get its settings back."""

from __future__ import annotations

import streamlit as st

from client import settings
from client.jobs import manager
from client.restoring import restore
from pages.parts import files, markup, owner, reuse
from pages.parts.frame import page_of
from pages.parts.send_bar import refuse
from pages.parts.whole import whole
from workflows import manifest
from workflows.errors import StudioError

TURN, REFUSAL, OPEN = "library.drop.turn", "library.drop.refusal", "library.drop.open"
ANYWHERE = """<script>
(() => {
  if (window.studioDrop) return;
  window.studioDrop = true;
  const place = () => document.querySelector('.st-key-drop [data-testid="stFileUploader"]');
  const light = (on) => document.body.classList.toggle("s-dropping", on);
  const concerns = (event) => place() && event.dataTransfer && event.dataTransfer.types.includes("Files");
  window.addEventListener("dragover", (event) => {
    if (!concerns(event)) return;
    event.preventDefault();
    light(true);
  });
  window.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) light(false);
  });
  window.addEventListener("drop", (event) => {
    light(false);
    if (!concerns(event) || place().contains(event.target)) return;
    event.preventDefault();
    const input = place().querySelector("input[type=file]");
    const carried = new DataTransfer();
    carried.items.add(event.dataTransfer.files[0]);
    input.files = carried.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
})();
</script>"""
"""A file that is dropped anywhere on the page goes to the place for it; elsewhere the browser would open it."""


def drop(visitor: str) -> None:
    """Draw the place; go to the form that a dropped video has filled."""
    target = st.session_state.get(OPEN)
    if target:
        with whole():
            st.switch_page(page_of(manifest.mode(target)), query_params=owner.link())
            del st.session_state[OPEN]
    widget = f"library.drop.{st.session_state.get(TURN, 0)}"
    with st.container(key="drop", gap="xsmall"):
        st.html(markup.section("Settings from a video"))
        st.caption("Drop an MP4 that was made here anywhere on this page: the form opens with its settings.")
        st.file_uploader(
            "Video",
            type=["mp4"],
            key=widget,
            max_upload_size=settings.read().max_upload_mb,
            on_change=_restore,
            args=(widget, visitor),
            label_visibility="collapsed",
        )
        refusal = st.session_state.pop(REFUSAL, None)
        if refusal:
            st.html(markup.notice("error", refusal[0], refusal[1], "videocam_off"))
    st.html(ANYWHERE, unsafe_allow_javascript=True)


def _restore(widget: str, visitor: str) -> None:
    """Fill the form and let go of the upload, which would otherwise stay in memory."""
    chosen = files.chosen(widget)
    if chosen is None:
        return
    files.let_go(chosen)
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1
    jobs = manager()
    try:
        found = restore(
            chosen,
            chosen.name,
            jobs.uploads,
            settings.read().max_upload_mb,
            lambda name: jobs.shelf.source_of(visitor, name),
        )
    except StudioError as error:
        st.session_state[REFUSAL] = (error.message, error.hint)
        return
    mode = manifest.mode(found.mode)
    reuse.fill(mode, found.preset, found.values, found.missing)
    if found.unknown:
        said = f"{chosen.name} also sets {', '.join(found.unknown)}."
        hint = "This version has no such settings; the form holds all others."
        refuse(mode, said, hint)
    st.session_state[OPEN] = found.mode
