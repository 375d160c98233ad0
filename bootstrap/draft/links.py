"""Links of an API-format graph: `[node id, slot]` where an input's value stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def is_link(value: object) -> bool:
    """Whether a value of a validated graph is a link; there, other lists are wrapped in `{"__value__": …}`."""
    return (
        isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int | float)
    )


def unwrapped(value: Any) -> Any:
    """A widget value without the `{"__value__": …}` around it, by which lists are told from links."""
    return value["__value__"] if isinstance(value, dict) and "__value__" in value else value


def widgets(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs that are not links."""
    return {name: unwrapped(value) for name, value in inputs.items() if not is_link(value)}


def sources(node: Mapping[str, Any]) -> list[str]:
    """The ids of the nodes that a node is linked to, in the order of its inputs."""
    return [value[0] for value in node["inputs"].values() if is_link(value)]


def order(
    graph: Mapping[str, Any], outputs: Iterable[str], enough: Callable[[str], bool] = lambda node_id: False
) -> list[str]:
    """The outputs and what they depend on, depth first, each node after its sources.

    Sources of which `enough` is true are left out, and so is what only they depend on. The graph has no cycles.
    """
    ordered: dict[str, None] = {}
    for output in outputs:
        waiting = [(output, False)]
        while waiting:
            node_id, expanded = waiting.pop()
            if expanded:
                ordered.setdefault(node_id)
            elif node_id not in ordered:
                waiting.append((node_id, True))
                missing = [source for source in sources(graph[node_id]) if not enough(source)]
                waiting += [(source, False) for source in reversed(missing)]
    return list(ordered)
