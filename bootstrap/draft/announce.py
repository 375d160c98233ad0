"""What a running prompt tells: ComfyUI's messages in ComfyUI's order, to the client that submitted it.

Without a client id nobody hears the prompt's own events, but everybody its progress, as on a real server.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from bootstrap.draft import wire
from bootstrap.draft.history import Message
from bootstrap.draft.promptqueue import Prompt
from bootstrap.draft.wire import Frame

PROGRESS_INTERVAL = 0.05
"""Least seconds between two progress messages of a node; its first, its last and previews are sent at once."""


class Audience(Protocol):
    """Who listens: `sockets.Hub`."""

    def publish(self, frames: Sequence[Frame], to: str | None = None) -> None:
        """Send frames, in order, to the client `to`, or to every client."""

    def now_running(self, client_id: str | None, node_id: str | None) -> None:
        """Remember the client whose prompt runs, and the node it is at."""


def timestamp() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


class Announcer:
    """The voice of one prompt. `messages` are its timestamped events, which the history keeps."""

    def __init__(self, audience: Audience, prompt: Prompt) -> None:
        self.messages: list[Message] = []
        self._audience = audience
        self._prompt_id = prompt.prompt_id
        self._client_id = prompt.client_id
        self._progress: dict[str, dict[str, Any]] = {}
        self._sent_at: dict[str, float] = {}

    def started(self) -> None:
        """The prompt begins."""
        self._record("execution_start", {})

    def cached(self, node_ids: Sequence[str]) -> None:
        """These nodes need not run."""
        self._record("execution_cached", {"nodes": list(node_ids)})

    def node_started(self, node_id: str) -> None:
        """A node begins."""
        self._set(node_id, 0.0, 1.0, "running")
        self._show([self._state()])
        self._audience.now_running(self._client_id, node_id)
        self._tell("executing", {"node": node_id, "display_node": node_id})

    def node_progress(self, node_id: str, value: int, maximum: int, jpeg: bytes | None = None) -> None:
        """A node has done `value` of `maximum`, and has a picture to show if `jpeg` is given."""
        self._set(node_id, value, maximum, "running")
        now = time.monotonic()
        recently = now - self._sent_at.get(node_id, -PROGRESS_INTERVAL) < PROGRESS_INTERVAL
        if recently and jpeg is None and value < maximum:
            return
        self._sent_at[node_id] = now
        progress = {"value": value, "max": maximum, "prompt_id": self._prompt_id, "node": node_id}
        frames = [self._state(), wire.message("progress", progress, droppable=True)]
        if jpeg is not None and self._client_id is not None:
            about = {"node_id": node_id, "prompt_id": self._prompt_id, **_place(node_id)}
            frames.insert(1, wire.preview_with_metadata(jpeg, about))
        if jpeg is not None:
            frames.append(wire.preview(jpeg, everybody=self._client_id is None))
        self._show(frames)

    def node_shown(self, node_id: str, ui: Mapping[str, Any] | None) -> None:
        """A node, or a cached output node, shows what it made."""
        self._tell("executed", {"node": node_id, "display_node": node_id, "output": ui})

    def node_finished(self, node_id: str) -> None:
        """A node has ended well; also said of an output node that needed not run."""
        maximum = self._progress.get(node_id, {"max": 1})["max"]
        self._set(node_id, maximum, maximum, "finished")
        self._show([self._state()])

    def succeeded(self) -> None:
        """Every node has run."""
        self._record("execution_success", {})

    def interrupted(self, node_id: str, node_type: str, executed: Sequence[str]) -> None:
        """Somebody stopped the prompt; without a client id everybody is told."""
        data = {"node_id": node_id, "node_type": node_type, "executed": list(executed)}
        self._record("execution_interrupted", data, everybody=True)

    def failed(self, error: Mapping[str, Any]) -> None:
        """A node has failed."""
        self._record("execution_error", error)

    def done(self) -> None:
        """The prompt is over and in the history."""
        self._audience.now_running(None, None)
        self._tell("executing", {"node": None})

    def _set(self, node_id: str, value: float, maximum: float, state: str) -> None:
        self._progress[node_id] = {
            "value": value,
            "max": maximum,
            "state": state,
            "node_id": node_id,
            "prompt_id": self._prompt_id,
            **_place(node_id),
        }

    def _state(self) -> Frame:
        data = {"prompt_id": self._prompt_id, "nodes": self._progress}
        return wire.message("progress_state", data, droppable=True)

    def _show(self, frames: Sequence[Frame]) -> None:
        self._audience.publish(frames, self._client_id)

    def _tell(self, kind: str, data: Mapping[str, Any]) -> None:
        if self._client_id is not None:
            self._audience.publish([wire.message(kind, {**data, "prompt_id": self._prompt_id})], self._client_id)

    def _record(self, kind: str, data: Mapping[str, Any], everybody: bool = False) -> None:
        stamped = {"prompt_id": self._prompt_id, **data, "timestamp": timestamp()}
        self.messages.append((kind, stamped))
        if self._client_id is not None or everybody:
            self._audience.publish([wire.message(kind, stamped)], self._client_id)


def _place(node_id: str) -> dict[str, str | None]:
    """Where a node is in the graph; without sub-graphs it is always itself."""
    return {"display_node_id": node_id, "parent_node_id": None, "real_node_id": node_id}
