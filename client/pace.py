"""How often a watcher asks and how long it waits."""

from __future__ import annotations

import time
from dataclasses import dataclass

from workflows.errors import StudioError


@dataclass(frozen=True)
class Pace:
    """How often and how long, in seconds.

    `tick`: the longest wait for a frame, so also the delay of a cancel. `look`: between questions over HTTP while the
    socket lives. `blind`: the same without a socket. `queue`: the least between two questions because the queue moved.
    `silence`: after so long without a frame the socket is opened anew, for the server may have forgotten it.
    `backoff`: the longest pause between attempts to connect; each is twice as long as the one before, the first a tick.
    `patience`: how long a server may stay unreachable. `doubt`: for how long a server must deny knowing the job before
    it is believed, as there is a moment between the end of a job and its entry in the history. `goodbye`: how long a
    cancelled job waits for a server that can't be told.
    """

    tick: float = 0.25
    look: float = 5.0
    blind: float = 1.0
    queue: float = 0.5
    silence: float = 20.0
    backoff: float = 4.0
    patience: float = 600.0
    doubt: float = 1.5
    goodbye: float = 5.0


class Stopped(Exception):
    """The studio is shutting down; the job goes on and is found again at the next start."""


class Absence:
    """How long an engine has not answered, and when it is asked again. For one thread."""

    def __init__(self, url: str, pace: Pace) -> None:
        self._url = url
        self._pace = pace
        self._since: float | None = None
        self._pause = pace.tick

    def over(self) -> None:
        """It has answered."""
        self._since, self._pause = None, self._pace.tick

    def lasts(self, reason: object, leaving: bool, sent: bool) -> float | None:
        """Seconds to wait before it is asked again; None when nothing more is wanted of it.

        That is when the job is to be cancelled (`leaving`) and was not `sent`, or can't be told of for long. Raises
        StudioError `engine_unreachable` when patience is at its end.
        """
        now = time.monotonic()
        self._since = self._since or now
        away = now - self._since
        if leaving and (away >= self._pace.goodbye or not sent):
            return None
        if away >= self._pace.patience:
            raise StudioError("engine_unreachable", server=self._url, reason=reason)
        pause, self._pause = self._pause, min(2 * self._pause, self._pace.backoff)
        return pause
