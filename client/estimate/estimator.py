"""The estimates of one studio: what it asks of its engine, on the device there, with what the store has learnt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from client.engine import Engine
from client.estimate import device as devices
from client.estimate import facts, predict, prior, smaller
from client.estimate.device import Device
from client.estimate.learning import Learnt
from client.estimate.model import Estimate
from client.estimate.predict import History
from workflows import manifest, own
from workflows.build import Capabilities
from workflows.errors import StudioError
from workflows.graph import Graph
from workflows.grid import Shape
from workflows.request import Request


class Estimator:
    """Answers at once, from any thread. `engine` gives the engine's newest snapshot.

    People's own graphs lie in the data folder `graphs`.
    """

    def __init__(self, engine: Callable[[], Engine], graphs: Path) -> None:
        self._engine = engine
        self._graphs = graphs

    def request(self, request: Request) -> Estimate | None:
        """The estimate of a request; None while the engine's device is unknown or its graph can't be built."""
        engine = self._engine()
        device = device_of(engine)
        if device is None:
            return None
        try:
            return self._estimate(self._built(request, device), request.mode, request.shape, device)
        except StudioError:
            return None

    def graph(self, graph: Graph, mode: str, shape: Shape, engine: Engine) -> Estimate | None:
        """The estimate of a graph as it is sent to an engine."""
        device = device_of(engine)
        return self._estimate(graph, mode, shape, device) if device else None

    def smaller(self, request: Request, cap: float | None = None) -> dict[str, Any] | None:
        """The fields to change, with their values (the preset under `preset`), so that the request fits.

        Into the device's memory with less than now or, where `cap` is given, into so many seconds. None where nothing
        is known or helps.
        """
        device = device_of(self._engine())
        if device is None:
            return None

        def look(asked: Request) -> smaller.Outlook:
            found = facts.read(self._built(asked, device), asked.shape)
            seen = predict.estimate(found, device, self._history(device), manifest.mode(asked.mode))
            return smaller.Outlook(prior.memory(found).least, seen.high + seen.cold_seconds)

        try:
            if cap is None:
                return smaller.for_memory(request, look, device.usable_gb)
            return smaller.for_time(request, look, cap, device.usable_gb)
        except StudioError:
            return None

    def _built(self, request: Request, device: Device) -> Graph:
        memory = (device.vram_gb or 0.0) * 1e9 / 2**30
        return own.build_with(request, Capabilities(memory=memory), self._graphs)

    def _estimate(self, graph: Graph, mode: str, shape: Shape, device: Device) -> Estimate:
        return predict.estimate(facts.read(graph, shape), device, self._history(device), manifest.mode(mode))

    def _history(self, device: Device) -> History:
        return History(Learnt(spread=device.spread))


def device_of(engine: Engine, measured_tflops: float | None = None) -> Device | None:
    """What an engine computes on; None while it has not said."""
    if engine.status == "starting":
        return None
    return devices.device(
        draft=engine.draft,
        name=engine.device,
        type_=engine.device_type,
        vram_gb=engine.vram_gb,
        ram_gb=engine.ram_gb,
        measured_tflops=measured_tflops,
    )
