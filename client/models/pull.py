"""Fetching what a plan says is missing: several files at once, each told about as it comes."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

from client.models import place
from client.models.cache import Entry
from client.models.cache import find as find_cached
from client.models.download import Fetched, Limits, StopAsked, fetch
from client.models.events import Checking, Done, Event, Failed, Outcome, Progress, Started, Stopped, Total
from client.models.hub import Hub, describe
from client.models.plan import Item, Plan
from client.models.rates import Meter
from workflows.errors import StudioError

log = logging.getLogger(__name__)

END_SECONDS = 2.0
"""How long an ended call waits for its workers; one that waits for the network ends by itself later."""

_POLL_SECONDS = 0.2
_TOTAL_SECONDS = 1.0
"""How long nothing may be told of all files together: a rate that sinks is news, too."""


def pull(
    plan: Plan,
    on_event: Callable[[Event], None],
    limits: Limits | None = None,
    stop: threading.Event | None = None,
) -> tuple[Outcome, ...]:
    """Have every file of the plan in its place; what became of each that was not there.

    `on_event` is called by this thread. A file that fails does not end the others. Where `stop` is set, or this call is
    interrupted, what has come stays and the next pull goes on from there. Raises StudioError as `Plan.check_disk`.
    """
    plan.check_disk()
    return _Pull(plan, on_event, limits or Limits(), stop or threading.Event()).run()


class _Pull:
    """The workers of one call, and what they have told so far."""

    def __init__(self, plan: Plan, on_event: Callable[[Event], None], limits: Limits, stop: threading.Event) -> None:
        self.plan, self.on_event, self.limits, self.stop = plan, on_event, limits, stop
        self.told: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.waiting: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self.todo = [item for item in plan.items if item.state != "there"]
        self.have = {item.file: item.bytes or 0 if item.state == "cached" else item.have for item in self.todo}
        self.sizes = {item.file: item.bytes or 0 for item in self.todo if item.state != "blocked"}
        self.meter = Meter()
        self.outcomes: dict[str, Outcome] = {}
        self.totalled = time.monotonic()

    def run(self) -> tuple[Outcome, ...]:
        """Start the workers and pass on what they tell until all files are through."""
        for item in self.todo:
            self.waiting.put(item)
        workers = [
            threading.Thread(target=self._work, name=f"models-{number}", daemon=True)
            for number in range(min(self.limits.workers, len(self.todo)))
        ]
        for worker in workers:
            worker.start()
        try:
            while len(self.outcomes) < len(self.todo):
                try:
                    self._hear(self.told.get(timeout=_POLL_SECONDS))
                except queue.Empty:
                    if time.monotonic() - self.totalled >= _TOTAL_SECONDS:
                        self._tell_total()
        except BaseException:
            self.stop.set()
            raise
        finally:
            until = time.monotonic() + END_SECONDS
            for worker in workers:
                worker.join(max(0.0, until - time.monotonic()))
        return tuple(self.outcomes[item.file] for item in self.todo)

    def _work(self) -> None:
        while True:
            try:
                item = self.waiting.get_nowait()
            except queue.Empty:
                return
            try:
                self.told.put(_had(self.plan, item, self.told.put, self.limits, self.stop))
            except StopAsked as asked:
                self.told.put(Stopped(item.file, asked.done))
            except StudioError as error:
                self.told.put(Failed(item.file, error.code, error.message, error.hint, error.retryable))
            except Exception as error:
                problem = StudioError("internal_error", reason=type(error).__name__)
                log.exception("fetching %s", item.file)
                self.told.put(Failed(item.file, problem.code, problem.message, problem.hint, problem.retryable))

    def _hear(self, event: Event) -> None:
        self.on_event(event)
        if isinstance(event, Started):
            self.sizes[event.file], self.have[event.file] = event.bytes, event.have
        elif isinstance(event, Checking):
            self.have[event.file] = event.done
        elif isinstance(event, Progress):
            self.meter.add(max(0, event.done - self.have[event.file]))
            self.have[event.file] = event.done
        elif isinstance(event, Done):
            self.sizes[event.file] = self.have[event.file] = event.bytes
        if isinstance(event, Done | Failed | Stopped):
            self.outcomes[event.file] = event
        if isinstance(event, Started | Progress | Done | Failed | Stopped):
            self._tell_total()

    def _tell_total(self) -> None:
        self.totalled = time.monotonic()
        size = sum(self.sizes.values())
        done = sum(min(self.have[file], size) for file, size in self.sizes.items())
        placed = sum(isinstance(outcome, Done) for outcome in self.outcomes.values())
        rate, left = self.meter.rate(), self.meter.left(size - done)
        self.on_event(Total(done, size, rate, left, placed, len(self.todo)))


def _had(plan: Plan, item: Item, tell: Callable[[Event], None], limits: Limits, stop: threading.Event) -> Done:
    """Have one file in its place."""
    if stop.is_set():
        raise StopAsked(item.have)
    if item.problem and item.state == "blocked":
        raise item.problem
    assert item.variant is not None
    found = find_cached(plan.hub.cache, item.variant) if item.state == "cached" else None
    fetched = Fetched(found, 0, True) if found else _fetched(plan.hub, item, tell, limits, stop)
    target, how = place.put(fetched.path, plan.models, item.variant.folder, item.file)
    return Done(item.file, str(target), target.stat().st_size, fetched.bytes, how, fetched.verified)


def _fetched(hub: Hub, item: Item, tell: Callable[[Event], None], limits: Limits, stop: threading.Event) -> Fetched:
    assert item.variant is not None
    info = item.info or describe(hub, item.variant, stop.wait)
    return fetch(hub, Entry(hub.cache, item.variant, info), tell, limits, stop)
