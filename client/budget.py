"""How long a job may run: a budget from the estimate, and what its use says. Pure; the clock's time is handed in.

The budget counts from the moment at which the engine begins to execute the job, and stands still while the job waits or
the engine is away. When it is spent, a job that still reports progress is given more, up to the cap; one that is silent
is not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from client.estimate.model import Estimate, StageEstimate, budget_seconds

ATTEMPTS = 2
"""How often a job that fell silent is sent in all."""

LEAST_SILENCE_SECONDS = 30.0
SILENCE_FACTOR = 4.0
"""A step is waited for so many times as long as it should take at most, and never less than half a minute."""

UNKNOWN_SHARE = 0.25
"""The part of the cap that is waited for a sign of progress where no estimate is known."""

PROJECTION_FROM = 0.04
"""Below this share of the work a projection says nothing."""

Verdict = Literal["fine", "stalled", "longer", "silent", "over"]


@dataclass(frozen=True)
class Budget:
    """Seconds of execution, more of them up to `cap` for a job that goes on; None is without an end."""

    seconds: float | None
    cap: float | None
    estimate: Estimate | None = None

    def silence(self, stage: str) -> float:
        """Seconds without progress after which a job in that stage counts as silent."""
        if self.estimate is None:
            return max(LEAST_SILENCE_SECONDS, UNKNOWN_SHARE * (self.cap or float("inf")))
        found = self.estimate
        slowest = found.high / found.seconds if found.seconds > 0 else 1.0
        steps = [_longest(one) for one in found.stages if stage in ("", one.title)]
        expected = slowest * max(steps, default=max(map(_longest, found.stages), default=0.0))
        return max(LEAST_SILENCE_SECONDS, SILENCE_FACTOR * expected) + found.loading_seconds


def _longest(stage: StageEstimate) -> float:
    """The longest wait for a sign of progress in a stage: a step, or a node that counts none."""
    nodes = sorted(seconds for _, seconds in stage.nodes)
    # The node that counts steps is the longest; all others come and go in silence.
    return max([*(nodes[:-1] if stage.step_seconds else nodes), stage.step_seconds], default=0.0)


def budget(estimate: Estimate | None, cap: float | None, attempt: int = 1) -> Budget:
    """The budget of a job; of its second attempt twice as much. Without an estimate the cap alone counts."""
    if estimate is None:
        return Budget(cap, cap)
    seconds = attempt * budget_seconds(estimate, None)
    return Budget(seconds if cap is None else min(seconds, cap), cap, estimate)


@dataclass(frozen=True)
class Meter:
    """What a job has used: `ran` seconds up to `since`, which is None while it doesn't run.

    `granted` is what it may use so far, `sign` what it had used at its last sign of progress, `extended` says that it
    has been given more than its budget.
    """

    budget: Budget
    granted: float | None
    ran: float = 0.0
    since: float | None = None
    sign: float = 0.0
    extended: bool = False

    def spent(self, now: float) -> float:
        """Seconds of execution so far."""
        return self.ran + (0.0 if self.since is None else max(0.0, now - self.since))

    def run(self, now: float) -> Meter:
        """The job is executed from now on."""
        return replace(self, since=now) if self.since is None else self

    def pause(self, now: float) -> Meter:
        """It is not, or nobody can tell."""
        return self if self.since is None else replace(self, ran=self.spent(now), since=None)

    def progress(self, now: float) -> Meter:
        """It has reported progress."""
        return replace(self, sign=self.spent(now))

    def quiet(self, now: float) -> float:
        """Seconds of execution since the last sign of progress."""
        return self.spent(now) - self.sign

    def verdict(self, now: float, stage: str = "", heard: bool = True) -> Verdict:
        """What is to be done about a job in that stage.

        `fine` and `stalled`: nothing yet; `longer`: `extend` it; `silent`: it hangs; `over`: it goes on, but its time
        is up. Where progress can't be `heard`, silence says nothing before one and a half budgets are spent.
        """
        if self.since is None or self.granted is None:
            return "fine"
        spent = self.spent(now)
        is_silent = self.quiet(now) > self._patience(spent, stage if heard else None)
        if spent < self.granted and not (is_silent and self.extended):
            return "stalled" if is_silent else "fine"
        if is_silent:
            return "silent"
        return "over" if self.budget.cap is not None and spent >= self.budget.cap else "longer"

    def _patience(self, spent: float, stage: str | None) -> float:
        """The longest silence that is put up with: half a budget once half as much again is spent."""
        patience = float("inf") if stage is None else self.budget.silence(stage)
        whole = self.budget.seconds
        return patience if whole is None or spent < 1.5 * whole else min(patience, whole / 2)

    def extend(self, now: float, fraction: float) -> Meter:
        """Grant a job that has done this share of its work the time to its projected end.

        Half a budget at least, and never more than the cap.
        """
        assert self.budget.seconds is not None
        spent = self.spent(now)
        projected = spent / fraction if fraction > PROJECTION_FROM else 0.0
        granted = max(projected, spent + self.budget.seconds / 2)
        return replace(
            self, granted=granted if self.budget.cap is None else min(granted, self.budget.cap), extended=True
        )


def meter(given: Budget, ran: float = 0.0) -> Meter:
    """The meter of a job that has run so long already; that counts as its last sign of progress."""
    return Meter(given, given.seconds, ran=ran, sign=ran)
