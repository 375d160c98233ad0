"""How long an engine has not answered, and when it is asked again."""

from __future__ import annotations

import time

from client.pace import Pace
from workflows.errors import StudioError


class Absence:
    """One job's patience with its engine. For one thread."""

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
