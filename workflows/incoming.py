"""A graph file from outside, read with care: what ComfyUI would choke on is refused in one sentence.

Understood are the API format and a `{"prompt": …}` around it. The editor's format is recognised, see `editor`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workflows import schema
from workflows.errors import StudioError
from workflows.graph import Graph, GraphError, links, title

MAX_BYTES = 16_000_000
MAX_NODES = 5000
MAX_DEPTH = 32


def load(path: Path) -> Any:
    """The JSON value in a file.

    Raises StudioError `file_missing`, `file_too_large`, `file_empty` or `graph_not_json`.
    """
    # Only a plain file has an end: a device or a pipe would be read for ever.
    if not path.is_file():
        raise StudioError("file_missing", title="Graph", value=path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise StudioError("file_missing", title="Graph", value=path) from error
    if len(data) > MAX_BYTES:
        size = path.stat().st_size / 1e6
        raise StudioError("file_too_large", title="Graph", value=path, size_mb=size, high_mb=MAX_BYTES / 1e6)
    if not data.strip():
        raise StudioError("file_empty", title="Graph", value=path)
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:120]
        raise StudioError("graph_not_json", value=path, reason=reason) from error


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def is_editor_format(value: Any) -> bool:
    """Whether this is what ComfyUI's editor saves: lists of nodes and links, with places and colours."""
    return isinstance(value, dict) and isinstance(value.get("nodes"), list)


def graph_from(value: Any) -> Graph:
    """The graph in a JSON value, with nothing but class, inputs and title of each node.

    Raises GraphError where ComfyUI could not run it: a node without inputs would even end its worker.
    """
    if isinstance(value, dict) and isinstance(value.get("prompt"), dict) and "class_type" not in value["prompt"]:
        value = value["prompt"]
    if not isinstance(value, dict) or not value:
        raise GraphError("it holds no nodes")
    if len(value) > MAX_NODES:
        raise GraphError(f"it has {len(value)} nodes; {MAX_NODES} are the most")
    graph = {node_id: _node(node_id, node) for node_id, node in value.items()}
    for node in graph.values():
        for name, (source, slot) in links(node).items():
            if source not in graph:
                raise GraphError(f"{name} of {title(node)!r} is linked to node {source}, which is not there")
            if slot < 0 or isinstance(slot, bool):
                raise GraphError(f"{name} of {title(node)!r} is linked to output {slot}")
    circle = schema.cycle(graph)
    if circle:
        named = ", ".join(repr(title(graph[node_id])) for node_id in circle[:4])
        raise GraphError(f"it runs in a circle through or before {named}")
    return graph


def _node(node_id: str, node: Any) -> dict[str, Any]:
    if not isinstance(node, dict):
        raise GraphError(f"what is under {node_id!r} is no node")
    class_type, inputs, meta = node.get("class_type"), node.get("inputs"), node.get("_meta")
    if not isinstance(class_type, str) or not class_type:
        raise GraphError(f"node {node_id!r} has no class_type")
    if not isinstance(inputs, dict):
        raise GraphError(f"node {node_id!r} ({class_type}) has no inputs")
    _check_depth(node_id, inputs, MAX_DEPTH)
    for name, value in inputs.items():
        if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], float):
            raise GraphError(f"{name} of node {node_id!r} is linked to output {value[1]}")
    named = meta.get("title") if isinstance(meta, Mapping) else None
    kept = {"class_type": class_type, "inputs": inputs}
    return {**kept, "_meta": {"title": named}} if isinstance(named, str) and named else kept


def _check_depth(node_id: str, value: Any, left: int) -> None:
    if not left:
        raise GraphError(f"the inputs of node {node_id!r} are nested too deep")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_depth(node_id, inner, left - 1)
