"""Running one prompt: nodes in topological order, results from the cache where nothing has changed."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bootstrap.draft import wire
from bootstrap.draft.announce import Announcer
from bootstrap.draft.cache import Cache, Cached, keys
from bootstrap.draft.history import Entry
from bootstrap.draft.links import is_link, order, unwrapped, widgets
from bootstrap.draft.nodes import files
from bootstrap.draft.nodes.registry import NODES, Interrupted, Result
from bootstrap.draft.promptqueue import Prompt
from workflows.schema import Interfaces, declared_inputs

log = logging.getLogger(__name__)

REPR_LIMIT = 500
"""Most characters of an input that is not plain data, in an error report."""


@dataclass(frozen=True)
class RunningNode:
    """The `Context` of one node while it runs."""

    node_id: str
    folders: Mapping[str, Path]
    prompt: Prompt
    announcer: Announcer

    @property
    def graph(self) -> Mapping[str, Any]:
        """The graph as posted, widget values converted."""
        return self.prompt.graph

    @property
    def extra_pnginfo(self) -> Mapping[str, Any]:
        """What the client wants saved with the outputs, such as the editor's workflow."""
        info: Mapping[str, Any] = self.prompt.extra_data.get("extra_pnginfo") or {}
        return info

    def progress(self, value: int, maximum: int, preview: bytes | None = None) -> None:
        """Report progress. Raises Interrupted once the prompt has been interrupted."""
        self.check()
        self.announcer.node_progress(self.node_id, value, maximum, preview)

    def check(self) -> None:
        """Raise Interrupted once the prompt has been interrupted."""
        if self.prompt.interrupted.is_set():
            raise Interrupted

    def path(self, name: str) -> Path:
        """The file behind a widget value. Raises ValueError for one outside the folders."""
        return files.resolve(self.folders, name)


def execute(
    prompt: Prompt, cache: Cache, interfaces: Interfaces, folders: Mapping[str, Path], announcer: Announcer
) -> Entry:
    """Run a validated prompt and tell about it; never raises what a node raises."""
    announcer.started()
    graph = {node_id: _declared(node, interfaces) for node_id, node in prompt.graph.items()}
    key = keys(graph, order(graph, prompt.outputs), lambda node_id: _fingerprint(graph[node_id], folders))
    cache.keep(key.values())
    announcer.cached([node_id for node_id in graph if cache.get(key.get(node_id)) is not None])
    run = _Run(prompt, graph, key, cache, folders, announcer)
    if all(run.step(node_id) for node_id in order(graph, prompt.outputs, enough=run.is_cached)):
        announcer.succeeded()
    return Entry(prompt.row(), announcer.messages, run.shown, {node_id: _meta(node_id) for node_id in run.shown})


@dataclass(frozen=True)
class _Run:
    """One prompt on its way: `made` are the results of the nodes that ran, `shown` what nodes showed."""

    prompt: Prompt
    graph: Mapping[str, Any]
    key: Mapping[str, str | None]
    cache: Cache
    folders: Mapping[str, Path]
    announcer: Announcer
    made: dict[str, Cached] = field(default_factory=dict)
    shown: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def is_cached(self, node_id: str) -> bool:
        """Whether the node need not run."""
        return self.cache.get(self.key[node_id]) is not None

    def step(self, node_id: str) -> bool:
        """Run a node, or show again what it showed. False where the prompt ends with it."""
        cached = self.cache.get(self.key[node_id])
        if cached is not None:
            self._show(node_id, cached)
            self.announcer.node_shown(node_id, cached.ui)
        else:
            made = self._make(node_id)
            if made is None:
                return False
            self.made[node_id] = made
            self.cache.put(self.key[node_id], made)
            self._show(node_id, made)
            if made.ui is not None:
                self.announcer.node_shown(node_id, made.ui)
        self.announcer.node_finished(node_id)
        return True

    def _show(self, node_id: str, result: Cached) -> None:
        if result.ui is not None:
            self.shown[node_id] = result.ui

    def _make(self, node_id: str) -> Cached | None:
        """The node's result; None where it failed or was interrupted, which has been told."""
        node = self.graph[node_id]
        context = RunningNode(node_id, self.folders, self.prompt, self.announcer)
        self.announcer.node_started(node_id)
        inputs: dict[str, Any] = {}
        try:
            context.check()
            for name, value in node["inputs"].items():
                inputs[name] = self._output(*value) if is_link(value) else unwrapped(value)
            return _called(context, node["class_type"], inputs)
        except Interrupted:
            self.announcer.interrupted(node_id, node["class_type"], list(self.made))
        except BaseException as error:
            log.error("node %s (%s) failed", node_id, node["class_type"], exc_info=error)
            self.announcer.failed(report(self.graph, node_id, list(self.made), inputs, error))
        return None

    def _output(self, node_id: str, slot: float) -> Any:
        result = self.made.get(node_id) or self.cache.get(self.key[node_id])
        if result is None:
            raise RuntimeError(f"node {node_id} has not run")
        return result.outputs[int(slot)]


def _called(context: RunningNode, class_type: str, inputs: Mapping[str, Any]) -> Cached:
    returned = NODES[class_type].run(context, **inputs)
    if isinstance(returned, Result):
        ui = None if returned.ui is None else json.loads(json.dumps(returned.ui))
        return Cached(tuple(returned.outputs), ui)
    return Cached(tuple(returned), None)


def _declared(node: Mapping[str, Any], interfaces: Interfaces) -> dict[str, Any]:
    """The node with the inputs that its interface declares; what a graph gives beyond them is ignored."""
    declared = declared_inputs(interfaces[node["class_type"]], node["inputs"])
    given = {name: value for name, value in node["inputs"].items() if name in declared}
    return {"class_type": node["class_type"], "inputs": given}


def _fingerprint(node: Mapping[str, Any], folders: Mapping[str, Path]) -> str | None:
    fingerprint = NODES[node["class_type"]].fingerprint
    if fingerprint is None:
        return ""
    try:
        return fingerprint(folders, widgets(node["inputs"]))
    except Exception:
        log.exception("no fingerprint of a %s", node["class_type"])
        return None


def _meta(node_id: str) -> dict[str, str | None]:
    return {"node_id": node_id, "display_node": node_id, "parent_node": None, "real_node_id": node_id}


def report(
    graph: Mapping[str, Any],
    node_id: str | None,
    executed: list[str],
    inputs: Mapping[str, Any],
    error: BaseException,
) -> dict[str, Any]:
    """The data of an `execution_error`. ComfyUI ends the message with a newline, behind which a tip may follow."""
    return {
        "node_id": node_id,
        "node_type": None if node_id is None else graph[node_id]["class_type"],
        "executed": executed,
        "exception_message": f"{error}\n",
        "exception_type": wire.exception_type(error),
        "traceback": traceback.format_tb(error.__traceback__),
        "current_inputs": {name: [_plain(value)] for name, value in inputs.items()},
        "current_outputs": list(graph),
    }


def _plain(value: object) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)[:REPR_LIMIT]
