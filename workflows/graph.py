"""Edits of an API-format graph: pure functions from graph to graph.

A graph is `{node id: {"class_type": str, "inputs": {name: value or [node id, slot]}, "_meta": {"title": str}}}`.
Nodes are addressed by title, never by id, so that a graph re-exported from ComfyUI's editor keeps working. No function
changes its argument. A title or input that isn't there is a mistake in a manifest and raises `GraphError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Graph = dict[str, dict[str, Any]]


class GraphError(ValueError):
    """A graph and what is to be done to it do not fit together."""


def title(node: Mapping[str, Any]) -> str:
    """The node's title; its class name where it has none."""
    return str(node.get("_meta", {}).get("title") or node["class_type"])


def find(graph: Graph, node_title: str) -> str:
    """The id of the one node with this title."""
    ids = [node_id for node_id, node in graph.items() if title(node) == node_title]
    if len(ids) != 1:
        raise GraphError(f"{len(ids)} nodes are titled {node_title!r}; one is needed")
    return ids[0]


def is_link(value: object) -> bool:
    """Whether an input's value is a link, `[node id, slot]`."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int)


def links(node: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    """The linked inputs of a node: input name to (node id, slot)."""
    return {name: (value[0], value[1]) for name, value in node["inputs"].items() if is_link(value)}


def _with_inputs(graph: Graph, node_id: str, **changes: Any) -> Graph:
    node = graph[node_id]
    return {**graph, node_id: {**node, "inputs": {**node["inputs"], **changes}}}


def _split(at: str) -> tuple[str, str]:
    node_title, dot, name = at.partition(".")
    if not dot:
        raise GraphError(f"{at!r} does not say which input it means")
    return node_title, name


def set_input(graph: Graph, at: str, value: Any) -> Graph:
    """Set an input that the node already has; `at` is "Title.input"."""
    node_title, name = _split(at)
    node_id = find(graph, node_title)
    if name not in graph[node_id]["inputs"]:
        raise GraphError(f"{node_title!r} has no input {name!r}")
    return _with_inputs(graph, node_id, **{name: value})


def link_input(graph: Graph, at: str, to: str, slot: int = 0, new: bool = False) -> Graph:
    """Link the input `at` ("Title.input") to output `slot` of the node titled `to`; a `new` input is made."""
    node_title, name = _split(at)
    source = [find(graph, to), slot]
    return _with_inputs(graph, find(graph, node_title), **{name: source}) if new else set_input(graph, at, source)


def _sources(graph: Graph, linked: Mapping[str, tuple[str, int]] | None) -> dict[str, list[Any]]:
    return {name: [find(graph, source), slot] for name, (source, slot) in (linked or {}).items()}


def _next_id(graph: Graph) -> str:
    return str(max((int(node_id) for node_id in graph if node_id.isdigit()), default=0) + 1)


def add_node(
    graph: Graph,
    node_title: str,
    class_type: str,
    inputs: Mapping[str, Any],
    linked: Mapping[str, tuple[str, int]] | None = None,
) -> Graph:
    """Add a node. `inputs` are literal values, `linked` maps an input to the title and slot of its source."""
    if any(title(node) == node_title for node in graph.values()):
        raise GraphError(f"a node is already titled {node_title!r}")
    node = {"class_type": class_type, "inputs": {**inputs, **_sources(graph, linked)}, "_meta": {"title": node_title}}
    return {**graph, _next_id(graph): node}


def replace_node(
    graph: Graph,
    node_title: str,
    class_type: str,
    inputs: Mapping[str, Any],
    linked: Mapping[str, tuple[str, int]] | None = None,
) -> Graph:
    """Give a node another class and other inputs; its id, title and users stay.

    `inputs` are literal values, `linked` maps an input to the title and slot of the node it comes from.
    """
    node_id = find(graph, node_title)
    replaced = {"class_type": class_type, "inputs": {**inputs, **_sources(graph, linked)}}
    return {**graph, node_id: {**graph[node_id], **replaced}}


def _redirect(graph: Graph, old: tuple[str, int], new: list[Any], keep: str = "") -> Graph:
    """Point every user of output `old`, except the node `keep`, at `new`."""
    changed = graph
    for node_id, node in graph.items():
        if node_id != keep:
            uses = {name: new for name, link in links(node).items() if link == old}
            changed = _with_inputs(changed, node_id, **uses) if uses else changed
    return changed


def insert_lora(graph: Graph, after: str, node_title: str, lora_name: str, strength: float) -> Graph:
    """Put a LoraLoaderModelOnly between the model (output 0 of the node titled `after`) and all its users."""
    inputs = {"lora_name": lora_name, "strength_model": strength}
    added = add_node(graph, node_title, "LoraLoaderModelOnly", inputs, {"model": (after, 0)})
    loader = find(added, node_title)
    return _redirect(added, (find(graph, after), 0), [loader, 0], keep=loader)


def drop_node(graph: Graph, node_title: str, bypass: str) -> Graph:
    """Remove a node of which only output 0 is used; its users get what its input `bypass` was linked to."""
    node_id = find(graph, node_title)
    source = links(graph[node_id]).get(bypass)
    if source is None:
        raise GraphError(f"{node_title!r} has no linked input {bypass!r} to bypass with")
    rest = {other: node for other, node in graph.items() if other != node_id}
    used = {slot for node in rest.values() for user, slot in links(node).values() if user == node_id}
    if used - {0}:
        raise GraphError(f"{node_title!r} can't be dropped: other outputs than its first are used")
    return _redirect(rest, (node_id, 0), list(source))


def prune(graph: Graph, *outputs: str) -> Graph:
    """Keep only what the nodes titled `outputs` depend on, in the graph's order."""
    needed: set[str] = set()
    waiting = [find(graph, output) for output in outputs]
    while waiting:
        node_id = waiting.pop()
        if node_id not in graph:
            raise GraphError(f"the graph links to node {node_id}, which is not there")
        if node_id not in needed:
            needed.add(node_id)
            waiting += [source for source, _ in links(graph[node_id]).values()]
    return {node_id: node for node_id, node in graph.items() if node_id in needed}
