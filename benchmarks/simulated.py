"""Devices that exist only here: they differ from every prior, are noisy, load models, and have other work to do.

Each has its own speed for every kind of work, its own way of slowing down with size, its own disk and bus. A run is
told as the websocket would tell it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from client.engine import Engine
from client.estimate import facts
from client.estimate.estimator import Sent
from client.estimate.facts import Facts, Work
from client.events import Cached, Ending, Event, Executing, NodeProgress, Started
from client.machine import single
from workflows import manifest
from workflows.build import Capabilities, build
from workflows.checking import sample
from workflows.request import Request
from workflows.values import Media

CARDS = (
    ("NVIDIA H100 80GB HBM3", 85.0, 989.0),
    ("NVIDIA H200", 151.0, 989.0),
    ("NVIDIA A100-SXM4-80GB", 85.0, 312.0),
    ("NVIDIA L40S", 48.0, 362.0),
    ("NVIDIA GeForce RTX 5090", 34.0, 209.0),
    ("NVIDIA GeForce RTX 4090", 25.5, 165.0),
    ("NVIDIA GeForce RTX 3090", 25.4, 71.0),
    ("NVIDIA GeForce RTX 5060 Ti", 17.0, 47.0),
    ("Card of tomorrow", 51.0, 700.0),
    ("Card of yesterday", 25.0, 60.0),
)
"""Name, memory in GB, and peak in TFLOPS; nobody knows the last two."""

SIZES = ((640, 384), (768, 448), (960, 512), (1024, 576), (1280, 704), (704, 1280), (768, 768))
SMALL = ((512, 320), (640, 384), (768, 448), (512, 512))
RESTARTS = 0.05
BUSY, MOST_BUSY = 0.1, 2.2
"""Share of runs beside other work on the same card, and how much slower that makes them at most."""

RUN_NOISE, NODE_NOISE = 0.03, 0.03


@dataclass(frozen=True)
class Nature:
    """How fast a machine really is. Nothing here is taken from the studio's own prior.

    `tflops` for large work, of which `half` tokens get half; attention, convolutions over video and the text encoder
    get shares of it. `pcie`, `disk` and `memory` in GB a second, `pixels` in 10^6 a second that its processor encodes;
    `fixed` seconds go with every node of some size.
    """

    tflops: float
    half: float
    attention: float
    video: float
    text: float
    pcie: float
    disk: float
    memory: float
    pixels: float
    fixed: float

    @classmethod
    def drawn(cls, tflops: float, dice: random.Random) -> Nature:
        """One of many machines with such a card."""
        return cls(
            tflops=tflops * math.exp(dice.gauss(0, 0.25)),
            half=dice.uniform(100, 2500),
            attention=dice.uniform(0.4, 1.2),
            video=math.exp(dice.gauss(math.log(0.12), 0.4)),
            text=dice.uniform(0.2, 0.7),
            pcie=dice.uniform(8, 45),
            disk=math.exp(dice.gauss(math.log(1.5), 0.5)),
            memory=dice.uniform(300, 3000),
            pixels=math.exp(dice.gauss(math.log(70), 0.4)),
            fixed=dice.uniform(0.05, 0.6),
        )

    def seconds(self, work: Work, found: Facts, room: float) -> float:
        """Seconds of a piece of work, with the models loaded and `room` GB for them."""
        fixed = self.fixed if work.tflop or work.megapixels > 1 else 0.002
        if work.kind == "sample":
            dense = facts.TOKEN_TFLOP * work.tokens * (work.tokens + self.half) / max(1, work.tokens)
            pairs = facts.PAIR_TFLOP * work.tokens**2 / self.attention
            fetched = max(0.0, found.transformer_gb - room) / self.pcie
            return fixed + work.steps * work.passes * max((dense + pairs) / self.tflops, fetched)
        if work.kind == "text":
            return fixed + work.tflop / (self.tflops * self.text)
        if work.kind == "enhance":
            return fixed + 0.5 * work.written * (0.02 + found.text_gb / self.memory)
        if work.kind in ("save", "pictures"):
            return fixed + work.megapixels / self.pixels
        return fixed + work.tflop / (self.tflops * self.video) + 0.002 * work.megapixels


@dataclass
class Simulated:
    """A machine of its own kind; `dice` decide everything."""

    number: int
    dice: random.Random
    engine: Engine = field(init=False)
    loaded: frozenset[str] = field(default=frozenset(), init=False)

    def __post_init__(self) -> None:
        name, self.memory, peak = CARDS[self.number % len(CARDS)]
        self.engine = Engine(
            "", "alive", version="0.27.0", device=name, machine=single(name, "cuda", self.memory, 128.0), lives=1
        )
        self.nature = Nature.drawn(0.5 * peak, self.dice)

    def pass_time(self) -> None:
        """Now and then the engine is started anew, which the studio notices."""
        if self.dice.random() < RESTARTS:
            self.loaded, self.engine = frozenset(), replace(self.engine, lives=self.engine.lives + 1)

    def ask(self) -> Request:
        """Something that a person might want, in any mode and preset."""
        mode = self.dice.choice(manifest.modes())
        preset = self.dice.choice(mode.presets)
        width, height = self.dice.choice(SMALL if preset.max_pixels else SIZES)
        seconds = self.dice.choice((3.0, 5.0, 5.0, 8.0, 10.0))
        values = {
            field.name: Media("example", seconds=seconds + 1, fps=24.0)
            for field in mode.fields
            if field.type in manifest.MEDIA_TYPES
        }
        return sample(mode, preset, **values, width=width, height=height, seconds=seconds)

    def sent(self, request: Request) -> Sent:
        """The graph for a request, as this engine gets it."""
        graph = build(request, Capabilities(memory=self.memory * 1e9 / 2**30))
        return Sent(graph, request.mode, request.preset, request.shape)

    def run(self, sent: Sent, prompt_id: str) -> tuple[list[tuple[float, Event]], bool]:
        """What is heard of a run, each with its time, and whether it had to load models."""
        found = facts.read(sent.graph, sent.shape)
        needed = [load for load in found.loads if load.file not in self.loaded]
        self.loaded = found.files
        loaders = frozenset(node for load in found.loads for node in load.nodes)
        warm = loaders - {node for load in needed for node in load.nodes}
        loading = sum(load.gb for load in needed) / self.nature.disk * self._noise(0.1)
        busy = self.dice.uniform(1.2, MOST_BUSY) if self.dice.random() < BUSY else 1.0
        pace = busy * self._noise(RUN_NOISE)
        return list(self._told(found, prompt_id, warm, loading, pace)), bool(needed)

    def _told(
        self, found: Facts, prompt_id: str, warm: frozenset[str], loading: float, pace: float
    ) -> Iterator[tuple[float, Event]]:
        now = 0.0
        yield now, Started(prompt_id)
        yield now, Cached(prompt_id, tuple(sorted(warm)))
        room = 0.9 * self.memory - 0.0003 * found.tokens
        # A quarter of the loading is the text encoder's, and the transformer is read when it is first used.
        waits = {"text": 0.25 * loading, "sample": 0.75 * loading}
        for work in found.works:
            if work.node in warm:
                continue
            seconds = self.nature.seconds(work, found, room) * pace * self._noise(NODE_NOISE)
            yield now, Executing(prompt_id, work.node)
            now += waits.pop(work.kind, 0.0)
            for step in range(1, work.steps + 1):
                share = {work.node: step / work.steps}
                yield now + seconds * step / work.steps, NodeProgress(prompt_id, share, work.node, step, work.steps)
            now += seconds
        yield now, Ending(prompt_id)

    def _noise(self, spread: float) -> float:
        return math.exp(self.dice.gauss(0, spread))
