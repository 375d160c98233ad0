"""Frames of ComfyUI's websocket, decoded. Pure: the live socket and recorded transcripts go through the same function.

Text frames are `{"type", "data"}` objects; binary frames start with a big-endian 32-bit event number. What this studio
has no use for, and what can't be read, decodes to None: one odd frame must never end a job.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from client import views

PREVIEW_IMAGE = 1
PREVIEW_IMAGE_WITH_METADATA = 4


@dataclass(frozen=True)
class QueueChanged:
    """`status`: the queue's length changed, for anybody's reason."""

    remaining: int


@dataclass(frozen=True)
class Started:
    """`execution_start`."""

    prompt_id: str


@dataclass(frozen=True)
class Cached:
    """`execution_cached`: these nodes need not run."""

    prompt_id: str
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class NodeProgress:
    """How far nodes are, from 0 to 1, by id: `progress_state` (cumulative) or `progress` (one node)."""

    prompt_id: str
    nodes: Mapping[str, float]
    node: str = ""
    step: int = 0
    of: int = 0


@dataclass(frozen=True)
class Executing:
    """`executing`: this node runs now. Right after a reconnect it comes without a prompt id."""

    prompt_id: str | None
    node: str


@dataclass(frozen=True)
class Shown:
    """`executed`: what a node shows as text."""

    prompt_id: str
    node: str
    text: str


@dataclass(frozen=True)
class Ending:
    """The prompt is over, whatever its outcome; HTTP says which."""

    prompt_id: str


@dataclass(frozen=True)
class Preview:
    """A picture of the work in progress (JPEG or PNG bytes). `prompt_id` is None on servers that don't say."""

    prompt_id: str | None
    image: bytes


Event = QueueChanged | Started | Cached | NodeProgress | Executing | Shown | Ending | Preview


def decode(frame: str | bytes) -> Event | None:
    """The event in a frame, or None."""
    try:
        return _binary(frame) if isinstance(frame, bytes) else _text(frame)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, struct.error):
        return None


def _text(frame: str) -> Event | None:
    message = json.loads(frame)
    reader = READERS.get(message["type"])
    return reader(message["data"]) if reader else None


def _status(data: Mapping[str, Any]) -> Event:
    return QueueChanged(int(data["status"]["exec_info"]["queue_remaining"]))


def _cached(data: Mapping[str, Any]) -> Event:
    return Cached(data["prompt_id"], tuple(data["nodes"]))


def _progress(data: Mapping[str, Any]) -> Event:
    value, most = float(data["value"]), float(data["max"])
    node = str(data["node"])
    return NodeProgress(data["prompt_id"], {node: _share(value, most)}, node, int(value), int(most))


def _progress_state(data: Mapping[str, Any]) -> Event:
    nodes = {
        node: 1.0 if entry["state"] == "finished" else _share(entry["value"], entry["max"])
        for node, entry in data["nodes"].items()
    }
    running = next((entry for entry in data["nodes"].values() if entry["state"] == "running"), None)
    if running is None:
        return NodeProgress(data["prompt_id"], nodes)
    step, of = (int(running["value"]), int(running["max"])) if running["max"] > 1 else (0, 0)
    return NodeProgress(data["prompt_id"], nodes, str(running["node_id"]), step, of)


def _share(value: float, most: float) -> float:
    return min(1.0, max(0.0, value / most)) if most > 0 else 0.0


def _executing(data: Mapping[str, Any]) -> Event | None:
    prompt_id, node = data.get("prompt_id"), data.get("node")
    if node is None:
        return Ending(prompt_id) if prompt_id else None
    return Executing(prompt_id, str(node))


def _executed(data: Mapping[str, Any]) -> Event | None:
    text = views.text_of(data.get("output"))
    return Shown(data["prompt_id"], str(data["node"]), text) if text else None


def _ending(data: Mapping[str, Any]) -> Event:
    return Ending(data["prompt_id"])


READERS: dict[str, Callable[[Mapping[str, Any]], Event | None]] = {
    "status": _status,
    "execution_start": lambda data: Started(data["prompt_id"]),
    "execution_cached": _cached,
    "progress": _progress,
    "progress_state": _progress_state,
    "executing": _executing,
    "executed": _executed,
    "execution_success": _ending,
    "execution_error": _ending,
    "execution_interrupted": _ending,
}


def _binary(frame: bytes) -> Event | None:
    (event,) = struct.unpack_from(">I", frame)
    if event == PREVIEW_IMAGE:
        return Preview(None, frame[8:])
    if event == PREVIEW_IMAGE_WITH_METADATA:
        (length,) = struct.unpack_from(">I", frame, 4)
        metadata = json.loads(frame[8 : 8 + length])
        return Preview(metadata.get("prompt_id"), frame[8 + length :])
    return None
