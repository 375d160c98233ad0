"""How the engine is, as a snapshot that pages can read without waiting: one background thread asks, gently."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from client.transport import Server, Unreachable
from workflows.errors import StudioError

log = logging.getLogger(__name__)
ASK_SECONDS = 2.0
IDLE_ASK_SECONDS = 15.0
IDLE_AFTER_SECONDS = 60.0
DRAFT_ENVIRONMENT = "ltx-studio-draft"
"""What the draft engine reports as `system.deploy_environment`."""


@dataclass(frozen=True)
class Engine:
    """The engine at `url`: `starting` until it has answered once, then `alive` or `gone`.

    `draft` says that it is the built-in draft engine, `queue` counts the prompts that run and wait, of all users.
    """

    url: str
    status: Literal["starting", "alive", "gone"] = "starting"
    draft: bool = False
    version: str = ""
    device: str = ""
    queue: int = 0


def describe(url: str, stats: Mapping[str, Any], queue: int) -> Engine:
    """The engine in an answer of `GET /system_stats`."""
    system = stats.get("system", {})
    devices = stats.get("devices") or [{}]
    return Engine(
        url=url,
        status="alive",
        draft=system.get("deploy_environment") == DRAFT_ENVIRONMENT,
        version=str(system.get("comfyui_version", "")),
        device=device_name(str(devices[0].get("name", ""))),
        queue=queue,
    )


def device_name(reported: str) -> str:
    """The device's name without what ComfyUI puts around it ("cuda:0 NVIDIA H200 : cudaMallocAsync")."""
    name = reported.split(" : ")[0]
    first, _, rest = name.partition(" ")
    return rest if rest and ":" in first else name


class Monitor:
    """Keeps `snapshot` fresh; asks often while somebody looks at it and seldom while nobody does."""

    def __init__(self, server: Server) -> None:
        self._engine = Engine(server.url)
        self._server = server
        self._looked = time.monotonic()
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
            self._engine = self._ask()
            idle = time.monotonic() - self._looked > IDLE_AFTER_SECONDS
            self._wake.wait(IDLE_ASK_SECONDS if idle else ASK_SECONDS)
            self._wake.clear()
        self._server.close()

    def _ask(self) -> Engine:
        try:
            return describe(self._server.url, self._server.system_stats(), self._server.queue_remaining())
        except Exception as error:
            # Whatever a server answers, the next question may get a better answer; this thread must not end.
            if not isinstance(error, Unreachable | StudioError):
                log.exception("the engine's answer makes no sense")
            return replace(self._engine, status="starting" if self._engine.status == "starting" else "gone", queue=0)
