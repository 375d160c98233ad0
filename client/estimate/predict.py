"""An estimate from a graph's facts, a device and what was learnt on it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, sqrt

from client.estimate import prior
from client.estimate.device import Device
from client.estimate.facts import Facts, Load, Work
from client.estimate.learning import REST, Learnt
from client.estimate.model import Estimate, StageEstimate
from workflows.manifest import Mode

FOUR_OF_FIVE = 1.2816
"""Standard deviations on both sides of the middle between which four of five normal values lie."""

RUN_SPREAD = 0.08
"""How far equal runs differ as a whole, whatever their parts do."""

UNSEEN_SPREAD = 0.2
"""How far a run differs from one run that was seen, by what that has not shown; less so the more were seen."""

OTHER_WORK = 0.1
"""Other work on the machine makes runs longer only: by so much (logarithmic) the range goes further up."""

DISK_SPREAD = 1.1
"""How far disks differ that nobody has seen at work: an NVMe drive reads ten times what a network volume gives."""

BASES = {
    "table": "the published speed of this device",
    "measured": "a measurement on this device",
    "guess": "a guess from this device's memory",
}


@dataclass(frozen=True)
class History:
    """What is known of a device: `learnt` from `runs` finished runs, and the files that the last run has loaded."""

    learnt: Learnt = field(default_factory=Learnt)
    runs: int = 0
    loaded: frozenset[str] = frozenset()


def estimate(facts: Facts, device: Device, history: History, mode: Mode) -> Estimate:
    """The estimate of a graph with these facts, in the stages of its mode's manifest."""
    by_node: dict[str, float] = {}
    off: dict[str, float] = {}
    first = prior.seconds(facts, device)
    rest = sum(first[work.node] for work in facts.works if work.kind == REST)
    for work in facts.works:
        factor, sigma = history.learnt.factor(work.kind, rest if work.kind == REST else first[work.node], mode.name)
        by_node[work.node] = factor * first[work.node]
        # What is wrong about one node of a kind is wrong about all of them, and about all kinds that nobody has seen.
        together = work.kind if work.kind in history.learnt.fits else ""
        off[together] = off.get(together, 0.0) + sigma * by_node[work.node]
    seconds = sum(by_node.values())
    wide = exp(FOUR_OF_FIVE * _spread(seconds, off.values(), history.runs))
    missing = [load for load in facts.loads if load.file not in history.loaded]
    (cold, cold_high), (due, _) = (loading(loads, device, history.learnt) for loads in (facts.loads, missing))
    memory, room = prior.memory(facts), device.usable_gb
    return Estimate(
        seconds=seconds,
        low=seconds / wide,
        high=seconds * wide * exp(OTHER_WORK),
        cold_seconds=cold,
        vram_gb=None if room is None else max(memory.least, min(memory.resident, room)),
        tokens=facts.tokens,
        stages=_stages(facts, by_node, mode),
        runs=history.runs,
        basis=_basis(device, history.runs),
        loading_seconds=due,
        cold_high=cold_high,
        device_gb=device.vram_gb,
        fits=room is None or memory.least <= room,
    )


def _spread(seconds: float, parts: Iterable[float], runs: int) -> float:
    """Standard deviation of a run's logarithm; `parts` are those of its kinds of work, in seconds."""
    unseen = UNSEEN_SPREAD / sqrt(runs) if runs else 0.0
    return sqrt(RUN_SPREAD**2 + unseen**2 + sum((part / seconds) ** 2 for part in parts)) if seconds else 0.0


def loading(loads: Sequence[Load], device: Device, learnt: Learnt) -> tuple[float, float]:
    """Seconds that loading takes, and as much as nine of ten times at most."""
    seconds = prior.cold_seconds(loads, device)
    if not seconds:
        return 0.0, 0.0
    factor, sigma = learnt.factor("load", seconds)
    if "load" not in learnt.fits:
        sigma = max(sigma, DISK_SPREAD)
    return seconds * factor, seconds * factor * exp(FOUR_OF_FIVE * sigma)


def _basis(device: Device, runs: int) -> str:
    if not runs:
        return "the draft engine's usual speed" if device.kind == "draft" else BASES[device.basis]
    return f"{runs} finished run{'' if runs == 1 else 's'} here"


def _stages(facts: Facts, seconds: Mapping[str, float], mode: Mode) -> tuple[StageEstimate, ...]:
    """The manifest's stages that have nodes in the graph; a node that none names goes with the one before it."""
    places = {name: index for index, stage in enumerate(mode.stages) for name in stage.nodes}
    held: list[list[Work]] = [[] for _ in mode.stages]
    place = 0
    for work in facts.works:
        place = places.get(work.title, place)
        held[place].append(work)
    return tuple(
        StageEstimate(
            title=stage.title,
            seconds=sum(seconds[work.node] for work in works),
            step_seconds=max((seconds[work.node] / work.steps for work in works if work.steps), default=0.0),
            nodes=tuple((work.node, seconds[work.node]) for work in works),
        )
        for stage, works in zip(mode.stages, held, strict=True)
        if works
    )
