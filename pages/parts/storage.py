"""What the library fills on the disk, what was deleted, and what does not fit together, with what can be done."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence

import streamlit as st

from client import settings, strays
from client.jobs import Job, manager
from client.shelf import GRACE_SECONDS
from client.strays import Strays
from pages.parts import acting, markup, owner, words
from pages.parts.clock import zone
from workflows import manifest
from workflows.errors import StudioError

SAID = "library.storage.said"
MOST = 12
PROMPT_LENGTH = 90


def storage(visitor: str) -> None:
    """Draw the view. The folders are looked through each time, which takes a moment where there are many files."""
    with st.container(key="back"):
        st.page_link("pages/Library.py", label="All videos", icon=":material/arrow_back:", query_params=owner.link())
    found = strays.find(manager().shelf, visitor, time.time())
    st.html(markup.section("Storage"))
    st.html(markup.facts(_sizes(visitor)))
    said = st.session_state.pop(SAID, None)
    if said:
        st.html(markup.notice(*said))
    _deleted(manager().deleted(visitor), visitor)
    _without_file(found, visitor)
    _without_job(found, visitor)


def _sizes(visitor: str) -> list[tuple[str, str]]:
    shelf, data = manager().shelf, manager().folder.parent
    configured = settings.read()
    rules = [
        f"{words.number(configured.keep_days)} days" if configured.keep_days is not None else "",
        f"up to {words.number(configured.keep_gb)} GB" if configured.keep_gb is not None else "",
    ]
    kept = ", ".join(rule for rule in rules if rule)
    return [
        ("Your videos", f"{words.videos(shelf.count(visitor))}, {words.megabytes(shelf.size(visitor))}"),
        ("Free on disk", words.megabytes(shutil.disk_usage(data).free)),
        ("Kept", f"{kept}; favourites for ever" if kept else "Until you delete them"),
    ]


def _deleted(jobs: Sequence[Job], visitor: str) -> None:
    with st.container(key="section-deleted", horizontal=True, vertical_alignment="center", gap="small"):
        st.html(markup.section("Deleted", len(jobs)), width="content")
        if jobs:
            st.button("Delete all now", key="purge", icon=":material/delete_forever:", on_click=_purge, args=(visitor,))
    if not jobs:
        st.caption(f"What you delete can be had back here for {words.span(GRACE_SECONDS)}.")
        return
    for job in jobs[:MOST]:
        with st.container(key=f"deleted-{job.id}", horizontal=True, vertical_alignment="center", gap="small"):
            st.html(_entry(job))
            st.button(
                "Restore",
                key=f"restore-{job.id}",
                icon=":material/undo:",
                on_click=manager().shelf.restore,
                args=(visitor, [job.id]),
            )
    if len(jobs) > MOST:
        ids = [job.id for job in jobs]
        st.button(f"Restore all {len(jobs)}", key="restore-all", on_click=manager().shelf.restore, args=(visitor, ids))


def _entry(job: Job) -> str:
    prompt = words.clip(str(job.values.get("prompt", "")), PROMPT_LENGTH)
    gone = words.moment((job.deleted_at or 0) + GRACE_SECONDS, zone())
    return markup.task(manifest.mode(job.mode).tag, prompt) + markup.line([f"gone for good on {gone}"])


def _purge(visitor: str) -> None:
    count = manager().shelf.purge_discarded(time.time(), visitor)
    _say("quiet", f"{words.videos(count)} deleted for good.", "", "delete_forever")


def _without_file(found: Strays, visitor: str) -> None:
    with st.container(key="section-fileless"):
        st.html(markup.section("Entries without their video", len(found.rows)))
    if not found.rows:
        st.caption("Every entry of yours has its file.")
        return
    st.html(markup.line([words.clip(str(row.request.get("prompt", "")), 40) for row in found.rows[:MOST]]))
    st.caption("Their files were removed from the library folder. The settings are still there until you remove them.")
    _act("Remove these entries", "forget", "playlist_remove", _forget, visitor)


def _forget(visitor: str) -> None:
    count = strays.forget(manager().shelf, visitor, time.time())
    _say("quiet", f"{count} {'entry' if count == 1 else 'entries'} removed.", "", "playlist_remove")


def _without_job(found: Strays, visitor: str) -> None:
    count = len(found.files) + len(found.uploads)
    with st.container(key="section-strays"):
        st.html(markup.section("Files without an entry", count))
    if not count:
        st.caption("Every file belongs to a video.")
        return
    size = sum(found.files.values()) + sum(found.uploads.values())
    parts = [
        f"{words.videos(len(found.videos))}" if found.videos else "",
        f"{len(found.files) - len(found.videos)} posters and others" if len(found.files) > len(found.videos) else "",
        f"{len(found.uploads)} uploads that no video uses" if found.uploads else "",
        words.megabytes(size),
    ]
    st.html(markup.line(parts))
    is_alone = _is_alone(visitor)
    may_remove = is_alone or acting.may_act()
    with st.container(horizontal=True, gap="small", key="stray-actions"):
        if found.videos and is_alone:
            symbol = ":material/add_to_photos:"
            st.button("Take the videos in", key="take-in", icon=symbol, on_click=_take_in, args=(visitor,))
        if may_remove:
            _act("Delete these files", "remove-strays", "delete_forever", _remove, visitor)
    if not may_remove:
        st.caption("Others make videos here, too: whoever may act on the machine can delete these files.")


def _is_alone(visitor: str) -> bool:
    """Whether files without an entry can only be the visitor's."""
    return not strays.is_shared(manager().shelf, visitor)


def _take_in(visitor: str) -> None:
    if not _is_alone(visitor):
        return
    shelf, refused = manager().shelf, []
    videos = strays.find(shelf, visitor, time.time()).videos
    for name in videos:
        try:
            strays.take_in(shelf, visitor, name, settings.read().max_upload_mb)
        except StudioError as error:
            refused.append(error.message)
    taken = f"{words.videos(len(videos) - len(refused))} taken in."
    _say("warn" if refused else "quiet", taken, " ".join(refused[:MOST]), "add_to_photos")


def _remove(visitor: str) -> None:
    if not (_is_alone(visitor) or acting.may_act()):
        return
    count = strays.remove(manager().shelf, visitor, time.time())
    _say("quiet", f"{count} {'file' if count == 1 else 'files'} deleted.", "", "delete_forever")


def _act(label: str, key: str, symbol: str, act: Callable[[str], None], visitor: str) -> None:
    """A button that asks once more: what it does can't be undone."""
    with st.popover(label, icon=f":material/{symbol}:"):
        st.markdown("This can't be undone.")
        st.button(label, key=key, type="primary", width="stretch", on_click=act, args=(visitor,))


def _say(kind: str, title: str, text: str, symbol: str) -> None:
    st.session_state[SAID] = (kind, title, text, symbol)
