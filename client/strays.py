"""What does not fit together in the library: files that no job has, jobs whose file is gone, uploads that none uses.

A file without a job is what a lost database, a cut or a copy by hand leaves. Its settings may be inside it, and then
it can be taken in again.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from client import library
from client.restoring import graph_in, restore
from client.shelf import GRACE_SECONDS, Shelf, is_older, outputs_of
from client.states import Output, Succeeded
from client.store import Row
from workflows.errors import StudioError
from workflows.request import parse
from workflows.values import Media

SETTLED_SECONDS = 600.0
"""A file younger than this may belong to something that is still going on."""
VIDEOS = (".mp4",)


@dataclass(frozen=True)
class Strays:
    """What was found. `files` and `uploads` map names to bytes; `rows` are an owner's videos without their file."""

    files: Mapping[str, int]
    uploads: Mapping[str, int]
    rows: tuple[Row, ...]

    @property
    def videos(self) -> tuple[str, ...]:
        """Those among the files that are videos."""
        return tuple(name for name in self.files if Path(name).suffix in VIDEOS)


def find(shelf: Shelf, owner: str, now: float) -> Strays:
    """Look through folders and database; a few milliseconds for every thousand files."""
    known, opened = _known(shelf), tuple(row.id for row in shelf.store.open_jobs())
    files = {
        name: size
        for name, size in _old_files(shelf.folder, now, SETTLED_SECONDS)
        if name not in known and not name.startswith(opened)
    }
    used = shelf.used_uploads()
    uploads = {name: size for name, size in _old_files(shelf.uploads, now, GRACE_SECONDS) if name not in used}
    there = {path.name for path in shelf.folder.iterdir()} if shelf.folder.is_dir() else set()
    rows = shelf.store.rows(
        "WHERE owner = ? AND state = 'succeeded' AND deleted_at IS NULL ORDER BY finished_at", owner
    )
    return Strays(files, uploads, tuple(row for row in rows if not _has_file(row, there)))


def _has_file(row: Row, there: set[str]) -> bool:
    return any(output.name in there for output in outputs_of(row))


def _known(shelf: Shelf) -> set[str]:
    """Names of all files that belong to a finished job, whoever's."""
    known: set[str] = set()
    for found in shelf.store.read("SELECT result, poster FROM jobs WHERE state = 'succeeded'"):
        known.update(output["name"] for output in json.loads(found["result"])["outputs"])
        known.add(found["poster"] or "")
    return known


def _old_files(folder: Path, now: float, seconds: float) -> Iterable[tuple[str, int]]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_file() and not path.name.startswith(".") and is_older(path, now, seconds):
            yield path.name, path.stat().st_size


def remove(shelf: Shelf, owner: str, now: float) -> int:
    """Delete the files and uploads that no job has, as they are now; how many."""
    found = find(shelf, owner, now)
    library.remove(shelf.folder, found.files)
    library.remove(shelf.uploads, found.uploads)
    return len(found.files) + len(found.uploads)


def forget(shelf: Shelf, owner: str, now: float) -> int:
    """Remove an owner's entries whose file is gone; how many."""
    return shelf.purge(find(shelf, owner, now).rows, now)


def is_shared(shelf: Shelf, owner: str) -> bool:
    """Whether somebody else makes videos here, too; a file without a job may then be theirs."""
    return bool(shelf.store.read("SELECT 1 FROM jobs WHERE owner <> ? LIMIT 1", owner))


def take_in(shelf: Shelf, owner: str, name: str, max_mb: int) -> None:
    """Make a video without a job one of the owner's, by the settings and the graph inside it.

    Raises StudioError `not_our_video`, `settings_unusable` or `video_gone`.
    """
    path = shelf.folder / name
    try:
        with path.open("rb") as file:
            found, graph = restore(file, name, shelf.uploads, max_mb), graph_in(file)
    except FileNotFoundError as error:
        raise StudioError("video_gone", value=name) from error
    lost = {field: Media(stated) for field, stated in found.missing.items()}
    request = parse(found.mode, {**found.values, **lost, "preset": found.preset})
    status, job_id = path.stat(), _id_for(shelf, path.stem)
    output = Output(name, status.st_size)
    shelf.store.add(job_id, owner, request, uuid.uuid4().hex, status.st_mtime)
    if graph:
        shelf.store.set_graph(job_id, graph)
    poster = library.poster(shelf.folder, (output,))
    shelf.store.close_job(job_id, Succeeded((output,)), status.st_mtime, poster)


def _id_for(shelf: Shelf, stem: str) -> str:
    """The job's own id, by which the file is called, where no other job has it."""
    try:
        own = str(uuid.UUID(stem))
    except ValueError:
        own = ""
    return own if own and shelf.store.get(own) is None else str(uuid.uuid4())
