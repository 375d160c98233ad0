"""What happens in the library by itself: deleted videos are purged, and with retention set, old ones or too many.

Retention is off unless it is set. It never takes a favourite or a job that has not ended; the oldest go first.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from client.shelf import Shelf, outputs_of
from client.store import Row
from workflows.errors import StudioError

log = logging.getLogger(__name__)
EVERY_SECONDS = 3600.0
DAY_SECONDS = 24 * 3600.0
PIECE = 200
"""Videos that are removed between two looks at how much there is."""
OLDEST_FIRST = (
    "WHERE state = 'succeeded' AND deleted_at IS NULL AND favourite = 0 AND finished_at < ?"
    " ORDER BY finished_at LIMIT ?"
)


@dataclass(frozen=True)
class Keep:
    """Retention: videos older than `days` go, and the oldest while the library is larger than `gigabytes`.

    None means that they are kept.
    """

    days: float | None = None
    gigabytes: float | None = None


def tidy(shelf: Shelf, keep: Keep, now: float) -> int:
    """Do all of it once; how many videos are gone for good. Raises StudioError `database_failed`."""
    gone = shelf.purge_discarded(now)
    if keep.days is not None:
        while old := shelf.store.rows(OLDEST_FIRST, now - keep.days * DAY_SECONDS, PIECE):
            gone += _purge(shelf, old, now)
    if keep.gigabytes is not None:
        gone += _shrink(shelf, keep.gigabytes * 1e9, now)
    return gone


def _purge(shelf: Shelf, rows: list[Row], now: float) -> int:
    gone = shelf.purge(rows, now)
    if not gone:
        raise RuntimeError(f"none of {len(rows)} old videos could be removed")
    return gone


def _shrink(shelf: Shelf, most: float, now: float) -> int:
    gone, excess = 0, shelf.size() - most
    while excess > 0 and (oldest := shelf.store.rows(OLDEST_FIRST, now, PIECE)):
        chosen = []
        for row in oldest:
            if excess <= 0:
                break
            chosen.append(row)
            excess -= sum(output.size for output in outputs_of(row))
        gone += _purge(shelf, chosen, now)
    return gone


class Housekeeper:
    """Tidies at once and then every hour, in a daemon thread, until `close`."""

    def __init__(self, shelf: Shelf, keep: Keep) -> None:
        self._shelf = shelf
        self._keep = keep
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeper", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, and wait for what is being done."""
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                gone = tidy(self._shelf, self._keep, time.time())
                if gone:
                    log.info("%s old or deleted videos are gone from the library", gone)
            except (StudioError, OSError, RuntimeError):
                log.exception("the library could not be tidied")
            self._closed.wait(EVERY_SECONDS)
