"""The estimates of one studio: what it asks of its engine, on the device there, with what the store has learnt."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from client.engine import Engine
from client.estimate import calibrate, facts, history, predict, prior, smaller
from client.estimate import device as devices
from client.estimate.calibrate import NotMeasured
from client.estimate.device import Device
from client.estimate.history import Run
from client.estimate.learning import learn
from client.estimate.lesson import lesson
from client.estimate.model import Estimate
from client.estimate.predict import History
from client.estimate.report import Report, reports
from client.estimate.timings import Timings
from client.store import Store
from workflows import manifest, own
from workflows.build import Capabilities
from workflows.errors import StudioError
from workflows.graph import Graph
from workflows.grid import Shape
from workflows.request import Request

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sent:
    """A graph as it was sent, and the request's mode, preset and shape."""

    graph: Graph
    mode: str
    preset: str
    shape: Shape


class Estimator:
    """Answers at once, from any thread. `engine` gives the engine's newest snapshot.

    What is learnt goes to the store; people's own graphs lie in the data folder `graphs`. `local` says that the engine
    is on this machine, so that a GPU that nobody knows can be measured.
    """

    def __init__(self, store: Store, engine: Callable[[], Engine], graphs: Path, local: bool = False) -> None:
        self._store = store
        self._engine = engine
        self._graphs = graphs
        self._local = local
        self._lock = threading.Lock()
        self._measuring = threading.Lock()
        self._histories: dict[str, History] = {}
        self._loaded: tuple[str, int, frozenset[str]] = ("", 0, frozenset())
        self._measured: dict[str, float | None] = {}

    def request(self, request: Request) -> Estimate | None:
        """The estimate of a request; None while the engine's device is unknown or its graph can't be built."""
        device = self.device()
        if device is None:
            return None
        self._consider_measuring(device)
        try:
            found = facts.read(self._built(request, device), request.shape)
            return predict.estimate(found, device, self._history(device), manifest.mode(request.mode))
        except StudioError:
            return None

    def sent(self, sent: Sent, engine: Engine | None = None) -> Estimate | None:
        """The estimate of a graph as it is sent, to the engine as it was just heard of."""
        device = self.device(engine)
        if device is None:
            return None
        found = facts.read(sent.graph, sent.shape)
        try:
            return predict.estimate(found, device, self._history(device), manifest.mode(sent.mode))
        except StudioError:
            return None

    def device(self, engine: Engine | None = None) -> Device | None:
        """What the engine computes on; None while it has not said."""
        engine = engine or self._engine()
        found = device_of(engine)
        if found is None or found.basis != "guess" or found.kind != "gpu":
            return found
        return device_of(engine, self._measured_tflops(found.key))

    def smaller(self, request: Request, cap: float | None = None) -> dict[str, Any] | None:
        """The fields to change, with their values (the preset under `preset`), so that the request fits.

        Into the device's memory with less than now or, where `cap` is given, into so many seconds. None where nothing
        is known or helps.
        """
        device = self.device()
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

    def ran(self, sent: Sent, engine: Engine | None = None) -> None:
        """The engine has executed a graph, however it ended: its models are loaded now."""
        device = self.device(engine)
        if device is not None:
            with self._lock:
                self._loaded = (device.key, self._engine().lives, facts.read(sent.graph, sent.shape).files)

    def learn(self, sent: Sent, timings: Timings, engine: Engine | None = None) -> None:
        """Take over what a run that ended well has taken; one that was not heard as a whole teaches nothing."""
        device = self.device(engine)
        if device is None or not timings.complete:
            return
        try:
            self._learn(sent, timings, device)
        except StudioError:
            log.exception("nothing is learnt from a run")

    def _learn(self, sent: Sent, timings: Timings, device: Device) -> None:
        found = facts.read(sent.graph, sent.shape)
        past = self._history(device)
        before = predict.estimate(found, device, past, manifest.mode(sent.mode))
        with self._lock:
            known = history.observations(self._store, device.key)
            taught = lesson(found, sent.mode, device, timings, known)
            # What was made before is taken from the cache: such a run says nothing of the next one's time.
            # Nobody knows what an engine has loaded already that has run before us, or for others.
            loading, _ = predict.loading(taught.loaded, device, past.learnt)
            whole = not any(work.kind == "sample" and work.node in timings.cached for work in found.works)
            run = _run(sent, device, before, timings, bool(taught.loaded), loading) if whole else None
            history.keep(self._store, device.key, taught.observations, run)
            self._histories[device.key] = self._read(device)

    def reports(self) -> tuple[Report, ...]:
        """What was learnt of each device, the one last used first."""
        return reports(self._store)

    def _consider_measuring(self, device: Device) -> None:
        """Measure a GPU of this machine that nobody knows, once, while it has nothing else to do."""
        engine = self._engine()
        unknown = device.kind == "gpu" and device.basis == "guess" and engine.machine.first.type == "cuda"
        if self._local and unknown and not engine.queue and engine.status == "alive" and not self._measuring.locked():
            names = (device.key, engine.device)
            threading.Thread(target=self._measure, args=names, name="measure-gpu", daemon=True).start()

    def _measure(self, key: str, name: str) -> None:
        # Held for good: what could not be measured once is not tried again.
        if not self._measuring.acquire(blocking=False):
            return
        try:
            found = calibrate.measure()
            # The engine may be another machine's, reached through a tunnel.
            if found.name != name:
                raise NotMeasured(f"torch finds another GPU, {found.name}")
            history.keep_calibration(self._store, key, found.tflops, time.time())
            kept = history.measured_tflops(self._store, key)
        except (NotMeasured, StudioError) as error:
            log.info("%s is not measured: %s", name, error)
            return
        with self._lock:
            self._measured[key] = kept

    def _built(self, request: Request, device: Device) -> Graph:
        memory = (device.vram_gb or 0.0) * 1e9 / 2**30
        return own.build_with(request, Capabilities(memory=memory), self._graphs)

    def _history(self, device: Device) -> History:
        with self._lock:
            if device.key not in self._histories:
                self._histories[device.key] = self._read(device)
            known = self._histories[device.key]
            # An engine that has been started anew has nothing loaded any more.
            key, lives, files = self._loaded
            same = (key, lives) == (device.key, self._engine().lives)
            return replace(known, loaded=files) if same else known

    def _read(self, device: Device) -> History:
        learnt = learn(history.observations(self._store, device.key), device.spread)
        return History(learnt, history.count(self._store, device.key))

    def _measured_tflops(self, key: str) -> float | None:
        with self._lock:
            if key not in self._measured:
                self._measured[key] = history.measured_tflops(self._store, key)
            return self._measured[key]


def _run(sent: Sent, device: Device, before: Estimate, timings: Timings, cold: bool, extra: float) -> Run:
    return Run(
        device=device.key,
        finished_at=time.time(),
        mode=sent.mode,
        preset=sent.preset,
        width=sent.shape.width,
        height=sent.shape.height,
        frames=sent.shape.frames,
        cold=cold,
        predicted=before.seconds + extra,
        low=before.low + extra,
        high=before.high + extra,
        seconds=timings.seconds,
    )


def device_of(engine: Engine, measured_tflops: float | None = None) -> Device | None:
    """What an engine computes on; None while it has not said."""
    if engine.status == "starting":
        return None
    return devices.device(
        draft=engine.draft,
        name=engine.device,
        type_=engine.machine.first.type,
        vram_gb=engine.machine.first.total / 1e9,
        ram_gb=engine.machine.ram_total / 1e9,
        measured_tflops=measured_tflops,
    )
