"""What a watcher asks an engine more than once until it is sure, and what it reads out of a job's graph."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from client import library
from client.attempts import listener
from client.estimate.estimator import Sent
from client.estimate.model import Estimate
from client.estimate.recorder import plan_of
from client.pace import Pace
from client.states import Cancelled, Failed, Output, Succeeded
from client.store import Row, Store
from client.transport import Server
from client.views import Completed, Errored, InProgress, Pending, Unknown, View
from workflows import manifest
from workflows.errors import StudioError
from workflows.graph import Graph, title
from workflows.grid import Shape
from workflows.plan import Plan, plan

Ended = Succeeded | Failed | Cancelled
log = logging.getLogger(__name__)


def has_arrived(server: Server, prompt_id: str, pace: Pace, check: Callable[[], None]) -> bool:
    """Whether the engine has the prompt; it must deny that for a while. `check` is called between, and may raise."""
    until = time.monotonic() + pace.doubt
    while isinstance(server.locate(prompt_id), Unknown):
        check()
        if time.monotonic() >= until:
            return False
        time.sleep(pace.tick)
    return True


def submit(server: Server, row: Row, graph: Graph) -> None:
    """Send a job's graph, with what was asked for as JSON for the video's metadata."""
    settings = {"mode": row.mode, "preset": row.preset, "values": row.named_values()}
    server.submit(graph, row.prompt_id, listener(row), {"ltx_studio": settings})


def taken_back(server: Server, prompt_id: str, pace: Pace, check: Callable[[], None]) -> View | None:
    """Cancel a prompt and wait until the engine has let go of it, for a while.

    The view of one that had ended by itself before it heard of that.
    """
    server.cancel(prompt_id)
    until = time.monotonic() + pace.goodbye
    while time.monotonic() < until:
        check()
        view = server.locate(prompt_id)
        if isinstance(view, Completed | Errored):
            return view
        if not isinstance(view, Pending | InProgress):
            return None
        time.sleep(pace.tick)
    return None


def collected(server: Server, view: Completed, folder: Path, row: Row, check: Callable[[], None]) -> tuple[Output, ...]:
    """What a job has made, in the library. Raises StudioError as `library.fetch`, or `output_missing`."""
    if not view.files:
        raise StudioError("output_missing", value="")
    return library.fetch(server, view.files, folder, row.id, check)


def write_down(
    store: Store, job_id: str, ended: Ended, poster: str | None, stopping: threading.Event, pace: Pace
) -> None:
    """Write a job's end down, however long the disk is full or the database locked, unless the studio stops."""
    pause = pace.tick
    while not stopping.is_set():
        try:
            store.close_job(job_id, ended, time.time(), poster)
            return
        except StudioError:
            log.exception("job %s can't be closed yet", job_id)
            stopping.wait(pause)
            pause = min(2 * pause, pace.backoff)


def sent(row: Row, graph: Graph) -> Sent:
    """A job's graph with what an estimate needs to know of its request."""
    return Sent(graph, row.mode, row.preset, Shape(row.width, row.height, row.frames, row.fps))


def planned(row: Row, graph: Graph, estimate: Estimate | None) -> Plan:
    """Stages and weights: of the estimate, or the manifest's where none is known."""
    made = plan_of(estimate) if estimate else None
    mode = manifest.mode(row.mode)
    return made or plan(mode, mode.preset(row.preset), graph)


def enhanced_by(mode: str, graph: Graph) -> str | None:
    """The id of the node that shows the enhanced prompt, by the title that the manifest gives it; None without one."""
    (named,) = (field.choice(manifest.ON).outputs for field in manifest.mode(mode).fields if field.name == "enhance")
    return next((node_id for node_id, node in graph.items() if title(node) in named), None)
