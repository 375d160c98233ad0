"""What waits, what runs and what has run. One lock over all three, so that no prompt is ever seen in none of them."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from bootstrap.draft.history import Entry, History


@dataclass(frozen=True)
class Prompt:
    """A posted graph that passed validation.

    Prompts run in the order of `number`. `extra_data` is what may be shown, so without secrets. `outputs` are the ids
    of the output nodes to run. `interrupted` is set when somebody wants the running prompt to stop.
    """

    number: float
    prompt_id: str
    graph: dict[str, Any]
    extra_data: dict[str, Any]
    outputs: tuple[str, ...]
    interrupted: threading.Event = field(default_factory=threading.Event, compare=False)

    def row(self) -> list[Any]:
        """The prompt as `/queue` and `/history` list it."""
        return [self.number, self.prompt_id, self.graph, self.extra_data, list(self.outputs)]

    @property
    def client_id(self) -> str | None:
        """The client that posted it and hears about it."""
        client_id = self.extra_data.get("client_id")
        return client_id if isinstance(client_id, str) else None


@dataclass(frozen=True)
class Snapshot:
    """Running, pending (in the order they will run) and finished (oldest first), at one moment."""

    running: tuple[Prompt, ...]
    pending: tuple[Prompt, ...]
    finished: dict[str, Entry]


class PromptQueue:
    """Thread-safe. `changed` is called with the number of prompts left, under the lock, on every change."""

    def __init__(self, changed: Callable[[int], None]) -> None:
        self._changed = changed
        self._lock = threading.Condition()
        self._tickets = itertools.count()
        self._pending: list[tuple[float, int, Prompt]] = []
        self._running: Prompt | None = None
        self._history = History()
        self._free_memory = False
        self._closed = False

    def put(self, prompt: Prompt) -> None:
        """Queue a prompt."""
        with self._lock:
            heapq.heappush(self._pending, (prompt.number, next(self._tickets), prompt))
            self._tell()
            self._lock.notify()

    def take(self, free_memory: Callable[[], None]) -> Prompt | None:
        """Wait for the next prompt; it is the running one until `finish`. None once the queue is closed.

        `free_memory` is called in between when somebody asked for it by `ask_to_free_memory`.
        """
        with self._lock:
            while not self._closed:
                if self._free_memory:
                    self._free_memory = False
                    free_memory()
                if self._pending:
                    self._running = heapq.heappop(self._pending)[2]
                    self._tell()
                    return self._running
                self._lock.wait()
            return None

    def finish(self, entry: Entry) -> None:
        """Move the running prompt to the history."""
        with self._lock:
            if self._running is not None:
                self._history.add(self._running.prompt_id, entry)
                self._running = None
                self._tell()

    def ask_to_free_memory(self) -> None:
        """Let the worker drop what it caches, after the running prompt."""
        with self._lock:
            self._free_memory = True
            self._lock.notify()

    def close(self) -> None:
        """Interrupt what runs and let `take` return None."""
        with self._lock:
            self._closed = True
            if self._running is not None:
                self._running.interrupted.set()
            self._lock.notify_all()

    def remaining(self) -> int:
        """How many prompts run or wait."""
        with self._lock:
            return self._count()

    def snapshot(self) -> Snapshot:
        """Everything, consistently. Its entries must not be changed."""
        with self._lock:
            running = () if self._running is None else (self._running,)
            return Snapshot(running, tuple(item[2] for item in sorted(self._pending)), self._history.all())

    def clear(self) -> None:
        """Drop all pending prompts."""
        with self._lock:
            self._pending.clear()
            self._tell()

    def delete(self, prompt_id: str) -> bool:
        """Drop the first pending prompt with this id. True if there was one."""
        with self._lock:
            return self._delete(prompt_id)

    def interrupt(self, prompt_id: str | None = None) -> bool:
        """Ask the running prompt to stop, or only if it is `prompt_id`. True if it was asked."""
        with self._lock:
            if self._running is None or prompt_id not in (None, self._running.prompt_id):
                return False
            self._running.interrupted.set()
            return True

    def cancel(self, prompt_ids: Collection[str]) -> bool:
        """Drop or interrupt these prompts, whichever they need. True if any was pending or running."""
        with self._lock:
            done = [self._delete(prompt_id) or self.interrupt(prompt_id) for prompt_id in prompt_ids]
            return any(done)

    def forget(self, prompt_id: str) -> None:
        """Delete one entry of the history."""
        with self._lock:
            self._history.delete(prompt_id)

    def forget_all(self) -> None:
        """Delete the history."""
        with self._lock:
            self._history.clear()

    def _delete(self, prompt_id: str) -> bool:
        for place in sorted(self._pending):
            if place[2].prompt_id == prompt_id:
                self._pending.remove(place)
                heapq.heapify(self._pending)
                self._tell()
                return True
        return False

    def _count(self) -> int:
        return len(self._pending) + (self._running is not None)

    def _tell(self) -> None:
        self._changed(self._count())
