"""A job as pages see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from client.states import JobState
from workflows.grid import Shape


@dataclass(frozen=True)
class Job:
    """A job at one moment.

    `values` are the request's fields as sent, `shape` is what is really made. Times are unix seconds. `poster` is a
    file name in the library, `preview` the newest picture of the work in progress. `group` is shared by the variations
    of one request, `enhanced` the prompt as the engine has rewritten it; None where there is none. `held` says that it
    waits in the studio, so that it can be moved, `draft` that it is one for the draft engine beside the studio's own.
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

    def elapsed(self, now: float) -> float:
        """Seconds since the engine began; 0 while queued, fixed once the job has ended."""
        return max(0.0, (self.finished_at or now) - self.started_at) if self.started_at is not None else 0.0
