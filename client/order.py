"""Whose turn it is: the jobs that wait in the studio, in an order that their owner may change.

An owner has one job on the engine at a time, running or waiting there; the others are held back until it has left.
So no owner's jobs stand before everybody else's, and a new order counts on any engine, none of which can reorder what
it has been sent. A new order is kept in the store.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from client.attempts import on_engine
from client.store import Row, Store

Move = Literal["first", "up", "down"]


@dataclass(frozen=True)
class Traffic:
    """What runs and waits, on the engine and in the studio: of one owner, and of everybody else."""

    running: int = 0
    waiting: int = 0
    others_running: int = 0
    others_waiting: int = 0

    @property
    def all_running(self) -> int:
        """What runs, whoever asked for it."""
        return self.running + self.others_running

    @property
    def all_waiting(self) -> int:
        """What waits, whoever asked for it."""
        return self.waiting + self.others_waiting


class Turn:
    """One job's place; `wait` is for its own thread."""

    def __init__(self, order: Order, job_id: str) -> None:
        self._order = order
        self._job_id = job_id

    def wait(self, seconds: float) -> bool:
        """Wait at most so long until the job may be sent; True once it may, and then it counts as sent."""
        return self._order.take(self._job_id, seconds)

    def leave(self) -> None:
        """The job needs the engine no longer; the next one may be sent."""
        self._order.leave(self._job_id)


class Order:
    """The lines of all owners. Every call is short; only a Turn waits."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changed = threading.Condition()
        self._owners: dict[str, str] = {}
        self._held: dict[str, list[str]] = {}
        self._sent: dict[str, list[str]] = {}
        store.change(("DELETE FROM places WHERE job_id NOT IN (SELECT id FROM jobs WHERE finished_at IS NULL)", ()))

    def sorted(self, rows: Iterable[Row]) -> list[Row]:
        """Open jobs as they were ordered: what has been sent, then what was moved, then by age as they come."""
        places = {row["job_id"]: row["place"] for row in self._store.read("SELECT job_id, place FROM places")}
        return sorted(rows, key=lambda row: (not on_engine(row), row.id not in places, places.get(row.id, 0)))

    def join(self, row: Row) -> Turn:
        """Take a job in at the end of its owner's line, or as sent where it has been."""
        with self._changed:
            self._owners[row.id] = row.owner
            lines = self._sent if on_engine(row) else self._held
            lines.setdefault(row.owner, []).append(row.id)
        return Turn(self, row.id)

    def take(self, job_id: str, seconds: float) -> bool:
        """As `Turn.wait`."""
        with self._changed:
            owner = self._owners[job_id]
            if job_id in self._sent.get(owner, ()):
                return True
            if not self._changed.wait_for(lambda: self._is_next(owner, job_id), seconds):
                return False
            self._held[owner].remove(job_id)
            self._sent.setdefault(owner, []).append(job_id)
            return True

    def _is_next(self, owner: str, job_id: str) -> bool:
        return not self._sent.get(owner) and self._held[owner][0] == job_id

    def leave(self, job_id: str) -> None:
        """As `Turn.leave`."""
        with self._changed:
            owner = self._owners.pop(job_id, None)
            if owner is None:
                return
            for lines in (self._held, self._sent):
                if job_id in lines.get(owner, ()):
                    lines[owner].remove(job_id)
                if not lines.get(owner):
                    lines.pop(owner, None)
            self._changed.notify_all()

    def held(self, owner: str) -> tuple[str, ...]:
        """An owner's jobs that wait in the studio, the next one first."""
        with self._changed:
            return tuple(self._held.get(owner, ()))

    def sent(self, owner: str) -> tuple[str, ...]:
        """An owner's jobs that are on the engine."""
        with self._changed:
            return tuple(self._sent.get(owner, ()))

    def move(self, job_id: str, to: Move) -> bool:
        """Change a job's place among its owner's that wait in the studio; False where that is not possible."""
        with self._changed:
            owner = self._owners.get(job_id, "")
            line = self._held.get(owner, [])
            if job_id not in line:
                return False
            old = line.index(job_id)
            new = {"first": 0, "up": old - 1, "down": old + 1}[to]
            if new == old or not 0 <= new < len(line):
                return False
            moved = [other for other in line if other != job_id]
            moved.insert(new, job_id)
            self._store.change(
                *(("INSERT OR REPLACE INTO places VALUES (?, ?)", (one, place)) for place, one in enumerate(moved))
            )
            self._held[owner] = moved
            self._changed.notify_all()
            return True

    def traffic(self, owner: str, running: Mapping[str, bool], queue: int) -> Traffic:
        """Count. `running` says of jobs whether they run; `queue` is how many prompts the engine has, strangers' too.

        An engine runs one prompt at a time: where strangers have some on it and none of ours runs, one of theirs does.
        """
        with self._changed:
            sent = [job_id for line in self._sent.values() for job_id in line]
            held = sum(map(len, self._held.values()))
            own_sent, own_held = list(self._sent.get(owner, ())), len(self._held.get(owner, ()))
        ours = sum(running.get(job_id, False) for job_id in sent)
        on_engine = max(queue, len(sent))
        all_running = ours or int(on_engine > len(sent))
        own_running = sum(running.get(job_id, False) for job_id in own_sent)
        own_waiting = len(own_sent) - own_running + own_held
        waiting = on_engine - all_running + held
        return Traffic(own_running, own_waiting, all_running - own_running, max(0, waiting - own_waiting))
