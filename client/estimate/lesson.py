"""What one finished run teaches. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from client.estimate import prior
from client.estimate.device import Device
from client.estimate.facts import Facts, Load, Work
from client.estimate.learning import REST, Learnt, Observation, learn, part_of
from client.estimate.timings import Timings

LEAST_LOADING = 0.25
"""Share of all models that must have been loaded; the time for less is lost in the noise of the rest."""

SETTLED_STEPS = 2
"""Steps between two reported ones after which the pace of a sampler is known, whatever its first one waited for."""


@dataclass(frozen=True)
class Lesson:
    """What was measured, and the model files that the run had to load first."""

    observations: tuple[Observation, ...]
    loaded: tuple[Load, ...] = ()


def lesson(facts: Facts, mode: str, device: Device, timings: Timings, known: list[Observation]) -> Lesson:
    """The lesson of a complete run of a mode, given what was `known` before, oldest first.

    A run that had to load models spends the time wherever a model is first used. Of such a run only the pace of its
    samplers and the processor's work count, and what is left over is the loading.
    """
    first = prior.seconds(facts, device)
    loaded = _loaded(facts, device, timings)
    seen = [
        Observation(work.kind, first[work.node], seconds, mode)
        for work in facts.works
        if work.kind != REST
        and work.node not in timings.cached
        and (seconds := _measured(work, timings, bool(loaded))) is not None
    ]
    if not loaded:
        seen.append(_rest(facts, mode, first, timings))
    if loaded:
        warm = _warm_seconds(facts, mode, first, learn([*known, *seen], device.spread), timings)
        expected = prior.cold_seconds(loaded, device)
        if expected >= LEAST_LOADING * prior.cold_seconds(facts.loads, device):
            seen.append(Observation("load", expected, max(timings.seconds - warm, 0.02 * expected)))
    return Lesson(tuple(seen), loaded)


def _rest(facts: Facts, mode: str, first: dict[str, float], timings: Timings) -> Observation:
    """All that is small in one sum, and the moments in which no node was at work."""
    small = [work.node for work in facts.works if work.kind == REST and work.node not in timings.cached]
    idle = timings.seconds - sum(timings.spans.values())
    taken = idle + sum(timings.spans.get(node, 0.0) for node in small)
    return Observation(REST, sum(first[node] for node in small), taken, mode)


def _loaded(facts: Facts, device: Device, timings: Timings) -> tuple[Load, ...]:
    """Files of which a loader ran: of a cached loader the model is still there."""
    if device.kind == "draft":
        return ()
    return tuple(load for load in facts.loads if any(node in timings.spans for node in load.nodes - timings.cached))


def _measured(work: Work, timings: Timings, cold: bool) -> float | None:
    """Seconds of a node with the models in memory; None where they can't be told."""
    span = timings.spans.get(work.node)
    if span is None or not cold or part_of(work.kind) == "processor":
        return span
    ticks = timings.ticks.get(work.node)
    if work.kind == "sample" and ticks is not None and ticks.last - ticks.first >= SETTLED_STEPS:
        return ticks.step_seconds * work.steps
    return None


def _warm_seconds(facts: Facts, mode: str, first: dict[str, float], learnt: Learnt, timings: Timings) -> float:
    """What the nodes that ran would have taken without any loading."""
    ran = [work for work in facts.works if work.node in timings.spans]
    rest = sum(first[work.node] for work in ran if work.kind == REST)
    return sum(
        learnt.factor(work.kind, rest if work.kind == REST else first[work.node], mode)[0] * first[work.node]
        for work in ran
    )
