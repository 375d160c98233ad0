"""How often a watcher asks and how long it waits."""

from __future__ import annotations

from dataclasses import dataclass


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
