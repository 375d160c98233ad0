"""A job's time while it is followed: the meter of its budget, its limits, and what is said of them."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NoReturn

from client import engine_events
from client.budget import budget, meter
from client.estimate.model import Estimate
from client.estimate.recorder import Clock
from client.states import Queued, Running
from client.transport import Server, Unreachable
from workflows.errors import StudioError

RETRYING = "Retrying with more time."
TimeUp = Literal["longer", "silent", "over", "queued", "stuck"]


@dataclass(frozen=True)
class Limits:
    """How long jobs may run (`cap`) and wait on the engine (`queue`) in seconds, None is for ever.

    `ours`: nobody else uses the engine, so that its memory may be freed. `events` is the data folder in which a managed
    engine's events lie. `clock` counts seconds from anywhere.
    """

    cap: float | None = None
    queue: float | None = None
    ours: bool = False
    events: Path | None = None
    clock: Clock = field(default=time.monotonic)


class Overseer:
    """Keeps one job's time; for one thread. `attempt` and `ran` say what was before: which attempt, seconds of it.

    `note` is one sentence about the job's time where there is something to say, "" else.
    """

    def __init__(self, limits: Limits, attempt: int = 1, ran: float = 0.0) -> None:
        self._limits = limits
        self._attempt = attempt
        self._estimate: Estimate | None = None
        self._meter = meter(budget(None, limits.cap, attempt), ran)
        self._waiting_since: float | None = None
        self._excused = False
        self._reached: tuple[float, str] = (0.0, "0 %")
        self.note = self._usual

    @property
    def _usual(self) -> str:
        return RETRYING if self._attempt > 1 else ""

    def make_room(self, server: Server) -> None:
        """Free what models hold, on an engine that is ours: others may count on theirs."""
        if self._limits.ours:
            with contextlib.suppress(Unreachable):
                server.free()

    def expect(self, estimate: Estimate | None) -> None:
        """The job's estimate is known now, or known not to be."""
        self._estimate = estimate
        self._meter = meter(budget(estimate, self._limits.cap, self._attempt), self._meter.ran)

    def see(self, state: Queued | Running, posted: bool) -> None:
        """Whether the job runs or waits on the engine."""
        now = self._limits.clock()
        if isinstance(state, Running):
            self._meter, self._waiting_since = self._meter.run(now), None
            return
        self._meter = self._meter.pause(now)
        if posted and self._waiting_since is None:
            self._waiting_since = now

    def progress(self) -> None:
        """Something was done."""
        self._meter = self._meter.progress(self._limits.clock())

    def pause(self) -> None:
        """The engine does not answer."""
        self._meter = self._meter.pause(self._limits.clock())

    def verdict(self, state: Queued | Running, heard: bool) -> TimeUp | None:
        """What of the job's time is up, None where nothing is; `heard` says that progress would be told.

        `stuck`: a second attempt has waited for so long that the engine may not have let the first one go.
        """
        self.see(state, posted=self._waiting_since is not None)
        now = self._limits.clock()
        if isinstance(state, Queued):
            return self._late(0.0 if self._waiting_since is None else now - self._waiting_since)
        found = self._meter.verdict(now, state.stage, heard)
        if found == "stalled":
            self.note = f"No progress for {_span(self._meter.quiet(now))}; it is waited for."
        elif found == "fine" and not self._meter.extended:
            self.note = self._usual
        return None if found == "fine" or found == "stalled" else found

    def _late(self, waited: float) -> TimeUp | None:
        if self._limits.queue is not None and waited > self._limits.queue:
            return "queued"
        own = self._meter.granted if self._attempt > 1 and not self._excused else None
        return "stuck" if own is not None and waited > own else None

    def excuse(self) -> None:
        """The engine has let the first attempt go: the second one waits for others, as long as it takes."""
        self._excused = True

    def extend(self, state: Queued | Running) -> None:
        """Grant more time to a job that goes on."""
        fraction = state.fraction if isinstance(state, Running) else 0.0
        self._meter = self._meter.extend(self._limits.clock(), fraction)
        assert self._meter.granted is not None
        self.note = f"It takes longer than expected and may go on, for {_span(self._meter.granted)} in all."

    def again(self, state: Queued | Running) -> None:
        """The job, which had come as far as that, is sent anew, with more time."""
        self._reached = self._furthest(state)
        self._attempt += 1
        self._meter = meter(budget(self._estimate, self._limits.cap, self._attempt))
        self._waiting_since, self.note = None, self._usual

    def _furthest(self, state: Queued | Running) -> tuple[float, str]:
        """The most that an attempt has reached, as a share and in words."""
        if not isinstance(state, Running) or not state.stage:
            return self._reached
        return max(self._reached, (state.fraction, f"{state.stage}, {int(100 * state.fraction)} %"))

    def give_up(self, verdict: TimeUp, state: Queued | Running, server: Server) -> NoReturn:
        """Raise why a job that has been taken back is given up; what hung may still hold memory."""
        if verdict in ("silent", "stuck"):
            self.make_room(server)
        raise self.failure(verdict, state)

    def failure(self, verdict: TimeUp, state: Queued | Running) -> StudioError:
        """Why a job is given up."""
        now = self._limits.clock()
        reached = self._furthest(state)[1]
        if verdict == "over":
            return StudioError("budget_spent", span=_span(self._meter.spent(now)), reached=reached)
        if verdict == "silent":
            return StudioError("engine_silent", span=_span(self._meter.quiet(now)), reached=reached)
        waited = 0.0 if self._waiting_since is None else now - self._waiting_since
        if verdict == "queued":
            return StudioError("queue_timeout", span=_span(waited))
        # The first attempt has never let the engine go.
        return StudioError("engine_silent", span=_span(waited), reached=reached)

    def loss(self, since: float | None) -> StudioError:
        """Why an engine has forgotten a job that it was sent at `since`, unix seconds."""
        events = engine_events.read(self._limits.events) if self._limits.events else ()
        if any(event.time >= (since or 0.0) and event.why == engine_events.OUT_OF_MEMORY for event in events):
            return StudioError("engine_out_of_memory")
        return StudioError("engine_lost")


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
