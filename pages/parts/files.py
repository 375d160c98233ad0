"""How a file of the library reaches the browser: by the studio's own route where it is there, by path elsewhere."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from client.jobs import Job, manager
from client.states import Succeeded
from pages.parts import words
from workflows.values import Media

ROUTES = "STUDIO_ROUTES"
"""Set by `bootstrap/serve.py`, which answers `/app/static/library/<name>` and `/app/static/uploads/<name>` with ranges;
plain Streamlit does not."""


def source(name: str) -> str:
    """What `st.video` and `st.image` take to show a file of the library."""
    return f"/app/static/library/{name}" if os.environ.get(ROUTES) else str(manager().folder / name)


def uploaded(media: Media) -> str:
    """What `st.video` and `st.audio` take to play a file that was uploaded."""
    return f"/app/static/uploads/{Path(media.path).name}" if os.environ.get(ROUTES) else media.path


def chosen(widget: str) -> UploadedFile | None:
    """The upload that a widget holds; None where there is none, or where it has been let go of already."""
    held = st.session_state.get(widget)
    return held if isinstance(held, UploadedFile) else None


def let_go(chosen: UploadedFile) -> None:
    """Free the memory of an upload that has been read: Streamlit keeps it for as long as the page's session lives."""
    context = get_script_run_ctx()
    if context is not None and runtime.exists():
        runtime.get_instance().uploaded_file_mgr.remove_file(context.session_id, chosen.file_id)


def video(job: Job) -> str | None:
    """The name of a job's video in the library, None where there is none (any more)."""
    if not isinstance(job.state, Succeeded) or not job.state.outputs:
        return None
    name = job.state.outputs[0].name
    return name if (manager().folder / name).is_file() else None


def opener(name: str) -> Callable[[], BinaryIO]:
    """Opens a file of the library when it is downloaded, not before."""
    return lambda: (manager().folder / name).open("rb")


def download(name: str) -> str | None:
    """The address that saves a file of the library, relative to a page's own; None where only Streamlit can."""
    return f"app/static/library/{name}?download" if os.environ.get(ROUTES) else None


def exported(name: str) -> str | None:
    """The address of an export, relative to a page's own; None where only Streamlit can hand it out."""
    return f"app/static/exports/{name}" if os.environ.get(ROUTES) else None


def export_opener(name: str) -> Callable[[], BinaryIO]:
    """Opens an export when it is downloaded, not before."""
    return lambda: (manager().exports.folder / name).open("rb")


def graph_writer(job_id: str) -> Callable[[], str]:
    """Writes a job's graph as JSON when it is downloaded, not before."""
    return lambda: json.dumps(manager().graph(job_id), indent=2)


def download_name(job: Job, extension: str) -> str:
    """A file name that says what it is: t2v-rain-on-a-tin-roof-3f2a91c0.mp4."""
    return named(job.mode, job.values, job.id, extension)


def named(mode: str, values: Mapping[str, Any], job_id: str, extension: str) -> str:
    """Likewise, for a job of which these are known."""
    text = words.slug(str(values.get("prompt") or ""), 40)
    return f"{'-'.join(part for part in (mode, text, job_id[:8]) if part)}.{extension}"
