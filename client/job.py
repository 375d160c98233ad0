"""A job as pages see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from client import drafting
from client.reducer import Track
from client.standing import standing
from client.states import JobState, is_final
from client.store import Row
from workflows import manifest
from workflows.grid import Shape


@dataclass(frozen=True)
class Job:
    """A job at one moment.

    `values` are the request's fields as sent, `shape` is what is really made. Times are unix seconds. `poster` is a
    file name in the library, `preview` the newest picture of the work in progress. `group` is shared by the variations
    of one request, `enhanced` the prompt as the engine has rewritten it; None where there is none. `held` says that it
    waits in the studio, so that it can be moved, `draft` that it is one for the draft engine beside the studio's own,
    `sketch` that a draft engine makes it, there or as the studio's own. `deleted_at` is set while a deleted job can
    still be had back.
    """

    id: str
    owner: str
    mode: str
    preset: str
    values: Mapping[str, Any]
    shape: Shape
    state: JobState
    stages: tuple[str, ...]
    created_at: float
    started_at: float | None
    finished_at: float | None
    cancelling: bool
    retry_of: str | None
    poster: str | None
    preview: bytes | None
    group: str | None = None
    enhanced: str | None = None
    held: bool = False
    draft: bool = False
    sketch: bool = False
    favourite: bool = False
    deleted_at: float | None = None

    def elapsed(self, now: float) -> float:
        """Seconds since the engine began; 0 while queued, fixed once the job has ended."""
        return max(0.0, (self.finished_at or now) - self.started_at) if self.started_at is not None else 0.0


def snapshot(row: Row, track: Track | None, held: bool, now: float) -> Job:
    """A job at `now`, unix seconds, as its row and, while it is followed, its track tell of it."""
    live = track if track is not None and not is_final(row.state) else None
    return Job(
        id=row.id,
        owner=row.owner,
        mode=row.mode,
        preset=row.preset,
        values=row.request,
        shape=Shape(row.width, row.height, row.frames, row.fps),
        state=standing(live, now) if live else row.state,
        stages=live.plan.stages if live else tuple(stage.title for stage in manifest.mode(row.mode).stages),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        cancelling=row.cancel_asked and not is_final(row.state),
        retry_of=row.retry_of,
        poster=row.poster,
        preview=live.preview if live else None,
        group=row.group_id,
        enhanced=row.enhanced,
        held=held,
        draft=row.engine == drafting.NAME,
        sketch=row.engine in (drafting.NAME, drafting.SKETCH),
        favourite=row.favourite,
        deleted_at=row.deleted_at,
    )
