"""How long each node of a run took, as a pure fold over what the websocket says.

Only a run that was heard from its start to its end is complete: after a lost connection nobody knows which node was
busy meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from client.events import Cached, Ending, Event, Executing, NodeProgress, Started


@dataclass(frozen=True)
class Ticks:
    """The first and the last step that a node has reported, and when, in seconds."""

    first: int
    first_at: float
    last: int
    last_at: float

    @property
    def step_seconds(self) -> float:
        """Seconds a step between them; 0 where there are not two."""
        return (self.last_at - self.first_at) / (self.last - self.first) if self.last > self.first else 0.0


@dataclass(frozen=True)
class Timings:
    """What is known of a run: `spans` in seconds by node id; `node` is the one at work, since `since`.

    `cached` are the nodes that needed not run. Times are those of whatever clock `after` is given.
    """

    started: float | None = None
    ended: float | None = None
    spans: Mapping[str, float] = field(default_factory=dict)
    ticks: Mapping[str, Ticks] = field(default_factory=dict)
    cached: frozenset[str] = frozenset()
    node: str = ""
    since: float = 0.0
    broken: bool = False

    @property
    def complete(self) -> bool:
        """Whether the run was heard from its start to its end."""
        return self.started is not None and self.ended is not None and not self.broken

    @property
    def seconds(self) -> float:
        """From start to end; 0 while it isn't over."""
        return self.ended - self.started if self.started is not None and self.ended is not None else 0.0


def after(timings: Timings, event: Event, prompt_id: str, now: float) -> Timings:
    """The timings after one more event of this prompt, heard at `now`. News of other prompts changes nothing."""
    theirs = getattr(event, "prompt_id", prompt_id)
    if timings.ended is not None or theirs not in (prompt_id, None):
        return timings
    if isinstance(event, Started):
        return Timings(started=now)
    if isinstance(event, Cached):
        return replace(timings, cached=timings.cached | frozenset(event.nodes))
    if isinstance(event, Executing):
        # Without an id it is what a server says to who has come back; nothing was missed where the node is the same.
        missed = theirs is None and event.node != timings.node
        return replace(_at(timings, event.node, now), broken=timings.broken or missed)
    if isinstance(event, NodeProgress):
        return _progressed(timings, event, now)
    if isinstance(event, Ending):
        return replace(_at(timings, "", now), ended=now)
    return timings


def _at(timings: Timings, node: str, now: float) -> Timings:
    """Another node has begun, or none runs any more."""
    if node == timings.node:
        return timings
    spans = timings.spans
    if timings.node:
        spans = {**spans, timings.node: spans.get(timings.node, 0.0) + now - timings.since}
    return replace(timings, spans=spans, node=node, since=now)


def _progressed(timings: Timings, event: NodeProgress, now: float) -> Timings:
    if not event.node:
        over = timings.node and event.nodes.get(timings.node, 0.0) >= 1.0
        return _at(timings, "", now) if over else timings
    timings = _at(timings, event.node, now)
    if event.step < 1 or event.of <= 1:
        return timings
    before = timings.ticks.get(event.node)
    if before is not None and event.step <= before.last:
        return timings
    first = (before.first, before.first_at) if before else (event.step, now)
    return replace(timings, ticks={**timings.ticks, event.node: Ticks(*first, event.step, now)})
