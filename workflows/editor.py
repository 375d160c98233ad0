"""Graphs in the format that ComfyUI's editor saves, converted by comfy-cli where that is installed.

The converter is a help, not a source of truth: it drops inputs and nodes that it can't map without a word. So what
comes out is compared with what went in, and a graph that lost something is refused.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workflows import schema
from workflows.errors import StudioError
from workflows.graph import Graph, GraphError
from workflows.incoming import graph_from

CONVERTER = "comfy_cli.workflow_to_api"
MUTED, BYPASSED = 2, 4
EDITOR_ONLY = ("Note", "MarkdownNote", "PrimitiveNode", "GetNode", "SetNode", "Reroute", "LoadImageOutput")
"""Classes that exist in the editor alone."""
SWITCHES = {"ComfySwitchNode": ("on_false", "on_true")}
"""Nodes that choose between inputs, which the engine needs both of."""
SUBGRAPH_INPUT = -10
MAX_NESTING = 16
MAX_SUBGRAPHS = 1000


@dataclass(frozen=True)
class EditorNode:
    """A node of the editor's that is to come out: its id in the API format, class, name and linked inputs.

    `promoted` are those linked inputs that come from outside its subgraph.
    """

    id: str
    class_type: str
    title: str
    linked: tuple[str, ...]
    promoted: tuple[str, ...]


def convert(workflow: Mapping[str, Any], interfaces: schema.Interfaces, name: object) -> tuple[Graph, tuple[str, ...]]:
    """The graph, and the titles of the nodes that are muted or bypassed in the editor and so left out of it.

    Raises StudioError `editor_format` where the converter isn't installed and `conversion_failed` where it fails or
    loses something; `name` is what the file is called.
    """
    try:
        convert_ui_to_api = importlib.import_module("comfy_cli.workflow_to_api").convert_ui_to_api
    except (ImportError, AttributeError) as error:
        raise StudioError("editor_format", value=name) from error
    # What it warns of is checked below.
    logging.getLogger(CONVERTER).setLevel(logging.CRITICAL)
    try:
        if (workflow.get("extra") or {}).get("groupNodes"):
            raise GraphError("it has group nodes of the old kind; make them subgraphs")
        wanted, left_out = _wanted(workflow)
        graph = graph_from(convert_ui_to_api(dict(workflow), dict(interfaces)))
        faults = list(_faults(wanted, graph, interfaces))
        if faults:
            raise GraphError("; ".join(faults[:8]))
    except Exception as error:
        # Whatever a converter that isn't ours trips over, the file is what it can't read.
        reason = str(error) if isinstance(error, GraphError) else f"{type(error).__name__}: {error}"
        raise StudioError("conversion_failed", value=name, reason=" ".join(reason.split())) from error
    return graph, left_out


def _faults(wanted: list[EditorNode], graph: Graph, interfaces: schema.Interfaces) -> Iterator[str]:
    """One clause for everything that the conversion lost."""
    for node in wanted:
        made = graph.get(node.id)
        if made is None:
            yield f"the node {node.title!r} is lost"
            continue
        required = (interfaces.get(node.class_type) or {}).get("input", {}).get("required") or {}
        kept = [name for name in node.linked if name not in node.promoted or name in required]
        needed = dict.fromkeys((*kept, *SWITCHES.get(node.class_type, ())))
        for name in (name for name in needed if name not in made["inputs"]):
            yield f"the input {name} of {node.title!r} ({node.class_type}, node {node.id}) is lost"


def _wanted(workflow: Mapping[str, Any]) -> tuple[list[EditorNode], tuple[str, ...]]:
    """The nodes that must come out, and the titles of those that are muted or bypassed."""
    inner = (workflow.get("definitions") or {}).get("subgraphs") or []
    definitions = {subgraph["id"]: subgraph for subgraph in inner}
    wanted: list[EditorNode] = []
    left_out: list[str] = []
    waiting = [(workflow, "", 0)]
    while waiting:
        scope, prefix, depth = waiting.pop()
        if depth > MAX_NESTING or len(waiting) > MAX_SUBGRAPHS:
            raise GraphError("its subgraphs are nested too deep")
        nodes = [node for node in scope["nodes"] if isinstance(node, dict) and node.get("type")]
        silent = {node.get("id") for node in nodes if node.get("mode") in (MUTED, BYPASSED)}
        origins = dict(_origins(scope.get("links") or []))
        for node in nodes:
            node_id, class_type = f"{prefix}{node.get('id')}", node["type"]
            name = str(node.get("title") or class_type)
            if node.get("id") in silent:
                left_out.append(name)
            elif class_type in definitions:
                waiting.append((definitions[class_type], f"{node_id}:", depth + 1))
            elif class_type not in EDITOR_ONLY:
                sources = {
                    entry["name"]: origins[entry["link"]]
                    for entry in node.get("inputs") or []
                    if entry.get("link") in origins and origins[entry["link"]] not in silent
                }
                promoted = tuple(key for key, origin in sources.items() if origin == SUBGRAPH_INPUT)
                wanted.append(EditorNode(node_id, class_type, name, tuple(sources), promoted))
    return wanted, tuple(left_out)


def _origins(listed: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Each link's id and the id of the node it comes from; both ways to write a link are read."""
    for link in listed:
        if isinstance(link, dict):
            yield link.get("id"), link.get("origin_id")
        elif isinstance(link, list) and len(link) > 1:
            yield link[0], link[1]
