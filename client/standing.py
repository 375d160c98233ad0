"""How a job stands at a moment: how far it is and how long it has to go, between the signs that are heard. Pure.

The share done follows time as far as the estimate knows it: models are loaded at first, and the node at work goes on at
the pace expected of it, but never past its next sign.
"""

from __future__ import annotations

from dataclasses import replace

from client.estimate.model import StageEstimate
from client.events import Event
from client.reducer import Track, pending_loading, reduce
from client.states import Queued, Running
from client.views import View

PROJECTED_FROM = 0.04
"""Below this share of the work what it has taken so far says nothing."""

NEARLY = 0.95
"""As far as a node that counts no steps is taken to be before it has ended."""


def hear(track: Track, heard: Event | View, now: float) -> Track:
    """The track after one more thing heard at `now`, unix seconds; it falls behind nothing that it stood at before."""
    before = standing(track, now)
    after = reduce(track, heard, now)
    if after is track or not isinstance(before, Running):
        return after
    return replace(after, least=max(track.least, before.fraction))


def standing(track: Track, now: float) -> Queued | Running:
    """The track's state as it is at `now`, unix seconds."""
    state = track.state
    if not isinstance(state, Running) or track.started_at is None:
        return state
    if track.away is not None:
        # How long that will take nobody knows.
        stood = _standing(track, state, track.started_at, min(now, track.away))
        return replace(stood, eta=None, eta_low=None, eta_high=None)
    return _standing(track, state, track.started_at, now)


def _standing(track: Track, state: Running, started_at: float, now: float) -> Running:
    elapsed = max(0.0, now - started_at)
    if track.expected is None or track.expected.seconds <= 0:
        done = max(state.fraction, track.least)
        return replace(state, fraction=done, eta=elapsed * (1 - done) / done if done >= PROJECTED_FROM else None)
    work, left = track.expected.seconds, pending_loading(track)
    done = min(1.0, state.fraction + _moved(track, state, now))
    loaded = min(left, max(0.0, elapsed - done * work)) if track.loaded is None else track.loaded
    loading = left if track.loaded is None else track.loaded
    # What is done has shown the pace of the rest, as far as it goes.
    rest = (1 - done) * ((1 - done) * work + elapsed - loaded)
    low, high = (rest * bound / work for bound in (track.expected.low, track.expected.high))
    still = loading - loaded
    return replace(
        state,
        fraction=1.0 if done >= 1 else max(track.least, (done * work + loaded) / (work + loading)),
        eta=rest + still,
        eta_low=low + still,
        eta_high=high + still,
    )


def _moved(track: Track, state: Running, now: float) -> float:
    """The share of the whole that the node at work has probably done since its last sign."""
    assert track.expected is not None
    place, weight = track.plan.nodes.get(track.node, (0, 0.0))
    if not weight:
        return 0.0
    known = track.nodes.get(track.node, 0.0)
    most = 1 / state.of if state.of > 1 else _first_sign(track.expected.stages[place], track.node) - known
    since = (now - track.since) / (weight * track.expected.seconds)
    return weight * max(0.0, min(since, most, 1 - known))


def _first_sign(stage: StageEstimate, node: str) -> float:
    """The share of a node's work before anything is heard of it."""
    seconds = dict(stage.nodes)
    # The node that counts steps is the longest.
    counts = stage.step_seconds > 0 and seconds[node] >= max(seconds.values())
    return stage.step_seconds / seconds[node] if counts else NEARLY
