"""Results kept from one prompt to the next, so that unchanged nodes do not run again.

A node's key is a hash over its class, its widget values, what its files contain, and the keys of the nodes linked to
it. Only results that the current prompt can use are kept, which bounds the memory, as ComfyUI's classic cache does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from bootstrap.draft.links import is_link

Fingerprint = Callable[[str], str | None]


@dataclass(frozen=True)
class Cached:
    """What a node gave: its outputs, and what it showed (JSON), if anything."""

    outputs: tuple[Any, ...]
    ui: Mapping[str, Any] | None


class Cache:
    """Results by key. Used by the worker thread only."""

    def __init__(self) -> None:
        self._results: dict[str, Cached] = {}

    def get(self, key: str | None) -> Cached | None:
        """The result under a key; None for a node that can't be cached."""
        return None if key is None else self._results.get(key)

    def put(self, key: str | None, result: Cached) -> None:
        """Keep a result, unless its node can't be cached."""
        if key is not None:
            self._results[key] = result

    def keep(self, keys: Collection[str | None]) -> None:
        """Forget everything but these."""
        self._results = {key: result for key, result in self._results.items() if key in keys}

    def clear(self) -> None:
        """Forget everything."""
        self._results.clear()


def keys(graph: Mapping[str, Any], order: list[str], fingerprint: Fingerprint) -> dict[str, str | None]:
    """The key of every node in `order`, in which a node comes after those it is linked to.

    `fingerprint` gives a node's own fingerprint, "" where it has none; None makes it and all that use it uncacheable.
    """
    found: dict[str, str | None] = {}
    for node_id in order:
        found[node_id] = _key(graph[node_id], fingerprint(node_id), found)
    return found


def _key(node: Mapping[str, Any], fingerprint: str | None, found: Mapping[str, str | None]) -> str | None:
    inputs: dict[str, Any] = {}
    for name, value in node["inputs"].items():
        if is_link(value):
            source = found[value[0]]
            if source is None:
                return None
            inputs[name] = ["link", source, value[1]]
        else:
            inputs[name] = ["value", value]
    if fingerprint is None:
        return None
    described = json.dumps([node["class_type"], fingerprint, inputs], sort_keys=True)
    return hashlib.sha256(described.encode()).hexdigest()
