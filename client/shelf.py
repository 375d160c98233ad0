"""The library as people keep it: what is found in it, favourites, what was deleted and can still be had back.

Every change names the owner, and touches nobody else's videos. Deleting takes two steps: `discard` hides a video, and
`purge` removes it for good with its files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from client import library, search
from client.states import Output, Succeeded
from client.store import Row, Store
from workflows.values import Media

GRACE_SECONDS = 24 * 3600.0
"""How long a deleted video can be had back."""
BATCH = 500
"""Ids in one statement; SQLite takes 999 at least."""
SHOWN = "state = 'succeeded' AND deleted_at IS NULL"
"""The condition of the index over the library, as it stands there."""
UPLOAD = re.compile(r"[0-9a-f]{24}\.[a-z0-9]{2,4}")
"""A file's name as `client.media` gives it."""


@dataclass(frozen=True)
class Wanted:
    """What of a library is looked for.

    `text` is words, or beginnings of words, that must all occur in prompt, file names, LoRAs or seed. `since` and
    `until` are unix seconds between which a video was finished, the end excluded.
    """

    mode: str | None = None
    text: str = ""
    favourites: bool = False
    since: float | None = None
    until: float | None = None


EVERYTHING = Wanted()


class Shelf:
    """The finished videos in a database, with their files in `folder` and what they were made from in `uploads`."""

    def __init__(self, store: Store, folder: Path, uploads: Path) -> None:
        self.store = store
        self.folder = folder
        self.uploads = uploads

    def page(self, owner: str, wanted: Wanted, limit: int, offset: int = 0) -> list[Row]:
        """An owner's videos, newest first."""
        found, values = _found(owner, wanted)
        # The inner query reads an index alone, so that what is skipped costs next to nothing.
        return self.store.rows(
            f"WHERE rowid IN (SELECT rowid {found} ORDER BY finished_at DESC LIMIT ? OFFSET ?)"
            " ORDER BY finished_at DESC",
            *(*values, limit, offset),
        )

    def is_empty(self, owner: str) -> bool:
        """Whether an owner has no video at all."""
        return not self.store.read(f"SELECT 1 FROM jobs WHERE owner = ? AND {SHOWN} LIMIT 1", owner)

    def count(self, owner: str, wanted: Wanted = EVERYTHING) -> int:
        """How many videos `page` would list in all."""
        found, values = _found(owner, wanted)
        return int(self.store.read(f"SELECT COUNT(*) {found}", *values)[0][0])

    def ids(self, owner: str, wanted: Wanted = EVERYTHING) -> list[str]:
        """The ids of all of them, newest first."""
        found, values = _found(owner, wanted)
        return [row["id"] for row in self.store.read(f"SELECT id {found} ORDER BY finished_at DESC", *values)]

    def size(self, owner: str | None = None) -> int:
        """Bytes of the videos in the library, of this owner's or of everybody's."""
        found = self.store.read(
            "SELECT SUM(json_extract(output.value, '$.size')) FROM jobs, json_each(result, '$.outputs') AS output"
            f" WHERE {SHOWN} AND (?1 IS NULL OR owner = ?1)",
            owner,
        )
        return int(found[0][0] or 0)

    def set_favourite(self, owner: str, ids: Sequence[str], on: bool) -> int:
        """Mark videos as favourites or not; how many are the owner's."""
        return self._change("favourite = ?", owner, ids, int(on))

    def discard(self, owner: str, ids: Sequence[str], now: float) -> int:
        """Delete videos so that `restore` can bring them back for `GRACE_SECONDS`; how many there were."""
        return self._change("deleted_at = ?", owner, ids, now, where=SHOWN)

    def restore(self, owner: str, ids: Sequence[str]) -> int:
        """Bring deleted videos back; how many were still there."""
        return self._change("deleted_at = NULL", owner, ids, where="deleted_at IS NOT NULL")

    def _change(self, what: str, owner: str, ids: Sequence[str], *values: float, where: str = "1") -> int:
        changed = 0
        for some in batches(ids):
            marks = ", ".join("?" * len(some))
            statement = f"UPDATE jobs SET {what} WHERE owner = ? AND {where} AND id IN ({marks})"
            changed += self.store.run(statement, *values, owner, *some)
        return changed

    def discarded(self, owner: str) -> list[Row]:
        """An owner's deleted videos that can be had back, the last deleted first."""
        return self.store.rows("WHERE deleted_at IS NOT NULL AND owner = ? ORDER BY deleted_at DESC", owner)

    def purge(self, rows: Iterable[Row], now: float) -> int:
        """Remove finished jobs for good, with their files and with uploads that no job uses any more; how many.

        The row goes first: a cut leaves files without a row, which are found, and never a row without its files.
        """
        gone = [row for row in rows if self.store.delete(row.id)]
        for row in gone:
            library.remove(self.folder, files_of(row))
        self._remove_uploads({name for row in gone for name in uploads_of(row)}, now)
        return len(gone)

    def purge_discarded(self, now: float, owner: str | None = None) -> int:
        """Purge what was deleted longer ago than `GRACE_SECONDS`, or all that this owner has deleted; how many."""
        if owner is not None:
            return self.purge(self.discarded(owner), now)
        return self.purge(self.store.rows("WHERE deleted_at < ?", now - GRACE_SECONDS), now)

    def _remove_uploads(self, names: set[str], now: float) -> None:
        unused = names - self.used_uploads() if names else set()
        # A form may hold a file that no job uses yet.
        library.remove(self.uploads, [name for name in unused if is_older(self.uploads / name, now, GRACE_SECONDS)])

    def source_of(self, owner: str, upload: str) -> str:
        """What the owner called an upload of that name; the name itself where none of the owner's jobs has it."""
        for row in self.store.rows("WHERE owner = ? AND instr(request, ?) LIMIT 1", owner, upload):
            for value in row.request.values():
                if isinstance(value, Media) and value.source and Path(value.path).name == upload:
                    return value.source
        return upload

    def used_uploads(self) -> set[str]:
        """The names of all uploads that a job, whoever's and in whatever state, was made from."""
        found = self.store.read("SELECT request FROM jobs")
        return {name for row in found for name in UPLOAD.findall(row["request"])}


def _found(owner: str, wanted: Wanted) -> tuple[str, list[str | float]]:
    """FROM and WHERE of what is wanted."""
    asked: list[tuple[str, str | float | None]] = [
        ("mode = ?", wanted.mode),
        ("finished_at >= ?", wanted.since),
        ("finished_at < ?", wanted.until),
        ("favourite = ?", 1 if wanted.favourites else None),
        (search.FOUND, search.query(wanted.text) or None),
    ]
    given = [(condition, value) for condition, value in asked if value is not None]
    conditions = " AND ".join(["owner = ?", SHOWN, *(condition for condition, _ in given)])
    return f"FROM jobs INDEXED BY library WHERE {conditions}", [owner, *(value for _, value in given)]


def batches(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    """The ids in pieces that fit into one statement."""
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def outputs_of(row: Row) -> tuple[Output, ...]:
    """The videos of a job; none where it made none."""
    return row.state.outputs if isinstance(row.state, Succeeded) else ()


def files_of(row: Row) -> list[str]:
    """The names of a job's files in the library folder."""
    return [*(output.name for output in outputs_of(row)), *([row.poster] if row.poster else [])]


def uploads_of(row: Row) -> list[str]:
    """The names in the uploads folder of what a job was made from."""
    return [Path(value.path).name for value in row.request.values() if isinstance(value, Media) and value.path]


def is_older(path: Path, now: float, seconds: float) -> bool:
    """Whether a file is there and was last written longer ago than so many seconds."""
    try:
        return now - path.stat().st_mtime > seconds
    except FileNotFoundError:
        return False
