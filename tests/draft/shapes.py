"""Comparing answers with recorded ones: what differs from run to run is replaced, the rest has to be equal."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.support.comfy_client import Message, messages

UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
VOLATILE = ("timestamp", "create_time", "execution_start_time", "execution_end_time", "sid", "client_id")


def settled(value: Any) -> Any:
    """The value with ids, times and client ids replaced by their names."""
    if isinstance(value, dict):
        return {
            UUID.sub("<id>", key): f"<{key}>" if key in VOLATILE else settled(inner) for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [settled(inner) for inner in value]
    return UUID.sub("<id>", value) if isinstance(value, str) else value


def outline(value: Any) -> Any:
    """The keys and types of a value; numbers are all one type, and a list is outlined by its first element."""
    if isinstance(value, dict):
        return {key: outline(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [outline(inner) for inner in value[:1]]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number"
    return type(value).__name__


def transcript(frames: list[Message | bytes]) -> list[Message]:
    """The text frames, settled, with nodes named by the order in which they first ran.

    The server chooses among nodes that could run, so that the names in a graph can't be compared. The draft engine's
    SaveVideo reports progress, which ComfyUI's does not: that is left out.
    """
    heard = messages(frames)
    kept = [
        message
        for message, after in zip(heard, [*heard[1:], None], strict=True)
        if message["type"] != "progress" and (after is None or after["type"] != "progress")
    ]
    ran = [message["data"]["node"] for message in kept if message["type"] == "executing" and message["data"]["node"]]
    names = {node: f"n{index}" for index, node in enumerate(ran)}
    return [_renamed(settled(message), names) for message in kept]


def _renamed(message: Message, names: dict[str, str]) -> Message:
    data = dict(message["data"])
    for key in ("node", "display_node"):
        if key in data:
            data[key] = names.get(data[key], data[key])
    if message["type"] == "execution_cached":
        data["nodes"] = sorted(data["nodes"])
    if message["type"] == "progress_state":
        # A node that reported progress keeps its own maximum; finished is finished.
        data["nodes"] = {
            names.get(node, node): json.loads(
                json.dumps({**state, "value": state["value"] / state["max"], "max": 1}).replace(
                    f'"{node}"', f'"{names.get(node, node)}"'
                )
            )
            for node, state in data["nodes"].items()
        }
    return {**message, "data": data}
