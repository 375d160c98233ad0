"""Graphs as people bring them, and `python -m workflows import` as it is run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workflows import manifest
from workflows.graph import Graph, is_link, title

CHECKOUT = manifest.FOLDER.parent


def run(*arguments: object, **env: str) -> subprocess.CompletedProcess[str]:
    """`python -m workflows` with no setting from outside but `env`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STUDIO_")}
    return subprocess.run(
        [sys.executable, "-m", "workflows", *map(str, arguments)],
        cwd=CHECKOUT,
        env={**kept, "PYTHONUTF8": "1", **env},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def saved(folder: Path, value: Any, name: str = "mine.json") -> Path:
    """A value as a JSON file."""
    path = folder / name
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def kept(data: Path, mode: str) -> Graph | None:
    """The graph in the data folder, where there is one."""
    path = data / "workflows" / f"{mode}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def renumbered(graph: Graph, prefix: str = "12:") -> Graph:
    """The same graph with other ids in another order, as an export from another editor session has them."""
    ids = {old: f"{prefix}{number}" for number, old in enumerate(reversed(graph), 500)}

    def moved(value: Any) -> Any:
        return [ids[value[0]], value[1]] if is_link(value) else value

    return {
        ids[old]: {**graph[old], "inputs": {name: moved(value) for name, value in graph[old]["inputs"].items()}}
        for old in reversed(graph)
    }


def retitled(graph: Graph, titles: Mapping[str, str]) -> Graph:
    """The graph with some nodes under another title."""
    return {
        node_id: {**node, "_meta": {"title": titles.get(title(node), title(node))}} for node_id, node in graph.items()
    }


def with_nodes(graph: Graph, **nodes: Any) -> Graph:
    """The graph with further nodes: id=(class, inputs)."""
    return {**graph, **{node_id: {"class_type": kind, "inputs": inputs} for node_id, (kind, inputs) in nodes.items()}}


def node_of(graph: Graph, node_title: str) -> dict[str, Any]:
    """The node with this title."""
    (node,) = (node for node in graph.values() if title(node) == node_title)
    return node
