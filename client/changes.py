"""Telling those who look at jobs that something about them has changed, so that they need not ask again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

from client.reducer import Track
from client.states import Queued

Change = Literal["engine", "state", "place", "progress"]
"""What has changed: whether there is an engine and what it can make, or what a job is or is doing, or no more than the
place in the queue, or how far it is. The first concerns everybody."""
Listener = Callable[[str, Change], None]
"""Called with the owner of the jobs, "" where it is not about one person's, from any thread; must not wait."""


class Changes:
    """The listeners of one job manager."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: tuple[Listener, ...] = ()

    def listen(self, listener: Listener) -> None:
        """Call `listener` at every change from now on; the same one is called once."""
        with self._lock:
            if listener not in self._listeners:
                self._listeners = (*self._listeners, listener)

    def tell(self, owner: str, change: Change = "state") -> None:
        """Jobs of this owner have changed."""
        for listener in self._listeners:
            listener(owner, change)


def between(before: Track | None, after: Track) -> Change | None:
    """What has changed from one track to the next, as far as pages show it; None where nothing has."""
    if before is None or _kind(before) != _kind(after):
        return "state"
    if before.state == after.state and before.preview is after.preview:
        return None
    return "place" if isinstance(after.state, Queued) else "progress"


def _kind(track: Track) -> tuple[object, ...]:
    return type(track.state), track.state.note, getattr(track.state, "stage", "")
