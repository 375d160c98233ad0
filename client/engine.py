"""How the engine is, as a snapshot that pages can read without waiting: one background thread asks, gently."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from client import preflight
from client.changes import Change
from client.loras import own
from client.machine import Machine, machine
from client.preflight import Preflight
from client.transport import Server, Unreachable
from workflows.errors import StudioError

log = logging.getLogger(__name__)
ASK_SECONDS = 2.0
IDLE_ASK_SECONDS = 15.0
IDLE_AFTER_SECONDS = 60.0
LORAS_SECONDS = 30.0
"""Between two questions for the list of LoRAs, which a person may add to at any time."""
PREFLIGHT_SECONDS = {False: 60.0, True: 600.0}
"""Between two looks at what an engine can make, by whether it could make everything; files may be added at any time."""
DRAFT_ENVIRONMENT = "ltx-studio-draft"
"""What the draft engine reports as `system.deploy_environment`."""


Status = Literal["starting", "alive", "gone"]


@dataclass(frozen=True)
class Engine:
    """The engine at `url`: `starting` until it has answered once, then `alive` or `gone`.

    `draft` says that it is the built-in draft engine, `queue` counts the prompts that run and wait, of all users.
    `lives` counts how often it came up, as far as it was noticed. `loras` are the person's own ones in its list, as
    last heard; `preflight` says what it can make, None until that is known and for the draft engine, which can make
    everything. `answered` is when it last did, in unix seconds, 0 before. `refusal` says what a server wants that
    answers and does not let the studio in, "" elsewhere.
    """

    url: str
    status: Status = "starting"
    draft: bool = False
    version: str = ""
    device: str = ""
    queue: int = 0
    loras: tuple[str, ...] = ()
    preflight: Preflight | None = None
    lives: int = 0
    machine: Machine = field(default_factory=Machine)
    answered: float = 0.0
    refusal: str = ""


def describe(url: str, stats: Mapping[str, Any], queue: int) -> Engine:
    """The engine in an answer of `GET /system_stats`."""
    system = stats.get("system", {})
    found = machine(stats)
    return Engine(
        url=url,
        status="alive",
        draft=system.get("deploy_environment") == DRAFT_ENVIRONMENT,
        version=str(system.get("comfyui_version", "")),
        device=device_name(found.first.name),
        queue=queue,
        machine=found,
    )


def device_name(reported: str) -> str:
    """The device's name without what ComfyUI puts around it ("cuda:0 NVIDIA H200 : cudaMallocAsync")."""
    name = reported.split(" : ")[0]
    first, _, rest = name.partition(" ")
    return rest if rest and ":" in first else name


class Monitor:
    """Keeps `snapshot` fresh; asks often while somebody looks at it and seldom while nobody does.

    `graphs` is the data folder in which people's own graphs lie. `changed` is called from the monitor's thread when
    the engine has come or gone or can make something else ("engine"), or only its queue is another ("place").
    """

    def __init__(
        self, server: Server, graphs: Path | None = None, changed: Callable[[Change], None] = lambda _: None
    ) -> None:
        self._engine = Engine(server.url)
        self._server = server
        self._looked = time.monotonic()
        self._graphs = graphs
        self._changed = changed
        self._listed = self._judged = float("-inf")
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="engine-monitor", daemon=True)
        self._thread.start()

    def snapshot(self) -> Engine:
        """The newest snapshot."""
        idle = time.monotonic() - self._looked > IDLE_AFTER_SECONDS
        self._looked = time.monotonic()
        if idle:
            self._wake.set()
        return self._engine

    def refresh(self) -> None:
        """Ask now; something has changed."""
        self._wake.set()

    def close(self) -> None:
        """End the thread."""
        self._stopping = True
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping:
            before, self._engine = self._engine, self._ask()
            idle = time.monotonic() - self._looked > IDLE_AFTER_SECONDS
            if not idle:
                self._judge(before)
            now = self._engine
            if _shown(before) != _shown(now):
                self._changed("engine")
            elif before.queue != now.queue:
                self._changed("place")
            self._wake.wait(IDLE_ASK_SECONDS if idle else ASK_SECONDS)
            self._wake.clear()
        self._server.close()

    def _ask(self) -> Engine:
        try:
            engine = describe(self._server.url, self._server.system_stats(), self._server.queue_remaining())
        except Exception as error:
            _report(error)
            status: Status = "starting" if self._engine.status == "starting" else "gone"
            refusal = f"{error.message} {error.hint}" if isinstance(error, StudioError) else ""
            return replace(self._engine, status=status, queue=0, refusal=refusal)
        before = self._engine
        return replace(
            engine,
            loras=self._loras(engine),
            preflight=before.preflight,
            lives=before.lives + (before.status != "alive"),
            answered=time.time(),
        )

    def _loras(self, engine: Engine) -> tuple[str, ...]:
        """Asked when the engine has come up, and now and then while it lives."""
        now, before = time.monotonic(), self._engine
        risen = before.status != "alive" or before.version != engine.version
        if not risen and now - self._listed < LORAS_SECONDS:
            return before.loras
        try:
            loras = own(self._server.loras())
        except Exception as error:
            _report(error)
            return before.loras
        self._listed = now
        return loras

    def _judge(self, before: Engine) -> None:
        """Asked in the same way, once the engine is already said to be alive: it takes about a second."""
        engine, now = self._engine, time.monotonic()
        if engine.status != "alive" or engine.draft:
            self._engine = replace(engine, preflight=None if engine.draft else engine.preflight)
            return
        risen = before.status != "alive" or before.version != engine.version
        known = engine.preflight
        if known is not None and not risen and now - self._judged < PREFLIGHT_SECONDS[known.ready]:
            return
        try:
            found = preflight.ask(self._server, self._graphs)
        except Exception as error:
            _report(error)
            return
        self._judged = now
        self._engine = replace(engine, preflight=found)


def _shown(engine: Engine) -> tuple[object, ...]:
    """What every page shows of the engine, beside its queue."""
    return engine.status, engine.device, engine.draft, engine.preflight, engine.refusal


def _report(error: Exception) -> None:
    # Whatever a server answers, the next question may get a better answer; the monitor's thread must not end.
    if not isinstance(error, Unreachable | StudioError):
        log.error("the engine's answer makes no sense", exc_info=error)
