"""Listens to one job's events and hands what they tell about time to the estimator."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from client.engine import Engine
from client.estimate.estimator import Estimator, Sent
from client.estimate.model import Estimate
from client.estimate.timings import Timings, after
from client.events import Ending, Event
from workflows.plan import Plan

Clock = Callable[[], float]


class Recorder:
    """The stopwatch of the job `prompt_id`. For one thread. `clock` counts seconds from anywhere."""

    def __init__(self, estimator: Estimator, prompt_id: str, clock: Clock = time.monotonic) -> None:
        self._estimator = estimator
        self._prompt_id = prompt_id
        self._clock = clock
        self._timings = Timings()
        self._sent: Sent | None = None
        self._engine: Engine | None = None

    def begin(self, sent: Sent, engine: Engine) -> Estimate | None:
        """The estimate of what is sent to the engine as it is now."""
        self._sent, self._engine = sent, engine
        return self._estimator.sent(sent, engine)

    def hear(self, event: Event) -> None:
        """Take note of an event."""
        self._timings = after(self._timings, event, self._prompt_id, self._clock())

    def again(self, prompt_id: str) -> None:
        """The job is sent once more, under this id."""
        self._prompt_id, self._timings = prompt_id, Timings()

    def finish(self) -> None:
        """The job has ended well."""
        # HTTP may have said so before the socket did.
        timings = after(self._timings, Ending(self._prompt_id), self._prompt_id, self._clock())
        if self._sent is not None:
            self._estimator.learn(self._sent, timings, self._engine)
            self._estimator.ran(self._sent, self._engine)
        self._timings = replace(timings, started=None)


def plan_of(estimate: Estimate) -> Plan | None:
    """Stages and weights for the progress bar, so that it moves with time; None where nothing takes any."""
    if estimate.seconds <= 0:
        return None
    return Plan(
        stages=tuple(stage.title for stage in estimate.stages),
        nodes={
            node: (index, seconds / estimate.seconds)
            for index, stage in enumerate(estimate.stages)
            for node, seconds in stage.nodes
        },
    )
