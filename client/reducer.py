"""One job's progress as a pure fold over what is heard about it.

The websocket's events and what HTTP says go through `reduce`; nothing here ends a job. A job ends when HTTP has said so
and its files are here: the websocket only hints (`Track.over`) that it is worth asking.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from client.estimate.model import Estimate
from client.events import Cached, Ending, Event, Executing, NodeProgress, Preview, QueueChanged, Shown, Started
from client.states import Queued, Running
from client.views import InProgress, Pending, View
from workflows.plan import Plan


@dataclass(frozen=True)
class Track:
    """What is known of a running job.

    `nodes` holds each node's progress from 0 to 1, `texts` what nodes have shown; `node` is at work, with its last sign
    at `since`. `loaded` is how many seconds models took to load, None while they may still be loaded. `over` says that
    the engine has reported an end, `moved` that the queue has changed since HTTP was last asked, `away` since when the
    engine does not answer. `expected` is the job's estimate, `least` how far the job was shown to be.
    All times are in unix seconds.
    """

    prompt_id: str
    plan: Plan
    state: Queued | Running = field(default_factory=Queued)
    nodes: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    started_at: float | None = None
    preview: bytes | None = None
    over: bool = False
    moved: bool = False
    away: float | None = None
    expected: Estimate | None = None
    node: str = ""
    since: float = 0.0
    loaded: float | None = None
    least: float = 0.0

    def advanced_from(self, before: Track) -> bool:
        """Whether something was done since, so that the job is not stuck."""
        here, there = self.state, before.state
        if not isinstance(here, Running) or not isinstance(there, Running):
            return type(here) is not type(there)
        moved = (here.fraction, here.stage, here.step) != (there.fraction, there.stage, there.step)
        return moved or self.preview is not before.preview or self.nodes != before.nodes


def reduce(track: Track, heard: Event | View, now: float) -> Track:
    """The track after one more thing heard at `now` (unix seconds). News of other prompts changes nothing."""
    if isinstance(heard, QueueChanged):
        return replace(track, moved=True)
    if isinstance(heard, Pending):
        waiting = track.started_at is None
        return replace(track, state=Queued(heard.ahead), moved=False) if waiting else track
    if isinstance(heard, InProgress):
        running = _running(track, now)
        assert isinstance(running.state, Running)
        return replace(running, state=replace(running.state, note=""), moved=False, away=None)
    if isinstance(heard, Preview):
        ours = heard.prompt_id == track.prompt_id or (heard.prompt_id is None and isinstance(track.state, Running))
        return replace(track, preview=heard.image) if ours else track
    if isinstance(heard, Executing):
        ours = heard.prompt_id in (track.prompt_id, None)
        return _advance(_running(track, now), {}, now, heard.node) if ours else track
    if getattr(heard, "prompt_id", None) != track.prompt_id:
        return track
    if isinstance(heard, Ending):
        return replace(track, over=True)
    if isinstance(heard, Shown):
        return replace(track, texts={**track.texts, heard.node: heard.text})
    if isinstance(heard, Started):
        return _running(track, now)
    if isinstance(heard, Cached):
        return _advance(_running(track, now), dict.fromkeys(heard.nodes, 1.0), now)
    if isinstance(heard, NodeProgress):
        return _advance(_running(track, now), heard.nodes, now, heard.node, heard.step, heard.of)
    return track


def unanswered(track: Track, now: float) -> Track:
    """The track while the engine does not answer: how long that will take nobody knows."""
    note = "The engine does not answer; waiting for it."
    state = track.state
    waiting = replace(state, note=note) if isinstance(state, Running) else Queued(note=note)
    return replace(track, state=waiting, away=now if track.away is None else track.away)


def pending_loading(track: Track) -> float:
    """Seconds for which models are expected to be loaded first."""
    return 0.0 if track.expected is None else track.expected.loading_seconds


def noted(track: Track, note: str) -> Track:
    """The track with what there is to say, where nothing else is said."""
    return track if track.state.note or not note else replace(track, state=replace(track.state, note=note))


def _running(track: Track, now: float) -> Track:
    if isinstance(track.state, Running):
        return track
    return replace(track, state=Running(stage=track.plan.stages[0]), started_at=now)


def _advance(track: Track, nodes: Mapping[str, float], now: float, node: str = "", step: int = 0, of: int = 0) -> Track:
    """Take over node progress; `node` is the one that runs now, at `step` of `of`."""
    assert isinstance(track.state, Running)
    assert track.started_at is not None
    # Nodes run one after the other, and not every server says of one that it has ended.
    ended = {track.node: 1.0} if node and track.node not in ("", node) else {}
    told = {**ended, **nodes}
    merged = {**track.nodes, **{key: max(value, track.nodes.get(key, 0.0)) for key, value in told.items()}}
    fraction = sum(weight * merged.get(key, 0.0) for key, (_, weight) in track.plan.nodes.items())
    fraction = min(1.0, max(fraction, track.state.fraction))
    state = replace(track.state, fraction=fraction, note="")
    at = node or track.node
    if at != track.node:
        state = replace(state, step=0, of=0)
    if node in track.plan.nodes:
        state = replace(state, stage=track.plan.stages[track.plan.nodes[node][0]])
        # After a reconnect the node is named again, without its step.
        state = replace(state, step=step, of=of) if of else state
    since = now if at != track.node or merged.get(at) != track.nodes.get(at) else track.since
    advanced = replace(track, state=state, nodes=merged, node=at, since=since, away=None)
    return _loaded(advanced, now) if step and of > 1 else advanced


def _loaded(track: Track, now: float) -> Track:
    """The track of a job that has counted a step: the models are there, and what the work did not take, they did."""
    if track.loaded is not None or track.started_at is None or track.expected is None:
        return track
    assert isinstance(track.state, Running)
    lost = now - track.started_at - track.state.fraction * track.expected.seconds
    return replace(track, loaded=min(pending_loading(track), max(0.0, lost)))
